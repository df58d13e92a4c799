// Redis and Valkey as the tests of topologies need them: real servers on free ports of the loopback
// address, alone, as a cluster, or as a master with replicas and sentinels. All that was started
// ends with the group, by its id; what they wrote goes with it.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createClient } from '@redis/client';
import { freePort } from '../../src/backing/process.ts';
import { keepCertificates } from '../../src/certificates/folder.ts';

export interface Server {
  readonly port: number;
  readonly process: ChildProcess;
}

export type Lines = Readonly<Record<string, string | readonly string[]>>;

const isReady = /Ready to accept connections|\+monitor master/;

export class RedisServers implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'sessionlab-servers-'));
  readonly #started: ChildProcess[] = [];
  readonly #program: string;

  constructor(program = 'redis-server') {
    this.#program = program;
    process.once('exit', this.#kill);
  }

  /** Starts one with these settings; with a certificate its port speaks only TLS. */
  async start(settings: Lines = {}, mode: readonly string[] = [], at?: number): Promise<Server> {
    for (let attempt = 1; attempt <= 5; attempt += 1) {
      const port = at ?? (await freePort());
      const server = await this.#tryAt(port, settings, mode);
      if (server !== undefined) return { port, process: server };
    }
    throw new Error(`${this.#program} does not start`);
  }

  /** For 127.0.0.1, of an authority of its own: the files of both, and of its key. */
  async makeCertificate(name: string) {
    const made = await keepCertificates({ folder: join(this.folder, name) });
    const { file: certificate, keyFile: key } = made.certificate;
    return { authority: made.authority.file, certificate, key };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    process.off('exit', this.#kill);
    const living = this.#started.filter((one) => one.exitCode === null && one.signalCode === null);
    const ended = living.map((server) => once(server, 'exit'));
    this.#kill();
    await Promise.all(ended);
    rmSync(this.folder, { recursive: true, force: true });
  }

  readonly #kill = () => {
    for (const server of this.#started) server.kill('SIGKILL');
  };

  async #tryAt(port: number, settings: Lines, mode: readonly string[]) {
    const lines: Lines = {
      bind: '127.0.0.1',
      ...('tls-cert-file' in settings
        ? { port: '0', 'tls-port': String(port) }
        : { port: String(port) }),
      dir: this.folder,
      dbfilename: `${port}.rdb`,
      save: '""',
      'repl-diskless-sync-delay': '0',
      ...settings,
    };
    const sentinel = mode.includes('--sentinel');
    const said = Object.entries(lines)
      .filter(([name]) => !sentinel || !/^(save|dbfilename|repl)/.test(name))
      .flatMap(([name, values]) => [values].flat().map((value) => `${name} ${value}`));
    const file = join(this.folder, `${port}.conf`);
    writeFileSync(file, `${said.join('\n')}\n`);
    const server = spawn(this.#program, [file, ...mode], { stdio: ['ignore', 'pipe', 'inherit'] });
    this.#started.push(server);
    const ended = once(server, 'exit').then(() => undefined);
    const ready = new Promise<ChildProcess>((resolve) => {
      server.stdout.setEncoding('utf8').on('data', (text) => isReady.test(text) && resolve(server));
    });
    return await Promise.race([ready, ended]);
  }
}

/** One command on a connection of its own; `options` where the server wants more than a port. */
export async function tell(
  server: Pick<Server, 'port'>,
  command: readonly string[],
  options: Parameters<typeof createClient>[0] = {},
): Promise<unknown> {
  return (await tellAll(server, [command], options))[0];
}

/** Several commands in one write, so that hardly anybody comes between them. */
export async function tellAll(
  { port }: Pick<Server, 'port'>,
  commands: readonly (readonly string[])[],
  options: Parameters<typeof createClient>[0] = {},
): Promise<unknown[]> {
  const socket = { host: '127.0.0.1', port, reconnectStrategy: false as const };
  const client = createClient({ ...options, socket: { ...options.socket, ...socket } });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await Promise.all(commands.map((command) => client.sendCommand([...command])));
  } finally {
    client.destroy();
  }
}

/** Asks until the reply is as wanted; fails after a while with the last one. */
async function told(
  server: Pick<Server, 'port'>,
  command: readonly string[],
  wanted: RegExp,
): Promise<void> {
  const deadline = performance.now() + 20_000;
  for (;;) {
    const reply = JSON.stringify(await tell(server, command).catch(String));
    if (wanted.test(reply)) return;
    if (performance.now() > deadline) throw new Error(`${command.join(' ')}: ${reply}`);
    await delay(20);
  }
}

/** Longer than a master that is well is ever silent, also on a busy machine. */
const patientMs = '60000';
/** For those that lose one. */
const alertMs = '500';

/** From now on a member that is silent is soon taken for lost. */
export async function beAlert(members: readonly Server[]): Promise<void> {
  const alert = ['CONFIG', 'SET', 'cluster-node-timeout', alertMs];
  for (const member of members) await tell(member, alert);
}

/** From now on a master that is silent is soon taken for lost. */
export async function watchClosely(sentinels: readonly Server[]): Promise<void> {
  const alert = ['SENTINEL', 'SET', 'mine', 'down-after-milliseconds', alertMs];
  for (const sentinel of sentinels) await tell(sentinel, alert);
}

/** Masters that share the slots evenly; the first has a replica as well. */
export async function startCluster(servers: RedisServers): Promise<readonly Server[]> {
  const members = await Promise.all(
    [0, 1, 2, 3].map(async () =>
      servers.start({
        'cluster-enabled': 'yes',
        'cluster-port': String(await freePort()),
        'cluster-node-timeout': alertMs,
        'cluster-config-file': `nodes-${crypto.randomUUID()}.conf`,
      }),
    ),
  );
  const [first, ...others] = members as [Server, ...Server[]];
  const shares = [
    [0, 5460],
    [5461, 10_922],
    [10_923, 16_383],
  ].map((share) => share.map(String));
  for (const [index, share] of shares.entries()) {
    const member = members[index] as Server;
    await tell(member, ['CLUSTER', 'SET-CONFIG-EPOCH', String(index + 1)]);
    await tell(member, ['CLUSTER', 'ADDSLOTSRANGE', ...share]);
  }
  for (const { port } of others) {
    const [, bus = ''] = /@(\d+)/.exec(String(await tell({ port }, ['CLUSTER', 'NODES']))) ?? [];
    await tell(first, ['CLUSTER', 'MEET', '127.0.0.1', String(port), bus]);
  }
  for (const member of members) {
    await told(member, ['CLUSTER', 'INFO'], /cluster_known_nodes:4/);
    await told(member, ['CLUSTER', 'INFO'], /cluster_state:ok/);
  }
  const id = String(await tell(first, ['CLUSTER', 'MYID']));
  const replica = members[3] as Server;
  await told(replica, ['CLUSTER', 'REPLICATE', id], /OK/);
  await told(replica, ['INFO', 'replication'], /master_link_status:up/);
  for (const member of members) {
    await tell(member, ['CONFIG', 'SET', 'cluster-node-timeout', patientMs]);
  }
  return members;
}

/** A master, a replica of it, and three sentinels who call it `mine`. */
export async function startSentinels(servers: RedisServers) {
  const master = await servers.start();
  const replica = await servers.start({ replicaof: `127.0.0.1 ${master.port}` });
  await told(replica, ['INFO', 'replication'], /master_link_status:up/);
  const sentinels = await Promise.all(
    [0, 1, 2].map(() =>
      servers.start(
        {
          'sentinel monitor': `mine 127.0.0.1 ${master.port} 2`,
          'sentinel down-after-milliseconds': `mine ${patientMs}`,
          'sentinel failover-timeout': 'mine 2000',
        },
        ['--sentinel'],
      ),
    ),
  );
  for (const sentinel of sentinels) {
    await told(sentinel, ['SENTINEL', 'CKQUORUM', 'mine'], /OK 3 usable/);
    await told(sentinel, ['SENTINEL', 'REPLICAS', 'mine'], new RegExp(String(replica.port)));
  }
  return { master, replica, sentinels };
}
