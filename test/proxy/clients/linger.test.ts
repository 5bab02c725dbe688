import { EventEmitter } from 'node:events';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { ClientRequest, ClientResponse } from '../../../proxy/clients/conversation.ts';
import { endLingering } from '../../../proxy/clients/linger.ts';

// No time passes: what a timer would end does not end.
beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

function begin() {
  const socket = new EventEmitter();
  const request = Object.assign(new EventEmitter(), { socket, resume: () => undefined });
  const response = Object.assign(new EventEmitter(), {
    ...{ writableEnded: false, socket: null },
    end() {
      response.writableEnded = true;
    },
  });
  endLingering(request as unknown as ClientRequest, response as unknown as ClientResponse, 1_000);
  return { socket, request, response };
}

it('waits for a client that may still be sending', () => {
  expect(begin().response.writableEnded).toBe(false);
});

it('does not wait for one that has ended its side of the connection', () => {
  const { socket, response } = begin();
  socket.emit('end');
  expect(response.writableEnded).toBe(true);
});

it('leaves nothing at a connection that goes on', () => {
  const { socket, request, response } = begin();
  request.emit('end');
  expect(response.writableEnded).toBe(true);
  expect(socket.listenerCount('end')).toBe(0);
});
