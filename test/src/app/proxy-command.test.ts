// The proxy beside a controller is started with the daemon's settings, and with nothing else.
import { describe, expect, it } from 'vitest';
import { composeProxyCommand, composeProxyEnvironment } from '../../../src/app/proxy-command.ts';
import { readSettings } from '../../../src/config.ts';
import { SERVE_SETTINGS } from '../../../src/config-settings.ts';
import { Stage } from '../cli/stage.ts';

/** What a proxy makes of a `serve` with these flags and variables. */
async function startBeside(flags: Record<string, string>, env: Record<string, string>) {
  const command = composeProxyCommand(readSettings(SERVE_SETTINGS, flags, env));
  const stage = new Stage();
  Object.assign(stage.env, composeProxyEnvironment(env));
  const { out, err } = await stage.run(...command.slice(command.indexOf('proxy')));
  expect(err).toBe('');
  return JSON.parse(out);
}

describe('the proxy beside a controller', () => {
  it('has the settings that the daemon got, by flag or by variable', async () => {
    const env = {
      SLIPWAY_WORKERS: '3',
      SLIPWAY_PROXY_ADMIN: ':19',
      SLIPWAY_ADMIN: ':18',
      SLIPWAY_DRAIN: '7s',
    };
    expect(await startBeside({ http: ':80', prefix: '/shop' }, env)).toMatchObject({
      http: { host: null, port: 80 },
      admin: { host: null, port: 19 },
      ...{ workers: 3, drain: 7000, prefix: '/shop', etcd: ['http://127.0.0.1:2379'] },
    });
  });

  it('speaks TLS as the daemon is told, and not otherwise', async () => {
    const given = { https: '[::1]:443', tlsDir: 'certificates', httpsRedirect: 'true', hsts: '60' };
    expect(await startBeside(given, {})).toMatchObject({
      ...{ https: { host: '::1', port: 443 }, tlsDir: 'certificates', httpsRedirect: true, hsts: 60 },
    });
    expect(await startBeside({}, {})).toMatchObject({
      ...{ https: null, tlsDir: null, httpsRedirect: false, hsts: 0 },
    });
  });

  it('has the limits that the daemon got', async () => {
    const given = { maxConnections: '70', maxConnectionsPerAddress: '3' };
    expect(await startBeside(given, {})).toMatchObject({ maxConnections: 70, maxConnectionsPerAddress: 3 });
    expect(await startBeside({}, {})).toMatchObject({ maxConnections: 20_000, maxConnectionsPerAddress: 0 });
  });

  it('tells of requests as the daemon is told to', async () => {
    const given = { accessLog: 'true', accessLogSample: '0.000001' };
    expect(await startBeside(given, {})).toMatchObject({ accessLog: true, accessLogSample: 0.000001 });
    expect(await startBeside({}, {})).toMatchObject({ accessLog: false, accessLogSample: null });
  });

  it('believes whom the daemon is told to believe', async () => {
    const given = { trustedProxies: '10.0.0.0/8,::1', proxyProtocol: 'true' };
    expect(await startBeside(given, {})).toMatchObject({
      proxyProtocol: true,
      trustedProxies: [
        { address: '10.0.0.0', prefix: 8 },
        { address: '::1', prefix: 128 },
      ],
    });
    expect(await startBeside({}, {})).toMatchObject({ trustedProxies: null, proxyProtocol: false });
  });

  it('takes no variable that is for a proxy of one’s own', async () => {
    const env = { SLIPWAY_ID: 'mine', SLIPWAY_TABLE: 'table.json', SLIPWAY_SNAPSHOT: 'kept.json' };
    expect(await startBeside({}, env)).toMatchObject({ id: null, table: null, snapshot: null });
  });

  it('keeps what is no setting', () => {
    expect(composeProxyEnvironment({ PATH: '/bin', NODE_OPTIONS: '', SLIPWAY_ID: 'mine' })).toEqual({
      PATH: '/bin',
      NODE_OPTIONS: '',
    });
  });
});
