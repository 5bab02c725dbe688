// A proxy with TLS, its folder of certificates, and clients that speak TLS to it.
import { mkdtempSync, rmSync } from 'node:fs';
import type { Agent, RequestOptions } from 'node:https';
import { request } from 'node:https';
import { connect as connectPlain } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import type { RouteEntry } from '../../proxy/control.ts';
import type { ProxyOptions, SecureEntrance } from '../../proxy/server.ts';
import { type Answer, type Ask, Rig, readText } from './rig.ts';

export interface SecureAsk extends Ask {
  readonly host: string;
  readonly agent?: Agent | false;
}

export interface SecureAnswer extends Answer {
  /** The common name of the certificate that was shown. */
  readonly shown: string;
}

export class SecureRig extends Rig {
  readonly folder = mkdtempSync(join(tmpdir(), 'slipway-secure-'));

  /** Starts a proxy that serves these services with and without TLS. */
  async serveBoth(
    services: Readonly<Record<string, RouteEntry>>,
    options: Partial<ProxyOptions> = {},
  ): Promise<number> {
    await this.serve(services, { https: this.entrance(), ...options });
    return this.securePort;
  }

  entrance(): SecureEntrance {
    return { host: '127.0.0.1', port: 0, folder: this.folder };
  }

  get securePort(): number {
    const port = this.proxy?.addresses[1]?.port;
    if (port === undefined) throw new Error('The proxy does not listen for TLS.');
    return port;
  }

  /** Rejects when the connection ends before the answer is whole. */
  ask({
    host,
    agent = false,
    method = 'GET',
    path = '/',
    headers = {},
    body,
  }: SecureAsk): Promise<SecureAnswer> {
    const given = Object.entries(headers).map(([name, value]) => [
      name,
      typeof value === 'string' ? value : [...value],
    ]);
    const length = body === undefined ? {} : { 'Content-Length': String(Buffer.byteLength(body)) };
    const options: RequestOptions = {
      ...{ port: this.securePort, host: '127.0.0.1', servername: host, rejectUnauthorized: false },
      ...{ method, path, agent, headers: { Host: host, ...length, ...Object.fromEntries(given) } },
    };
    return new Promise((resolve, reject) => {
      const asking = request(options, (response) => {
        const shown = String((response.socket as TLSSocket).getPeerCertificate().subject?.CN);
        readText(response).then((text) => {
          const { statusCode = 0, headers: fields, rawHeaders, trailers } = response;
          resolve({ status: statusCode, body: text, headers: fields, rawHeaders, trailers, shown });
        }, reject);
      });
      asking.on('error', reject);
      asking.end(body);
    });
  }

  /** A connection whose handshake is done; destroyed with the rig. */
  async connect(servername: string, more: ConnectionOptions = {}): Promise<TLSSocket> {
    const plain = connectPlain({ port: this.securePort, host: '127.0.0.1', allowHalfOpen: true });
    plain.on('error', () => plain.destroy());
    const socket = connect({ socket: plain, servername, rejectUnauthorized: false, ...more });
    this.onClose(async () => void socket.destroy());
    await new Promise((resolve, reject) => {
      socket.once('secureConnect', resolve);
      socket.once('error', reject);
    });
    socket.on('error', () => socket.destroy());
    return socket;
  }

  override async close(): Promise<void> {
    await super.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
