// Three members of etcd on this machine, as one server with three endpoints; its leader can be lost.
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Child, startChild } from './child.ts';
import type { EtcdServer } from './etcd.ts';
import { findFreePorts } from './names.ts';
import { waitFor } from './wait.ts';

const run = promisify(execFile);

export interface EtcdCluster extends EtcdServer {
  /** Kills the leader with SIGKILL; resolves with the way to start that member again. */
  loseLeader(): Promise<() => Promise<void>>;
}

interface Member {
  readonly url: string;
  readonly args: readonly string[];
  child: Child;
}

export async function startCluster(): Promise<EtcdCluster> {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-cluster-'));
  const ports = await findFreePorts(6);
  const members = describeMembers(folder, ports).map((member) => ({ ...member, child: launch(member.args) }));
  const url = members.map((member) => member.url).join(',');
  const ctl = async (...args: readonly string[]): Promise<string> => {
    const env = { ...process.env, ETCDCTL_API: '3' };
    const { stdout } = await run('etcdctl', ['--endpoints', url, ...args], { env, timeout: 20_000 });
    return stdout;
  };
  const each = async (act: (member: Member) => unknown): Promise<void> => {
    for (const member of members) await act(member);
  };
  const signal = (name: NodeJS.Signals): void => {
    for (const { child } of members) child.kill(name);
  };
  await waitFor('the cluster', () => ctl('endpoint', 'health'));
  return {
    ...{ url, ctl },
    kill: () => each(kill),
    restart: () => each(revive),
    startOver: async () => {
      throw new Error('a cluster does not start over');
    },
    freeze: () => signal('SIGSTOP'),
    thaw: () => signal('SIGCONT'),
    loseLeader: async () => {
      const leader = await findLeader(members, ctl);
      await kill(leader);
      return async () => revive(leader);
    },
    stop: async () => {
      await each(({ child }) => child.stop());
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function describeMembers(folder: string, ports: readonly number[]) {
  const clients = ports.slice(0, 3).map((port) => `http://127.0.0.1:${port}`);
  const peers = ports.slice(3).map((port) => `http://127.0.0.1:${port}`);
  const cluster = peers.map((peer, at) => `m${at}=${peer}`).join(',');
  return clients.map((url, at) => {
    const peer = peers[at] ?? '';
    const args = [
      ...[
        '--name',
        `m${at}`,
        '--data-dir',
        join(folder, `m${at}`),
        '--log-level',
        'error',
        '--logger',
        'zap',
      ],
      ...['--listen-client-urls', url, '--advertise-client-urls', url, '--initial-cluster', cluster],
      ...['--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer],
    ];
    return { url, args };
  });
}

function launch(args: readonly string[]): Child {
  return startChild('etcd', args);
}

async function kill({ child }: Member): Promise<void> {
  child.kill('SIGKILL');
  await child.exited;
}

function revive(member: Member): void {
  member.child = launch(member.args);
}

async function findLeader(members: readonly Member[], ctl: EtcdServer['ctl']): Promise<Member> {
  const url = await waitFor('a leader of the cluster', async () => {
    const all: { Endpoint: string; Status: { leader: number; header: { member_id: number } } }[] = JSON.parse(
      await ctl('endpoint', 'status', '--write-out', 'json'),
    );
    return all.find(({ Status }) => Status.leader === Status.header.member_id)?.Endpoint;
  });
  const leader = members.find((member) => member.url === url);
  if (leader === undefined) throw new Error(`${url} is no member`);
  return leader;
}
