// A copy of a request, sent to the target of another revision beside it. Its answer is read and dropped; nothing that
// becomes of it is seen by the client, or holds up the request that it copies.
//
// INVARIANTS
// - Its target is claimed until it ends, so that none is stopped under it; it ends within the service's `timeout`.
// - It ends exactly once; from then on its connection is back in the pool or destroyed.
import type { Socket } from 'node:net';
import type { RequestHead } from '../clients/request.ts';
import { FieldLines } from '../messages/field-lines.ts';
import type { Service } from '../table/service.ts';
import type { Connecting, Target } from '../table/target.ts';
import { type AnyWire, dial } from '../targets/dial.ts';
import type { ResponseHead } from '../targets/response-head.ts';
import type { WireEvents } from '../targets/wire.ts';
import type { Deadline, Deadlines } from './deadlines.ts';

const MIRRORED_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/** `revision`: of the target that the request itself goes to. */
export function mirror(head: RequestHead, service: Service, revision: number, deadlines: Deadlines): void {
  const wanted = service.entry.mirror;
  if (wanted === null || wanted.revision === revision) return;
  if (head.hasBody || !MIRRORED_METHODS.has(head.method)) return;
  const { mirroring } = service;
  if (!mirroring.isDue(wanted.percent) || !mirroring.begin()) return;
  const target = service.claim({ forced: wanted.revision, preferred: null, tried: null });
  if (target === null) mirroring.end(null);
  else new Copy(head, service, target, deadlines).start();
}

class Copy implements WireEvents, Connecting, Deadline {
  readonly deadlineAt: number;
  deadlinePlace = -1;
  readonly #head: RequestHead;
  readonly #service: Service;
  readonly #target: Target;
  readonly #deadlines: Deadlines;
  #wire: AnyWire | null = null;
  #status: number | null = null;
  #isOver = false;

  constructor(head: RequestHead, service: Service, target: Target, deadlines: Deadlines) {
    this.#head = { ...head, headers: new FieldLines([...head.headers.list, 'X-Slipway-Mirror', '1']) };
    this.#service = service;
    this.#target = target;
    this.#deadlines = deadlines;
    this.deadlineAt = performance.now() + service.settings.timeoutMs;
  }

  start(): void {
    this.#target.mirrors += 1;
    this.#deadlines.add(this);
    const wire = dial(this.#target, this.#head, false, this);
    // What cannot be sent, the client is told with the request itself.
    if (typeof wire === 'string') {
      this.#end();
      return;
    }
    this.#wire = wire;
    wire.open(false);
  }

  /** An answer that has begun counts, however long the rest of it takes. */
  expire(): void {
    this.#end();
  }

  abandon(): void {
    this.#end();
  }

  onConnecting(): void {
    this.#target.connecting.add(this);
  }

  onConnected(): void {
    this.#target.connecting.delete(this);
    this.#wire?.end([]);
  }

  onDrained(): void {
    // There is no body that would wait for it.
  }

  onRead(): void {
    // Dropped.
  }

  onInformation(): void {
    // Dropped.
  }

  onAnswer({ status }: ResponseHead): void {
    this.#status = status;
  }

  onBody(): void {
    // Dropped.
  }

  onEnd(): void {
    this.#end();
  }

  onSwitch(_head: ResponseHead, socket: Socket): void {
    socket.destroy();
    this.#end();
  }

  onFailure(): void {
    this.#end();
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#deadlines.remove(this);
    this.#target.connecting.delete(this);
    this.#wire?.leave();
    this.#service.mirroring.end(this.#status);
    this.#target.mirrors -= 1;
    this.#target.release();
  }
}
