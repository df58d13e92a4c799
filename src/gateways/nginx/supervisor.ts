// Keeps an nginx to what the site is just now: looks after the health of the servers, and renders
// and reloads the configuration when somebody comes, goes, fails or recovers. One reload is made at
// a time, and all who wait for one share the next.

import { randomUUID } from 'node:crypto';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { drainMs } from '../border.ts';
import type { GatewayOptions } from '../gateway.ts';
import { startChecking } from '../health.ts';
import { hostsOf } from '../hosts.ts';
import type { Obedient } from '../orders.ts';
import { type Circumstances, configuration } from './configuration.ts';
import { configurationFile, NginxMaster } from './master.ts';
import { NginxSite } from './site.ts';

/**
 * Old workers close connections that are idle, and a request that is sent into one just then would
 * be lost. So for this long clients are asked beforehand to close theirs: with their next answers.
 */
const CLOSING_MS = 400;
const WORKERS_MAX = 4;
/** A free port may be taken by another before nginx has it. */
const STARTS_MAX = 3;
/** What could not be applied is tried again after this, until it is. */
const RETRY_MS = 5_000;

export async function superviseNginx(options: GatewayOptions): Promise<Obedient> {
  const site = await NginxSite.open(options);
  const folder = await mkdtemp(join(tmpdir(), 'sessionlab-nginx-'));
  // Workers of root's nginx are nobody, and pass through to what is theirs.
  if (process.getuid?.() === 0) await chmod(folder, 0o711);
  const supervisor = new Supervisor(options, site, folder);
  try {
    await supervisor.start();
    return supervisor;
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

class Supervisor implements Obedient {
  readonly #options: GatewayOptions;
  readonly #site: NginxSite;
  readonly #folder: string;
  #master: NginxMaster | undefined;
  #stopChecking: () => void = () => undefined;
  #closingFile = '';
  #serving = '';
  #reloading: Promise<void> = Promise.resolve();
  #next: Promise<void> | undefined;
  #retrying: NodeJS.Timeout | undefined;
  #isEnding = false;
  port = 0;
  tlsPort: number | undefined;

  constructor(options: GatewayOptions, site: NginxSite, folder: string) {
    this.#options = options;
    this.#site = site;
    this.#folder = folder;
  }

  async start(): Promise<void> {
    const { port, tls, address } = this.#options.listen;
    const isFixed = port !== 0 && tls?.port !== 0;
    for (let turn = 1; this.#master === undefined; turn += 1) {
      this.port = port || (await freePort(address));
      this.tlsPort = tls && (tls.port || (await freePort(address)));
      await this.#write();
      try {
        this.#master = await NginxMaster.start(this.#folder);
      } catch (error) {
        if (isFixed || turn === STARTS_MAX) throw error;
      }
    }
    this.#stopChecking = startChecking(
      () => this.#site.servers(),
      () => void this.#apply('if it differs').catch(console.error),
    );
    void this.#master.ended.then(() => {
      if (this.#isEnding) return;
      console.error('nginx has ended by itself');
      void this.close().finally(() => process.exit(1));
    });
  }

  async route(...routed: Parameters<NginxSite['route']>): Promise<void> {
    await this.#site.route(...routed);
    await this.#apply('if it differs');
  }

  reload(): Promise<void> {
    return this.#apply('in any case');
  }

  async close(): Promise<void> {
    this.#isEnding = true;
    this.#stopChecking();
    clearTimeout(this.#retrying);
    await this.#reloading.catch(() => undefined);
    await writeFile(this.#closingFile, '');
    await delay(CLOSING_MS);
    await this.#master?.stop(drainMs(this.#options));
    await rm(this.#folder, { recursive: true, force: true });
  }

  #mustReload = false;

  #apply(when: 'in any case' | 'if it differs'): Promise<void> {
    this.#mustReload ||= when === 'in any case';
    this.#next ??= this.#reloading
      .catch(() => undefined)
      .then(() => {
        this.#next = undefined;
        this.#reloading = this.#reload();
        return this.#reloading;
      });
    return this.#next;
  }

  async #reload(): Promise<void> {
    if (this.#isEnding) return;
    const [before, closing] = [this.#serving, this.#closingFile];
    const isWanted = this.#mustReload;
    this.#mustReload = false;
    try {
      await this.#write();
      if (this.#serving === before && !isWanted) {
        this.#closingFile = closing;
        return;
      }
      await writeFile(closing, '');
      await delay(CLOSING_MS);
      await this.#master?.reload();
    } catch (error) {
      // Which of the two it is nobody knows now, so the next differs from it in any case.
      [this.#serving, this.#closingFile] = ['', closing];
      this.#retryLater();
      throw error;
    } finally {
      await rm(closing, { force: true });
    }
  }

  /** Whoever asked was told why it failed; nobody asks again. */
  #retryLater(): void {
    clearTimeout(this.#retrying);
    const retry = () => void this.#apply('if it differs').catch(() => undefined);
    if (!this.#isEnding) this.#retrying = setTimeout(retry, RETRY_MS);
  }

  async #write(): Promise<void> {
    const around: Omit<Circumstances, 'closingFile'> = {
      folder: this.#folder,
      workers: Math.min(WORKERS_MAX, availableParallelism()),
      port: this.port,
      tlsPort: this.tlsPort,
      hosts: await this.#hosts(),
    };
    const groups = this.#site.groups();
    const render = (closingFile: string) =>
      configuration(this.#options, groups, { ...around, closingFile });
    this.#serving = render('');
    this.#closingFile = join(this.#folder, `closing-${randomUUID()}`);
    await writeFile(join(this.#folder, configurationFile), render(this.#closingFile));
  }

  async #hosts(): Promise<readonly string[]> {
    const { tls } = this.#options.listen;
    return tls === undefined ? [] : hostsOf(await readFile(tls.certFile));
  }
}

async function freePort(address = '127.0.0.1'): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const server = createServer().once('error', reject);
  server.listen(0, address, () => {
    const found = server.address();
    server.close(() => resolve(typeof found === 'object' && found ? found.port : 0));
  });
  return promise;
}
