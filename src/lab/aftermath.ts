// What is asked when everything is over and healed: every server is asked directly about every
// credential, the living and the dead, and every cart is looked into through the gateway. Uploads
// that broke off are brought to their end, and all files are looked for. Without it most laws would
// be judged on luck.

import { setTimeout as sleep } from 'node:timers/promises';
import { Gate } from '../core/gate.ts';
import type { Step } from '../workloads/workload.ts';
import type { Client } from './client.ts';
import type { Cluster } from './cluster.ts';
import type { Crowd } from './crowd.ts';
import type { Recorder } from './recorder.ts';

const readyTimeoutMs = 15_000;
/** All at once would be a load that no user was, and would be judged as one. */
const clientsAtOnce = 4;

export async function lookBack(
  cluster: Cluster,
  crowd: Crowd,
  recorder: Recorder,
  signal: AbortSignal | undefined,
): Promise<void> {
  await everyServerReady(cluster, signal);
  await cluster.trustAll();
  const servers = cluster.servers().map((_, server) => server);
  const ask = async (client: Client) => {
    for (const server of servers) {
      signal?.throwIfAborted();
      await client.perform({ atMs: 0, f: 'whoami', server }, 0, recorder.now());
      await client.perform({ atMs: 0, f: 'replay', server }, 0, recorder.now());
    }
    await client.perform({ atMs: 0, f: 'read' }, 0, recorder.now());
  };
  const everybody = async (does: (client: Client, index: number) => Promise<void>) => {
    const gate = new Gate(clientsAtOnce);
    const { clients } = crowd;
    await Promise.all(clients.map((client, index) => gate.pass(() => does(client, index))));
  };
  await everybody(ask);
  if (cluster.server(0).transferUrl === undefined) return;
  const make = async (client: Client, steps: readonly Step[]) => {
    for (const step of steps) {
      signal?.throwIfAborted();
      await client.perform(step, 0, recorder.now());
    }
  };
  await everybody((client) => make(client, [list, loginAgain, ...client.sent]));
  await everybody((client, index) => {
    const neighbour = crowd.clients.at(index - 1) ?? client;
    const looks = [...client.sent, ...neighbour.sent].map(fetching);
    return make(client, [...client.sent, list, ...looks]);
  });
}

const list: Step = { atMs: 0, f: 'list' };
const loginAgain: Step = { atMs: 0, f: 'login', again: true };
const fetching = ({ key = '' }: Step): Step => ({ atMs: 0, f: 'fetch', key });

/**
 * Throws when a server that was healed does not become ready: the harness cannot judge then. One
 * that died by itself is not waited for: it is a finding of the run.
 */
async function everyServerReady(cluster: Cluster, signal: AbortSignal | undefined): Promise<void> {
  const giveUp = performance.now() + readyTimeoutMs;
  for (const [index, { name }] of cluster.servers().entries()) {
    while (!(await isReady(cluster.server(index).url))) {
      signal?.throwIfAborted();
      if (cluster.findings.length > 0) return;
      if (performance.now() > giveUp) throw new Error(`server ${name} does not become ready`);
      await sleep(20, undefined, signal && { signal });
    }
  }
}

async function isReady(url: string | undefined): Promise<boolean> {
  if (url === undefined) return false;
  const asked = fetch(`${url}/health/ready`, { signal: AbortSignal.timeout(1_000) });
  const answer = await asked.catch(() => undefined);
  await answer?.body?.cancel();
  return answer?.ok === true;
}
