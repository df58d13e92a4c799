// `sessionlab start`: the live page, on one address with all that it shows, until Ctrl-C. For this
// machine alone, unless another host is named: then whoever orders something needs a token.

import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { styleText } from 'node:util';
import { Command } from 'commander';
import { isLoopback } from '../api/guard.ts';
import { openPage } from '../api/open-page.ts';
import { interruption, UsageError } from './exit.ts';
import { wholeNumber } from './number.ts';

interface Options {
  readonly port: number;
  readonly host: string;
  readonly results: string;
  readonly tokenFile?: string;
}

export function startCommand(): Command {
  return new Command('start')
    .description('Open the live page: see it, break it, understand it')
    .option('--port <number>', 'of the page; 0 takes a free one', wholeNumber(0, 65_535), 8080)
    .option(
      '--host <address>',
      'where to listen; others than this machine need a token',
      '127.0.0.1',
    )
    .option('--token-file <file>', 'holds the token; absent: one is made and printed')
    .option('--results <folder>', 'where the recorded histories go', 'results')
    .action(start);
}

async function start({ port, host, results, tokenFile }: Options): Promise<void> {
  const signal = interruption();
  const token = isLoopback(host) ? undefined : await tokenIn(tokenFile);
  const onTrouble = (error: unknown) => {
    if (signal.aborted) return;
    console.error(styleText('red', `✗ ${error instanceof Error ? error.message : error}`));
  };
  await using page = await openPage({
    ...{ port, host, results, signal, onTrouble },
    admission: token === undefined ? {} : { token },
  });
  // A token from a file is known to whoever wrote it.
  const query = token === undefined || tokenFile !== undefined ? '' : `/?token=${token}`;
  const named = host === '127.0.0.1' ? 'localhost' : host.includes(':') ? `[${host}]` : host;
  const url = page.url.replace('127.0.0.1', named);
  if (!signal.aborted) console.log(`sessionlab is at ${url}${query}   (Ctrl-C ends everything)`);
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve));
  console.error('\nEnding ...');
}

async function tokenIn(file: string | undefined): Promise<string> {
  if (file === undefined) return randomBytes(24).toString('base64url');
  const token = (await readFile(file, 'utf8').catch(() => '')).trim();
  if (!/^[\w.~+/-]{16,256}$/.test(token)) {
    throw new UsageError(`${file} must hold a token: 16 to 256 letters, digits or . _ ~ + / -`);
  }
  return token;
}
