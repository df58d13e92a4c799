// What a server needs that is started alone, for a look at it: PostgreSQL in `.sessionlab`, shared
// by all terminals and kept between starts; a key there too, so that a token is good on every
// server and after a restart; and a few lines that say what to try. For one machine, over plain
// HTTP on loopback: operators start main.ts.

import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { styleText } from 'node:util';
import { openBacking } from '../backing/backing.ts';
import { newTokenKey } from '../keys/token-key.ts';
import * as stores from '../stores/index.ts';
import { developmentMark } from './config/safety.ts';
import { type Config, ConfigError, type Environment, readConfig } from './config.ts';
import { endOnSignal } from './ending.ts';
import type { Parts } from './parts.ts';
import { listen, refuseToStart } from './serve.ts';

export const folder = '.sessionlab';

export interface Ground {
  readonly config: Config;
  /** Ends the private services, unless another terminal uses them. */
  readonly backing: AsyncDisposable;
  /** For people: where users are kept. */
  readonly origin: string;
}

/** The services and settings of a server that stands alone. The environment can change both. */
export async function openGround(defaults: Environment): Promise<Ground> {
  await mkdir(folder, { recursive: true, mode: 0o711 });
  const opening = Promise.all([openBacking({ folder }), developmentKey()]);
  const [backing, key] = await opening.catch(refuseToStart);
  const given: Environment = { ...defaults, ...process.env };
  const store = Object.entries(stores).find(([name]) => name === given.STORE)?.[1];
  if (store?.needs === 'redis' && backing.redisUrl === undefined && !given.REDIS_URL_FILE) {
    await backing[Symbol.asyncDispose]();
    refuseToStart(new ConfigError([{ name: 'REDIS_URL', detail: backing.redisHint ?? '' }]));
  }
  const config = settingsFrom({
    REPLICA: `port-${given.PORT}`,
    SECURE_COOKIES: 'false',
    API_DOCS: 'true',
    LOG_LEVEL: 'warn',
    STORE_TIMEOUT_MS: '1000',
    DRAIN_MS: '0',
    ...(!given.TOKEN_KEY_FILE && { TOKEN_KEY: key }),
    REDIS_URL: backing.redisUrl,
    ...given,
    DATABASE_URL: backing.databaseUrl,
  });
  return { config, backing, origin: backing.origin.postgres };
}

/**
 * For a shell: who alice is, and her registration; a second time it says that the name is taken.
 */
export function registration(here: string): string {
  const alice = `ALICE='{"username":"alice","password":"correct horse"}'`;
  return `${alice}; curl -s --json "$ALICE" ${here}/register; echo`;
}

function settingsFrom(environment: Environment): Config {
  try {
    return readConfig(environment);
  } catch (error) {
    return refuseToStart(error);
  }
}

export interface Lesson {
  /** What the server is, in one sentence. */
  readonly says: string;
  /** The command that starts it. */
  readonly command: string;
  /** A port for the second server. */
  readonly otherPort: number;
  /** Three lines for a shell, given the addresses of this server and of another one. */
  try(here: string, there: string): { logIn: string; ask: string; askTheOther: string };
  /** What the other server answers, and why. */
  readonly answer: string;
}

/** Serves, says what to try, and ends in order on Ctrl-C. */
export async function present(ground: Ground, parts: Parts, lesson: Lesson): Promise<void> {
  const { port, host } = parts.config;
  try {
    const server = await listen(parts);
    endOnSignal(parts.config, server, ground.backing);
    console.log(textOf(ground, server.url, lesson));
  } catch (error) {
    await ground.backing[Symbol.asyncDispose]();
    if (!(error instanceof Error && 'code' in error && error.code === 'EADDRINUSE')) throw error;
    console.error(`Port ${port} on ${host} is taken: perhaps by this server, in another terminal.`);
    console.error(`Choose another one:  PORT=${port + 10} ${lesson.command}`);
    process.exit(1);
  }
}

function textOf({ origin, config }: Ground, url: string, lesson: Lesson): string {
  const otherPort = config.port === lesson.otherPort ? config.port + 1 : lesson.otherPort;
  const steps = lesson.try(url, `http://${config.host}:${otherPort}`);
  const bold = (text: string) => styleText('bold', text);
  const line = (text: string) => styleText('cyan', text);
  return `
${bold(lesson.says)}
  listens on  ${url}   (Ctrl-C ends it)
  its API     ${url}/docs
  users in    ${origin}

Try it in another terminal, in this folder:
  1  register alice, and log her in ("name-taken": she is registered already, which is fine)
${line(steps.logIn)}
  2  ask for her page
${line(steps.ask)}
  3  start a second server, in a third terminal:  PORT=${otherPort} ${lesson.command}
     and ask it for her page, with the same credential
${line(steps.askTheOther)}
     ${lesson.answer}
`;
}

/** Made at the first start; of two servers that start at once, both use the key of one. */
async function developmentKey(): Promise<string> {
  const file = join(folder, 'token-key.json');
  const own = `${file}.${process.pid}`;
  const key = { ...JSON.parse(await newTokenKey()), ...developmentMark };
  await writeFile(own, JSON.stringify(key), { mode: 0o600 });
  try {
    await link(own, file);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  } finally {
    await rm(own);
  }
  return readFile(file, 'utf8');
}
