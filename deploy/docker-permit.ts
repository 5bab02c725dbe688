// The last look at a permit before a call leaves: on a connection of the call's own, when it has come about and right
// before the first byte is written. Between a look before the call and that moment lie turns of the event loop, in any of
// which the process may be suspended for as long as it takes another controller to lead.
import type { Agent } from 'node:http';
import { TLSSocket } from 'node:tls';
import { RuntimeFailure } from './errors.ts';
import type { Permit } from './runtime.ts';

/** Throws `cancelled` once the permit is lost. */
export function requirePermit(permit: Permit, what: string): void {
  if (!permit()) throw lost(what);
}

/** `agent` must be this call's alone. */
export function guardConnection(agent: Agent, permit: Permit, what: string): Agent {
  const open = agent.createConnection.bind(agent);
  agent.createConnection = (options, callback) => {
    const socket = open(options, callback);
    // Before node's own listener, which writes what waits for the connection; with TLS, what waits for the handshake.
    socket?.prependOnceListener(socket instanceof TLSSocket ? 'secureConnect' : 'connect', () => {
      if (!permit()) socket.destroy(lost(what));
    });
    return socket;
  };
  return agent;
}

function lost(what: string): RuntimeFailure {
  return new RuntimeFailure('cancelled', `${what}: another controller may lead by now`);
}
