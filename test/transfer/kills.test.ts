// The real server, killed (kill -9) at random bytes of what the real client sends: what it
// acknowledged is there whole, before the next start and after it; nothing is to be seen but what
// was sent whole, and once; what was broken off goes on to the right digest. All the 200 kills:
// `KILLS=200 npx vitest run test/transfer/kills.test.ts`.

import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { freePort } from '../../src/backing/process.ts';
import { OperatingError } from '../../src/core/errors.ts';
import { type Random, seededRandom } from '../../src/core/random.ts';
import { bundleServer } from '../../src/lab/server-bundle.ts';
import { connectTransfer, type TransferClient } from '../../src/transfer/client.ts';
import { type FileRecord, openVaultForReading } from '../../src/transfer/vault.ts';
import { alice, KilledServer, logIn, type Place } from './killed-server.ts';
import { numberedFile } from './numbered-file.ts';
import { contentOf, sha256, temporaryFolder } from './vault-ground.ts';

const kills = Number(process.env.KILLS ?? 80);
const seed = process.env.SEED ?? randomBytes(4).toString('hex');
/** Servers side by side: while one starts, the other is at work. */
const chains = 2;
const lanes = 4;
/** Of what a server is sent before it is killed. */
const bytesMax = 3_000_000;

interface Ground extends Place {
  /** Of the files that are sent. */
  readonly sources: string;
  readonly random: Random;
}

/** Some servers one after the other, over one vault, and what its user knows of it. */
class Chain {
  readonly #ground: Ground;
  /** Digests, by number. */
  readonly #begun = new Map<number, string>();
  /** Ids, by number. */
  readonly #stored = new Map<number, string>();
  /** Whose content in the vault has been looked at. */
  readonly #seen = new Set<string>();
  /** Of the server that runs: what has been sent to it. */
  #bytes = 0;
  #onBytes = () => undefined as unknown;
  interrupted = 0;
  resumed = 0;

  constructor(ground: Ground) {
    this.#ground = ground;
    mkdirSync(ground.sources, { recursive: true });
  }

  get acknowledged(): number {
    return this.#stored.size;
  }

  /**
   * One in ten dies before it serves, while it opens the vault; the others at work, when they have
   * been sent a random number of bytes and a random moment later.
   */
  async killOnce(): Promise<void> {
    const { random } = this.#ground;
    const [isEarly, moment, delayMs] = [random.below(10) === 0, random.next(), random.below(20)];
    const server = this.#start();
    let work: Promise<unknown> = Promise.resolve();
    if (isEarly) await Promise.race([server.ready, delay(moment * 500)]);
    else {
      await server.ready;
      work = this.#work();
      await Promise.race([work, this.#sent(moment * bytesMax)]);
      await delay(delayMs);
    }
    await server.kill();
    await work;
    this.interrupted += this.#unfinished.length;
    await this.#judgeVault();
  }

  /** Sends what is unfinished to its end, and receives everything. */
  async finish(): Promise<void> {
    const server = this.#start();
    await server.ready;
    await using client = await this.#client();
    for (const number of this.#unfinished) await this.#send(client, number);
    for (const [number, id] of this.#stored) {
      const arrived = createHash('sha256');
      const write: Writable['_write'] = (piece, _, then) => then(void arrived.update(piece));
      await client.receive(id, { to: new Writable({ write }) });
      expect(arrived.digest('hex')).toBe(this.#begun.get(number));
    }
    await server.kill();
    await this.#judgeVault();
    expect(readdirSync(join(this.#ground.vault, 'incoming'))).toEqual([]);
  }

  get #unfinished(): number[] {
    return [...this.#begun.keys()].filter((number) => !this.#stored.has(number));
  }

  #start(): KilledServer {
    return new KilledServer(this.#ground);
  }

  /** It tries nothing twice, and so ends with the server. */
  #client(): Promise<TransferClient> {
    const { port, login } = this.#ground;
    const { credential } = login;
    return connectTransfer({ port, credential, attempts: 1 });
  }

  /** Sends what was broken off, and then more and more, until the server is gone. */
  async #work(): Promise<void> {
    const todo = this.#unfinished;
    this.#bytes = 0;
    try {
      await using client = await this.#client();
      this.#judge(await client.list());
      const lane = async () => {
        for (;;) await this.#send(client, todo.shift() ?? this.#begun.size + 1);
      };
      const ends = await Promise.allSettled(Array.from({ length: lanes }, lane));
      for (const end of ends) if (end.status === 'rejected') mustBeLost(end.reason);
    } catch (error) {
      mustBeLost(error);
    }
  }

  /** Resolves when so much has been sent, however fast the machine is. */
  async #sent(bytes: number): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#onBytes = () => this.#bytes >= bytes && resolve();
    });
  }

  async #send(client: TransferClient, number: number): Promise<void> {
    const path = join(this.#ground.sources, String(number));
    if (!this.#begun.has(number)) {
      const { content } = numberedFile(number);
      this.#begun.set(number, sha256(content));
      writeFileSync(path, content);
    }
    let [from, before] = [0, 0];
    const stored = await client.send(path, {
      onProgress: ({ done, resumed }) => {
        from = resumed;
        this.#bytes += done - Math.max(before, resumed);
        before = done;
        this.#onBytes();
      },
    });
    expect(stored.sha256).toBe(this.#begun.get(number));
    this.#stored.set(number, stored.id);
    if (from > 0) this.resumed += 1;
    rmSync(path);
  }

  /** Holds files that are to be seen against what was acknowledged, and what was begun. */
  #judge(files: readonly Pick<FileRecord, 'id' | 'name' | 'sha256'>[]): void {
    const ids = new Set(files.map(({ id }) => id));
    const lost = [...this.#stored].filter(([, id]) => !ids.has(id));
    const wrong = files.filter(({ name, sha256 }) => this.#begun.get(Number(name)) !== sha256);
    const names = new Set(files.map(({ name }) => name));
    const twice = files.length - names.size;
    expect({ lost, wrong, twice }).toEqual({ lost: [], wrong: [], twice: 0 });
  }

  async #judgeVault(): Promise<void> {
    const vault = await openVaultForReading(this.#ground.vault);
    const records = await vault.list(alice);
    this.#judge(records);
    if (records.length > 0) {
      expect(readdirSync(join(this.#ground.vault, 'files'))).toHaveLength(records.length);
    }
    for (const { id, sha256: digest } of records) {
      if (this.#seen.has(id)) continue;
      this.#seen.add(id);
      expect(sha256((await contentOf(vault, alice, id)) ?? Buffer.of())).toBe(digest);
    }
  }
}

function mustBeLost(error: unknown): void {
  if (!(error instanceof OperatingError)) throw error;
  expect(['transfer-lost', 'no-server']).toContain(error.code);
}

test('whenever the server is killed, what it acknowledged is whole and the rest goes on', async () => {
  console.log(`KILLS=${kills} SEED=${seed}`);
  const folder = temporaryFolder();
  const shared = { entry: await bundleServer(join(folder, 'server')), login: await logIn() };
  const random = seededRandom(seed);
  let left = kills;
  const all = Array.from({ length: chains }, async (_, at) => {
    const folders = { vault: join(folder, `vault-${at}`), sources: join(folder, `sources-${at}`) };
    const own = { port: await freePort(), random: random.fork(String(at)) };
    const chain = new Chain({ ...shared, ...folders, ...own });
    while (left-- > 0) await chain.killOnce();
    await chain.finish();
    return chain;
  });
  const done = await Promise.all(all);
  const total = (what: 'acknowledged' | 'interrupted' | 'resumed') =>
    done.reduce((sum, chain) => sum + chain[what], 0);
  const [acknowledged, interrupted, resumed] = [
    total('acknowledged'),
    total('interrupted'),
    total('resumed'),
  ];
  console.log(`${acknowledged} files, ${interrupted} interruptions, ${resumed} gone on with`);
  // Else nothing was shown.
  expect(acknowledged).toBeGreaterThan(kills);
  expect(resumed).toBeGreaterThan(kills / 10);
}, 600_000);
