// What the primary and its workers say to each other. Plain data only; types and the reading of them.

import type { AccessRecord } from '../access.ts';
import type { Patience } from '../clients/listener.ts';
import type { Acknowledgement, TableUpdate } from '../control.ts';
import type { ProxyStats } from '../counters.ts';
import { isFields } from '../table/reader.ts';
import type { Certificate } from '../tls/certificate.ts';
import type { LocalOptions } from './local.ts';

export type ToWorker =
  | {
      readonly kind: 'start';
      readonly options: LocalOptions;
      readonly update: TableUpdate | null;
      readonly certificates: readonly Certificate[];
    }
  | { readonly kind: 'certificates'; readonly certificates: readonly Certificate[] }
  /** Of the next table, some of the entries that are not what they were. To 'noted'. */
  | { readonly kind: 'entries'; readonly id: number; readonly entries: TableUpdate['services'] }
  /** The next table: the one before with the entries that were told since, and without those that have gone. */
  | {
      readonly kind: 'apply';
      readonly id: number;
      readonly version: number;
      readonly gone: readonly string[];
    }
  | { readonly kind: 'stats'; readonly id: number }
  /** With its socket, unless the client has gone meanwhile. With an id, where its end is to be told. */
  | { readonly kind: 'connection'; readonly id: number | null; readonly isSecure: boolean }
  /** To 'named'. */
  | { readonly kind: 'admission'; readonly id: number; readonly isAdmitted: boolean }
  | { readonly kind: 'say-close' }
  /** The last: the worker exits when it is done. */
  | { readonly kind: 'drain'; readonly patience: Patience };

export type FromWorker =
  | { readonly kind: 'ready' }
  | { readonly kind: 'serving'; readonly acknowledgement: Acknowledgement }
  | { readonly kind: 'taken' }
  /** Somebody before us has said whose connection this is: whether it may be served, is waited for. */
  | { readonly kind: 'named'; readonly id: number; readonly address: string }
  /** The connection of this id has ended. */
  | { readonly kind: 'left'; readonly id: number }
  | { readonly kind: 'failed'; readonly problem: string }
  | { readonly kind: 'noted'; readonly id: number }
  | { readonly kind: 'applied'; readonly id: number; readonly acknowledgement: Acknowledgement }
  | { readonly kind: 'changed'; readonly acknowledgement: Acknowledgement }
  | { readonly kind: 'stats'; readonly id: number; readonly stats: ProxyStats }
  | { readonly kind: 'access'; readonly records: readonly AccessRecord[] }
  | { readonly kind: 'problem'; readonly problem: string };

/** Both ends are this program: what has a `kind` is one of ours, and anything else on the channel is not. */
export function isToWorker(message: unknown): message is ToWorker {
  return isFields(message) && typeof message.kind === 'string';
}

export function isFromWorker(message: unknown): message is FromWorker {
  return isFields(message) && typeof message.kind === 'string';
}
