// `sessionlab transfer serve`: one real server that takes files over TCP and logs users in over HTTP,
// until Ctrl-C, for a person with two terminals. What it keeps is in one folder: the vault, and the
// users, because a file is nobody's when its owner is forgotten. Operators start server/main.ts.

import { once } from 'node:events';
import { access, constants, mkdir } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { styleText } from 'node:util';
import { Command, Option } from 'commander';
import { openBacking } from '../backing/backing.ts';
import { OperatingError } from '../core/errors.ts';
import { programPath } from '../core/program.ts';
import { newTokenKey } from '../keys/token-key.ts';
import { openSupervisor, type Supervised } from '../lab/supervisor.ts';
import { type Answer, type AnswerName, answers } from '../scenarios/scenario.ts';
import * as stores from '../stores/index.ts';
import { fileUnavailable } from '../transfer/outgoing.ts';
import { interruption, UsageError } from './exit.ts';
import { wholeNumber } from './number.ts';
import { answerNames } from './select.ts';

interface Options {
  readonly answer: AnswerName;
  readonly anonymous?: true;
  readonly folder: string;
  readonly port: number;
  readonly httpPort: number;
}

const usualPort = 65_432;
const here = '127.0.0.1';

export function transferServeCommand(): Command {
  const port = wholeNumber(0, 65_535);
  return new Command('serve')
    .description('Run a real server, to send files to')
    .addOption(
      new Option('--answer <name>', 'who remembers you').choices(answerNames).default('memory'),
    )
    .option('--anonymous', 'take files from whoever does not say who they are, too')
    .option('--folder <folder>', 'where files and users are kept', '.sessionlab')
    .option('--port <number>', 'for files; 0 takes a free one', port, usualPort)
    .option('--http-port <number>', 'for logins; 0 takes a free one', port, 3000)
    .action(serve);
}

async function serve(options: Options): Promise<void> {
  const signal = interruption();
  const folder = resolve(options.folder);
  await requireFree(options.port, '--port');
  await requireFree(options.httpPort, '--http-port');
  await makeFolder(folder);
  const { DATABASE_URL, REDIS_URL } = process.env;
  if (DATABASE_URL === undefined || REDIS_URL === undefined) {
    console.error('Starting PostgreSQL for users, and Redis: up to half a minute ...');
  }
  await using backing = await openBacking({ folder });
  signal.throwIfAborted();
  const { strategy, store, settings = {} }: Answer = answers[options.answer];
  const { databaseUrl, redisUrl, redisHint } = backing;
  if (stores[store].needs === 'redis' && redisUrl === undefined) throw new UsageError(redisHint);
  console.error(`Starting a server (${options.answer}) ...`);
  const vault = join(folder, 'vault');
  const log = join(folder, 'transfer.log');
  await using supervisor = openSupervisor(log);
  const server = await supervisor.launch({
    ...{ name: 's1', entry: programPath('../server/main', import.meta.url), signal },
    env: {
      ...{ ...process.env, NODE_OPTIONS: undefined, TOKEN_KEY_FILE: undefined },
      ...{ AUDIT_FOLDER: undefined, AUDIT_ANCHOR: undefined, AUDIT_KEY_FILE: undefined },
      ...{ STRATEGY: strategy, STORE: store, ...settings },
      ...{ DATABASE_URL: databaseUrl, REDIS_URL: redisUrl, TOKEN_KEY: await newTokenKey() },
      ...{ HOST: here, PORT: String(options.httpPort), SECURE_COOKIES: 'false', DRAIN_MS: '0' },
      ...{ REPLICA: 's1', LOG_LEVEL: 'warn', HAZARDS: 'ignore', STORE_TIMEOUT_MS: '1000' },
      ...{ TRANSFER_PORT: String(options.port), VAULT_FOLDER: vault },
      TRANSFER_ANONYMOUS: String(options.anonymous === true),
    },
  });
  console.log(guide(server, options, vault));
  const death = server.gone.then((how) => `The server died by itself: ${how}. Its log: ${log}`);
  const detail = signal.aborted || (await Promise.race([once(signal, 'abort'), death]));
  if (typeof detail === 'string') throw new OperatingError('server-lost', { detail });
  console.error('\nEnding ...');
  await server.stop();
}

/** Not those above it: Node looks for them without end where none can be made, as in /proc. */
async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { mode: 0o711 }).catch((error: unknown) => {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    });
    await access(join(folder, '/'), constants.W_OK);
  } catch (cause) {
    const { message } = fileUnavailable(folder, cause);
    throw new UsageError(`${message}: choose another folder with --folder.`);
  }
}

/** Said before anything is started; a port can be lost in between, and then the log says so. */
async function requireFree(port: number, option: string): Promise<void> {
  const probe = createServer().listen(port, here);
  await once(probe, 'listening').catch(({ code }: NodeJS.ErrnoException) => {
    const why = code === 'EADDRINUSE' ? 'is taken' : `cannot be had (${code})`;
    throw new UsageError(`Port ${port} ${why}: choose another one with ${option}.`);
  });
  probe.close();
  await once(probe, 'close');
}

function guide({ url, transferUrl, pid }: Supervised, options: Options, vault: string): string {
  const { answer, anonymous } = options;
  const { host, port } = URL.parse(transferUrl ?? '') ?? { host: '', port: '' };
  const at = Number(port) === usualPort ? '' : ` --server ${host}`;
  const command = 'npm run -s sessionlab -- transfer';
  const alice = anonymous ? at : `${at} --user alice --api ${url}`;
  const bold = (text: string) => styleText('bold', text);
  const line = (text: string) => styleText('cyan', text);
  const who = `'{"username":"alice","password":"correct horse"}'`;
  const register = `
  ·  register alice, once
${line(`curl -s --json ${who} ${url}/register; echo`)}`;
  return `
${bold(`A server for files (${answer}), process ${pid}`)}
  files  ${transferUrl}   (Ctrl-C ends everything)
  HTTP   ${url}
  vault  ${vault}

Try it in another terminal, in this folder:${anonymous ? '' : register}
  ·  send a file${anonymous ? '' : ' as alice; it asks for her password, "correct horse"'}
${line(`${command} send README.md${alice}`)}
  ·  see it, and receive it
${line(`${command} list${alice}`)}
${line(`${command} receive README.md --into received${alice}`)}
  ·  what else there is
${line(`${command} --help`)}
`;
}
