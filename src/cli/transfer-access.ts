// The options that all commands for files share: where the server is, whether it is to be trusted,
// and who you are. No secret is ever an option.

import { readFileSync } from 'node:fs';
import { styleText } from 'node:util';
import { Command, InvalidArgumentError, Option } from 'commander';
import type { OperatingError } from '../core/errors.ts';
import {
  connectTransfer,
  type TransferClient,
  type TransferCredential,
  type TransferOptions,
} from '../transfer/client.ts';
import { printable } from '../transfer/printable.ts';
import { UsageError } from './exit.ts';
import { wholeNumber } from './number.ts';
import type { Login } from './transfer-login.ts';

const repeatedAfterMs = 5_000;

export interface AccessOptions {
  readonly server: Address;
  readonly tls?: true;
  readonly tlsCa?: readonly string[];
  readonly inTheClear?: true;
  readonly credentialFile?: string;
  readonly user?: string;
  readonly api?: string;
  readonly attempts: number;
  readonly json?: true;
}

interface Address {
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
}

const accessHelp = `
Who you are, in this order; otherwise you are nobody, where a server allows that:
  --user alice --api http://localhost:3000   asks for the password, logs in, and out at the end
                                             (or SESSIONLAB_PASSWORD, or a line on stdin)
  --credential-file FILE                     one header field, as in "authorization: Bearer ..." or
                                             "cookie: session=..."
  SESSIONLAB_CREDENTIAL                      the same, in the environment`;

export function accessCommand(name: string): Command {
  return new Command(name)
    .addOption(
      new Option('--server <host:port>', 'where it is; tls://host:port speaks TLS')
        .argParser(address)
        .env('SESSIONLAB_SERVER')
        .default(address('127.0.0.1:65432'), '127.0.0.1:65432'),
    )
    .option('--tls', 'speak TLS, and trust whom Node trusts')
    .option('--tls-ca <file>', 'speak TLS, and trust this authority; may be repeated', all)
    .option('--in-the-clear', 'show who you are to another machine without TLS')
    .option('--credential-file <file>', 'one header field that says who you are')
    .option('--user <name>', 'log in at --api for as long as it takes')
    .option('--api <url>', 'the HTTP API of the same site')
    .option('--attempts <number>', 'in succession without progress', wholeNumber(1, 1000), 10)
    .option('--json', 'a JSON object per line')
    .addHelpText('after', accessHelp);
}

/** A client, and whatever there is to be undone after its last command. */
export interface Access extends AsyncDisposable {
  readonly client: TransferClient;
  /** Where it is said that something is tried again. */
  say: (text: string) => void;
}

export async function openAccess(
  options: AccessOptions,
  signal: AbortSignal,
  stdinIsTaken = false,
): Promise<Access> {
  const { server, tls, tlsCa, inTheClear = false, attempts } = options;
  const ca = tlsCa?.map(textOf).join('\n');
  await using stack = new AsyncDisposableStack();
  const credential = await identity(options, { ca, signal, stdinIsTaken }, stack);
  const access = { say: (text: string) => console.error(text) };
  const client = await connectTransfer({
    onRetry: quietly((text) => access.say(text)),
    ...{ host: server.host, port: server.port, inTheClear, attempts, signal },
    ...((tls || ca || server.tls) && { tls: { ...(ca && { ca }) } }),
    ...(credential && { credential }),
  });
  stack.use(client);
  const opened = stack.move();
  return Object.assign(access, { client, [Symbol.asyncDispose]: () => opened.disposeAsync() });
}

/** Several connections break at once, and again at every attempt. */
function quietly(say: (text: string) => void): (why: OperatingError) => void {
  let last = { text: '', at: 0 };
  return ({ message }) => {
    const now = performance.now();
    if (message === last.text && now - last.at < repeatedAfterMs) return;
    last = { text: message, at: now };
    say(styleText('yellow', `! ${printable(message)}: trying again`, { stream: process.stderr }));
  };
}

interface Circumstances {
  readonly ca: string | undefined;
  readonly signal: AbortSignal;
  readonly stdinIsTaken: boolean;
}

async function identity(
  { credentialFile, user, api, inTheClear }: AccessOptions,
  { ca, signal, stdinIsTaken }: Circumstances,
  stack: AsyncDisposableStack,
): Promise<TransferOptions['credential']> {
  if (user !== undefined || api !== undefined) {
    if (user === undefined || api === undefined || credentialFile !== undefined) {
      throw new UsageError('--user and --api go together, and without --credential-file.');
    }
    checkApi(api, inTheClear);
    const { logIn, readPassword } = await import('./transfer-login.ts');
    const password = await readPassword(user, { signal, stdinIsTaken });
    const login: Login = await logIn({ api, user, signal, ...(ca && { ca }) }, password);
    stack.use(login);
    return () => login.credential();
  }
  const line = credentialFile ? textOf(credentialFile) : process.env.SESSIONLAB_CREDENTIAL;
  return line === undefined || line.trim() === '' ? undefined : credentialIn(line);
}

function credentialIn(line: string): TransferCredential {
  const [, name, value] =
    /^(authorization|cookie|x-session-id): *([\x21-\x7e][\x20-\x7e]*)$/i.exec(line.trim()) ?? [];
  if (name === undefined || value === undefined || value.length > 8192) {
    throw new UsageError(
      'The credential is no header field like "authorization: Bearer ...", "cookie: ..." or "x-session-id: ...".',
    );
  }
  return { field: name.toLowerCase() as TransferCredential['field'], value };
}

function checkApi(api: string, inTheClear: true | undefined): void {
  const url = URL.parse(api);
  if (url === null || !/^https?:$/.test(url.protocol) || url.username || url.search) {
    throw new UsageError('--api is the URL of an HTTP API, like http://localhost:3000.');
  }
  const isHere = /^(localhost|127\.[\d.]+|\[::1\])$/.test(url.hostname);
  if (url.protocol === 'https:' || isHere || inTheClear) return;
  throw new UsageError(`A password for ${url.host} would travel in the clear (--in-the-clear).`);
}

function address(text: string): Address {
  const url = URL.parse(text.includes('://') ? text : `tcp://${text}`);
  const isBare = url && !url.username && !url.search && !url.hash && /^\/?$/.test(url.pathname);
  if (!isBare || !/^(tcp|tls):$/.test(url.protocol) || url.hostname === '') {
    throw new InvalidArgumentError('It is host:port, tcp://host:port or tls://host:port.');
  }
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  return { host, port: Number(url.port || 65_432), tls: url.protocol === 'tls:' };
}

function all(file: string, before: readonly string[] = []): readonly string[] {
  return [...before, file];
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    throw new UsageError(`${file} cannot be read.`);
  }
}
