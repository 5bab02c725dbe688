// Reads one setting's text into a value, or says what was expected instead. Pure; knows no flag and no variable.
import { isIP } from 'node:net';
import type { Parsed } from '../strategies/model.ts';
import { parseDuration } from './spec/units.ts';
import { isPrefix } from './store/keys.ts';

/** `host` null: every interface. */
export interface ListenAddress {
  readonly host: string | null;
  readonly port: number;
}

/** `prefix`: how many bits of the address count. */
export interface Network {
  readonly address: string;
  readonly prefix: number;
}

function expected<T>(problem: string): Parsed<T> {
  return { ok: false, problem };
}

/** `10s`, `1m30s` → milliseconds. Both ends are inclusive, and written as durations themselves. */
export function readDurationWithin(text: string, least: string, most: string): Parsed<number> {
  const value = parseDuration(text);
  const [from = 0, to = 0] = [parseDuration(least), parseDuration(most)];
  if (value === undefined || value < from || value > to)
    return expected(`a duration from ${least} to ${most}`);
  return { ok: true, value };
}

/** `:8080`, `8080`, `127.0.0.1:9180`, `[::1]:9180`. */
export function readListenAddress(text: string): Parsed<ListenAddress> {
  const match = /^(?:(\[[0-9a-fA-F:.]+\]|[^:[\]\s]*):)?(\d{1,5})$/.exec(text);
  const port = Number(match?.[2]);
  if (match === null || port > 65_535) return expected('an address such as :8080 or 127.0.0.1:9180');
  const host = (match[1] ?? '').replace(/^\[|\]$/g, '');
  return { ok: true, value: { host: host === '' || host === '*' ? null : host, port } };
}

/** Comma-separated: `10.0.0.0/8`, `fd00::/8`, `192.0.2.7`. */
export function readNetworks(text: string): Parsed<readonly Network[]> {
  const parts = text.split(',').map((part) => part.trim());
  const networks = parts.map(parseNetwork);
  const bad = networks.indexOf(null);
  if (bad >= 0)
    return expected(`addresses or networks such as 10.0.0.0/8,fd00::/8; "${parts[bad]}" is neither`);
  return { ok: true, value: networks.filter((network) => network !== null) };
}

/** IPv4 within IPv6 is none: connections over IPv4 are known by their plain addresses. */
function parseNetwork(text: string): Network | null {
  const [, address = '', prefix] = /^([\da-fA-F.:]+)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const family = isIP(address);
  const bits = family === 4 ? 32 : 128;
  if (family === 0 || Number(prefix ?? 0) > bits || (family === 6 && address.includes('.'))) return null;
  return { address, prefix: Number(prefix ?? bits) };
}

/** `embedded`, or one or more URLs, comma-separated, all http or all https, without a path. */
export function readEndpoints(text: string): Parsed<'embedded' | readonly string[]> {
  if (text === 'embedded') return { ok: true, value: 'embedded' };
  const parts = text.split(',').map((part) => part.trim());
  const urls = parts.map((part) => (URL.canParse(part) ? new URL(part) : null));
  const usable = urls.every((url) => url !== null && /^https?:$/.test(url.protocol) && isBare(url));
  if (!usable) return expected('`embedded`, or URLs such as http://127.0.0.1:2379,http://10.0.0.2:2379');
  if (new Set(urls.map((url) => url?.protocol)).size > 1)
    return expected('URLs that are all http or all https');
  return { ok: true, value: parts.map((part) => part.replace(/\/+$/, '')) };
}

/** Credentials in a URL would show in the list of processes: they have flags of their own. */
function isBare(url: URL): boolean {
  return url.pathname === '/' && url.search === '' && url.username === '' && url.password === '';
}

export function readInteger(text: string, least: number, most: number): Parsed<number> {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < least || value > most) {
    return expected(`a whole number from ${least} to ${most}`);
  }
  return { ok: true, value };
}

/** `0.05`, `1`: a part of the whole. */
export function readShare(text: string): Parsed<number> {
  if (!/^(0|1|0?\.\d{1,6})$/.test(text)) return expected('a share from 0 to 1, such as 0.05');
  return { ok: true, value: Number(text) };
}

/** An etcd key prefix: `/slipway`, `/teams/shop`. */
export function readPrefix(text: string): Parsed<string> {
  if (!isPrefix(text)) return expected('a key prefix such as /slipway, without a slash at its end');
  return { ok: true, value: text };
}

export function readSwitch(text: string): Parsed<boolean> {
  if (text === 'true' || text === '1') return { ok: true, value: true };
  if (text === 'false' || text === '0') return { ok: true, value: false };
  return expected('true or false');
}

/** A name that goes into keys: of a proxy. */
export function readName(text: string): Parsed<string> {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/.test(text))
    return expected('a name of letters, digits, dot, dash and underscore');
  return { ok: true, value: text };
}
