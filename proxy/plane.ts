// The way of a request into the data plane: check it, find its service, start its exchange. Joins the table with the
// requests; opens no socket itself.
import { type IncomingMessage, ServerResponse } from 'node:http';
import type { BlockList, Socket } from 'node:net';
import { countClass, type MutableClassCounts, type ProxyStats } from './counters.ts';
import { Deadlines } from './deadlines.ts';
import type { AnswerCode } from './errors.ts';
import { Exchange } from './exchange.ts';
import { type Client, findField } from './headers.ts';
import type { Job, Plane } from './job.ts';
import { readOffer } from './offer.ts';
import { type ReplyContext, reply } from './reply.ts';
import { type RequestHead, readRequest } from './request.ts';
import type { Router } from './router.ts';
import type { Service } from './service.ts';
import { Streams } from './streams.ts';

interface Conversation {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

export class DataPlane implements Plane {
  readonly deadlines = new Deadlines();
  readonly streams = new Streams();
  closing = false;
  readonly #router: Router;
  readonly #trusted: BlockList;
  readonly #onError: (error: unknown) => void;
  readonly #unrouted: MutableClassCounts = [0, 0, 0, 0, 0];
  /** Of each connection: all its requests come from the same one. */
  readonly #clients = new WeakMap<Socket, Client>();

  constructor(router: Router, trusted: BlockList, onError: (error: unknown) => void) {
    this.#router = router;
    this.#trusted = trusted;
    this.#onError = onError;
  }

  serve(request: IncomingMessage, response: ServerResponse): void {
    this.#begin({ request, response }, null);
  }

  /** The socket is the caller's no more: whatever comes of it, it ends here. */
  upgrade(request: IncomingMessage, socket: Socket, first: Buffer): void {
    socket.on('error', () => socket.destroy());
    const response = new ServerResponse(request);
    response.shouldKeepAlive = false;
    response.assignSocket(socket);
    response.once('finish', () => socket.destroySoon());
    this.#begin({ request, response }, { socket, first });
  }

  refuse(conversation: Conversation, code: AnswerCode): void {
    const read = readRequest(conversation.request, this.#clientOf(conversation.request), '');
    const { requestId, accept } = read.ok ? read.head : read;
    this.#refuse(conversation, code, { requestId, accept, hasBody: true, closing: true });
  }

  stats(connections: number): ProxyStats {
    const services = this.#router.services().map((service) => [service.name, service.stats()] as const);
    return {
      tableVersion: this.#router.version,
      connections,
      unrouted: [...this.#unrouted],
      services: Object.fromEntries(services),
    };
  }

  #begin(conversation: Conversation, tunnel: Job['tunnel']): void {
    const { request, response } = conversation;
    const client = this.#clientOf(request);
    const offer = tunnel === null ? '' : readOffer(findField(request.rawHeaders, 'upgrade') ?? '');
    const read = readRequest(request, client, offer);
    if (!read.ok) {
      this.#refuse(conversation, read.code, { ...read, hasBody: true, closing: true });
      return;
    }
    const { head } = read;
    const { service, forced } = this.#route(request, head);
    if (service === null) {
      this.#refuse(conversation, 'no-route', { ...head, closing: this.closing });
      return;
    }
    const secure = client.proto === 'https';
    const exchange = new Exchange({ request, response, head, service, plane: this, secure, tunnel, forced });
    exchange.run().catch((error: unknown) => {
      this.#onError(error);
      response.destroy();
    });
  }

  /** A preview's host leads only to that preview; its header, where one is given, must match as well. */
  #route(
    request: IncomingMessage,
    head: RequestHead,
  ): { readonly service: Service | null; readonly forced: number | null } {
    const previewed = this.#router.findPreview(head.host);
    const service = this.#router.find(head.host, head.path);
    for (const candidate of [previewed, service]) {
      const preview = candidate?.entry.preview ?? null;
      if (candidate === null || preview === null) continue;
      if (preview.host !== null && preview.host !== head.host) continue;
      if (
        preview.header !== null &&
        findField(request.rawHeaders, preview.header.name) !== preview.header.value
      )
        continue;
      return { service: candidate, forced: preview.revision };
    }
    return { service, forced: null };
  }

  #refuse(conversation: Conversation, code: AnswerCode, context: ReplyContext): void {
    countClass(this.#unrouted, reply(conversation, code, context));
  }

  #clientOf({ socket }: IncomingMessage): Client {
    const known = this.#clients.get(socket);
    if (known !== undefined) return known;
    const address = plainAddress(socket.remoteAddress ?? '');
    const trusted = address !== '' && this.#trusted.check(address, address.includes(':') ? 'ipv6' : 'ipv4');
    const client: Client = { address, proto: 'encrypted' in socket ? 'https' : 'http', trusted };
    this.#clients.set(socket, client);
    return client;
  }
}

/** `::ffff:10.0.0.1`, as a socket that listens on both families tells it, is 10.0.0.1. */
function plainAddress(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address;
}
