// The way of a request into the data plane: check it, find its service, start its exchange. Joins the table with the
// requests; opens no socket itself.
import type { Socket } from 'node:net';
import type { AccessLog } from '../access.ts';
import { countClass, type MutableClassCounts, type ProxyStats } from '../counters.ts';
import { ANSWERS, type AnswerCode } from '../errors.ts';
import { Deadlines } from '../exchange/deadlines.ts';
import { Exchange } from '../exchange/exchange.ts';
import type { Job, Plane } from '../exchange/job.ts';
import { Streams } from '../exchange/streams.ts';
import { FieldLines } from '../messages/field-lines.ts';
import type { Router } from '../table/router.ts';
import type { Service } from '../table/service.ts';
import type { ServiceSettings } from '../table/table.ts';
import { addressOf } from './addresses.ts';
import type { Conversation } from './conversation.ts';
import { describeHop } from './forwarded.ts';
import { type Client, findField } from './headers.ts';
import { isMatch } from './match.ts';
import { readOffer } from './offer.ts';
import { type ReplyContext, reply } from './reply.ts';
import { pathOf, type RequestHead, readRequest } from './request.ts';
import type { TrustedPeers } from './trusted.ts';

/** What clients are told of https. */
export interface SecureWords {
  /** Where requests without TLS are sent, for hosts that have a certificate; null: nowhere. */
  readonly redirectPort: number | null;
  /** Of `Strict-Transport-Security` on answers over TLS that have none; 0: not said. */
  readonly hstsSeconds: number;
}

export interface DataPlaneOptions {
  readonly router: Router;
  readonly trusted: TrustedPeers;
  readonly secure: SecureWords;
  /** Whether a certificate names this host. */
  readonly isNamed: (host: string) => boolean;
  readonly onError: (error: unknown) => void;
  readonly access: AccessLog | null;
}

/** Whoever gives out certificates asks for this without TLS (RFC 8555 8.3). */
const CHALLENGE_PATH = '/.well-known/acme-challenge/';

const NO_FIELDS = new FieldLines([]);

/** Where a request belongs: to a service, and to one revision of it where it asks for one. */
interface Way {
  readonly service: Service | null;
  readonly forced: number | null;
  /** No other revision will do. */
  readonly isStrict: boolean;
}

export class DataPlane implements Plane {
  readonly deadlines = new Deadlines();
  readonly streams = new Streams();
  readonly access: AccessLog | null;
  closing = false;
  readonly #options: DataPlaneOptions;
  readonly #router: Router;
  readonly #unrouted: MutableClassCounts = [0, 0, 0, 0, 0];
  /** For answers over TLS: name, value. */
  readonly #secureFields: readonly string[];
  readonly #secureSettings = new WeakMap<ServiceSettings, ServiceSettings>();

  constructor(options: DataPlaneOptions) {
    const { hstsSeconds } = options.secure;
    this.#options = options;
    this.access = options.access;
    this.#router = options.router;
    this.#secureFields = hstsSeconds === 0 ? [] : ['Strict-Transport-Security', `max-age=${hstsSeconds}`];
  }

  /** Of a connection: all its requests come from the same one. */
  meet(socket: Socket): Client {
    const address = addressOf(socket);
    const trusted = this.#options.trusted.has(address);
    const proto = 'encrypted' in socket ? 'https' : 'http';
    return { address, proto, trusted, hop: describeHop(address, proto) };
  }

  serve(conversation: Conversation): void {
    this.#begin(conversation, null);
  }

  upgrade(conversation: Conversation, socket: Socket, first: Buffer): void {
    this.#begin(conversation, { socket, first });
  }

  refuse(conversation: Conversation, code: AnswerCode): void {
    const { client } = conversation.request;
    const read = readRequest(conversation.request, client, '');
    const { requestId, accept } = read.ok ? read.head : read;
    const fields = this.#fieldsFor(client);
    this.#refuse(conversation, code, { requestId, accept, hasBody: true, closing: true, fields });
  }

  /** Of what is no request nothing else is known. */
  noteUnread(code: AnswerCode): void {
    countClass(this.#unrouted, ANSWERS[code].status);
  }

  stats(connections: Pick<ProxyStats, 'connections' | 'refused' | 'handshakeErrors'>): ProxyStats {
    const services = this.#router.services().map((service) => [service.name, service.stats()] as const);
    return {
      tableVersion: this.#router.version,
      ...connections,
      unrouted: [...this.#unrouted],
      services: Object.fromEntries(services),
    };
  }

  #begin(conversation: Conversation, tunnel: Job['tunnel']): void {
    const { request, response } = conversation;
    const { client } = request;
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
    const { service, forced, isStrict } = this.#route(request, head);
    if (service === null) {
      this.#refuse(conversation, 'no-route', { ...head, closing: this.closing, fields });
      return;
    }
    const secure = client.proto === 'https';
    const settings = secure ? this.#settingsOverTls(service.settings) : service.settings;
    const common = { request, response, head, service, settings, plane: this };
    const exchange = new Exchange({ ...common, secure, tunnel, forced, isStrict });
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
    if (findField(head.headers.list, 'x-forwarded-proto') === 'https') return null;
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
  #route({ rawHeaders }: Conversation['request'], head: RequestHead): Way {
    const previewed = this.#router.findPreview(head.host);
    const service = this.#router.find(head.host, head.path);
    for (const candidate of [previewed, service]) {
      const preview = candidate?.entry.preview ?? null;
      if (candidate === null || preview === null) continue;
      if (preview.host !== null && preview.host !== head.host) continue;
      if (!isMatch(preview, rawHeaders, head.cookie)) continue;
      return { service: candidate, forced: preview.revision, isStrict: true };
    }
    const match = service?.entry.match ?? null;
    const isMatched = match !== null && isMatch(match, rawHeaders, head.cookie);
    return { service, forced: isMatched ? match.revision : null, isStrict: false };
  }

  #refuse(conversation: Conversation, code: AnswerCode, context: ReplyContext & Partial<RequestHead>): void {
    const { request } = conversation;
    const [startedAt, bytesBefore] = [
      performance.now(),
      this.access === null ? 0 : request.socket.bytesWritten,
    ];
    const status = reply(conversation, code, context);
    countClass(this.#unrouted, status);
    const { requestId, host = '', path = pathOf(request.url ?? ''), headers = NO_FIELDS } = context;
    const head = { requestId, host, path, headers };
    this.access?.note({ request, head, status, outcome: code, startedAt, bytesBefore });
  }
}
