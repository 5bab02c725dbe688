// Docker Swarm as the peer: one service, updated as fast as Swarm can. Only where this engine is in no swarm yet; the
// swarm is left again afterwards.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { printLine } from './figures.ts';

const run = promisify(execFile);
const SERVICE = 'slipway-bench';
const POLL_MS = 20;

export class SwarmPeer {
  /** Null where the engine is in a swarm already, which is none of ours, or cannot be in one. */
  static async start(image: string, replicas: number): Promise<SwarmPeer | null> {
    const { stdout } = await run('docker', ['info', '--format', '{{.Swarm.LocalNodeState}}']);
    if (stdout.trim() !== 'inactive') {
      printLine('Swarm: this engine is in a swarm already; left alone, not measured.');
      return null;
    }
    await run('docker', ['swarm', 'init', '--advertise-addr', '127.0.0.1']);
    const peer = new SwarmPeer();
    try {
      const fast = ['--update-parallelism', '3', '--update-order', 'start-first', '--update-delay', '0s'];
      const options = ['--detach', '--no-resolve-image', '--name', SERVICE, '--replicas', String(replicas)];
      await run('docker', ['service', 'create', ...options, ...fast, '--update-monitor', '1ns', image]);
      await peer.#until(`${replicas}/${replicas}`);
      return peer;
    } catch (error) {
      await peer.stop();
      throw error;
    }
  }

  /** Milliseconds from the command to the state `completed`. */
  async update(image: string): Promise<number> {
    const begun = performance.now();
    await run('docker', ['service', 'update', '--detach', '--no-resolve-image', '--image', image, SERVICE]);
    for (;;) {
      const format = '{{if .UpdateStatus}}{{.UpdateStatus.State}}{{end}}';
      const { stdout } = await run('docker', ['service', 'inspect', '--format', format, SERVICE]);
      if (stdout.trim() === 'completed') return performance.now() - begun;
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  async stop(): Promise<void> {
    await run('docker', ['service', 'rm', SERVICE]).catch(() => printLine('Swarm: no service to remove.'));
    await run('docker', ['swarm', 'leave', '--force']);
  }

  async #until(wanted: string): Promise<void> {
    for (;;) {
      const { stdout } = await run('docker', [
        'service',
        'ls',
        '--filter',
        `name=${SERVICE}`,
        '--format',
        '{{.Replicas}}',
      ]);
      if (stdout.trim() === wanted) return;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}
