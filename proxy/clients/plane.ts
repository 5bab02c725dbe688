// The way of a request into the data plane: check it, find its service, start its exchange. Joins the table with the
// requests; opens no socket itself.
import { type IncomingMessage, ServerResponse } from 'node:http';
import type { BlockList, Socket } from 'node:net';
import {
  countClass,
  type HandshakeErrorCounts,
  type MutableClassCounts,
  type ProxyStats,
} from '../counters.ts';
import type { AnswerCode } from '../errors.ts';
import { Deadlines } from '../exchange/deadlines.ts';
import { Exchange } from '../exchange/exchange.ts';
import type { Job, Plane } from '../exchange/job.ts';
import { Streams } from '../exchange/streams.ts';
import type { Router } from '../table/router.ts';
import type { Service } from '../table/service.ts';
import type { ServiceSettings } from '../table/table.ts';
import type { Conversation } from './conversation.ts';
import { type Client, findField } from './headers.ts';
import { readOffer } from './offer.ts';
import { type ReplyContext, reply } from './reply.ts';
import { type RequestHead, readRequest } from './request.ts';

/** What clients are told of https. */
export interface SecureWords {
  /** Where requests without TLS are sent, for hosts that have a certificate; null: nowhere. */
  readonly redirectPort: number | null;
  /** Of `Strict-Transport-Security` on answers over TLS that have none; 0: not said. */
  readonly hstsSeconds: number;
}

export interface DataPlaneOptions {
  readonly router: Router;
  readonly trusted: BlockList;
  readonly secure: SecureWords;
  /** Whether a certificate names this host. */
  readonly isNamed: (host: string) => boolean;
  readonly onError: (error: unknown) => void;
}

/** Whoever gives out certificates asks for this without TLS (RFC 8555 8.3). */
const CHALLENGE_PATH = '/.well-known/acme-challenge/';

export class DataPlane implements Plane {
  readonly deadlines = new Deadlines();
  readonly streams = new Streams();
  closing = false;
  readonly #options: DataPlaneOptions;
  readonly #router: Router;
  readonly #unrouted: MutableClassCounts = [0, 0, 0, 0, 0];
  /** Of each connection: all its requests come from the same one. */
  readonly #clients = new WeakMap<Socket, Client>();
  /** For answers over TLS: name, value. */
  readonly #secureFields: readonly string[];
  readonly #secureSettings = new WeakMap<ServiceSettings, ServiceSettings>();

  constructor(options: DataPlaneOptions) {
    const { hstsSeconds } = options.secure;
    this.#options = options;
    this.#router = options.router;
    this.#secureFields = hstsSeconds === 0 ? [] : ['Strict-Transport-Security', `max-age=${hstsSeconds}`];
  }

  serve(conversation: Conversation): void {
    this.#begin(conversation, null);
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
    const client = this.#clientOf(conversation.request);
    const read = readRequest(conversation.request, client, '');
    const { requestId, accept } = read.ok ? read.head : read;
    const fields = this.#fieldsFor(client);
    this.#refuse(conversation, code, { requestId, accept, hasBody: true, closing: true, fields });
  }

  stats(connections: number, handshakeErrors: Readonly<HandshakeErrorCounts>): ProxyStats {
    const services = this.#router.services().map((service) => [service.name, service.stats()] as const);
    return {
      tableVersion: this.#router.version,
      connections,
      handshakeErrors,
      unrouted: [...this.#unrouted],
      services: Object.fromEntries(services),
    };
  }

  #begin(conversation: Conversation, tunnel: Job['tunnel']): void {
    const { request, response } = conversation;
    const client = this.#clientOf(request);
    const offer = tunnel === null ? '' : readOffer(findField(request.rawHeaders, 'upgrade') ?? '');
    const read = readRequest(request, client, offer);
    const fields = this.#fieldsFor(client);
    if (!read.ok) {
      this.#refuse(conversation, read.code, { ...read, hasBody: true, closing: true, fields });
      return;
    }
    const { head } = read;
    const location = this.#redirect(head, client);
    if (location !== null) {
      this.#refuse(conversation, 'https-only', { ...head, closing: this.closing, fields: location });
      return;
    }
    const { service, forced } = this.#route(request, head);
    if (service === null) {
      this.#refuse(conversation, 'no-route', { ...head, closing: this.closing, fields });
      return;
    }
    const secure = client.proto === 'https';
    const settings = secure ? this.#settingsOverTls(service.settings) : service.settings;
    const common = { request, response, head, service, settings, plane: this };
    const exchange = new Exchange({ ...common, secure, tunnel, forced });
    exchange.run().catch((error: unknown) => {
      this.#options.onError(error);
      response.destroy();
    });
  }

  /** The field that says where to, for a client that is to come back over TLS; otherwise null. */
  #redirect(head: RequestHead, client: Client): readonly string[] | null {
    const { secure, isNamed } = this.#options;
    const port = secure.redirectPort;
    if (port === null || client.proto === 'https' || !head.url.startsWith('/')) return null;
    if (head.path.startsWith(CHALLENGE_PATH) || !isNamed(head.host)) return null;
    // TLS has ended in front of us: there the client is where it should be.
    if (findField(head.headers, 'x-forwarded-proto') === 'https') return null;
    return ['Location', `https://${head.host}${port === 443 ? '' : `:${port}`}${head.url}`];
  }

  #fieldsFor(client: Client): readonly string[] {
    return client.proto === 'https' ? this.#secureFields : [];
  }

  #settingsOverTls(settings: ServiceSettings): ServiceSettings {
    if (this.#secureFields.length === 0) return settings;
    const present = this.#secureSettings.get(settings);
    if (present !== undefined) return present;
    const made = { ...settings, missingHeaders: this.#secureFields };
    this.#secureSettings.set(settings, made);
    return made;
  }

  /** A preview's host leads only to that preview; its header, where one is given, must match as well. */
  #route(
    request: Conversation['request'],
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

  #clientOf({ socket }: Conversation['request']): Client {
    const known = this.#clients.get(socket);
    if (known !== undefined) return known;
    const address = plainAddress(socket.remoteAddress ?? '');
    const trusted =
      address !== '' && this.#options.trusted.check(address, address.includes(':') ? 'ipv6' : 'ipv4');
    const client: Client = { address, proto: 'encrypted' in socket ? 'https' : 'http', trusted };
    this.#clients.set(socket, client);
    return client;
  }
}

/** `::ffff:10.0.0.1`, as a socket that listens on both families tells it, is 10.0.0.1. */
function plainAddress(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address;
}
