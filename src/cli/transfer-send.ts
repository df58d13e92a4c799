// `sessionlab transfer send`: files, folders or stdin, several at a time. One that fails does not
// stop the others. Whatever breaks it off, the same command goes on where it stopped.

import type { Command } from 'commander';
import { OperatingError } from '../core/errors.ts';
import type { TransferClient } from '../transfer/client.ts';
import { exits, interruption, UsageError } from './exit.ts';
import { wholeNumber } from './number.ts';
import { type AccessOptions, accessCommand, openAccess } from './transfer-access.ts';
import { findFiles, type Sendable, type Unsendable } from './transfer-files.ts';
import { attempt } from './transfer-outcome.ts';
import { TransferBoard } from './transfer-progress.ts';

interface SendOptions extends AccessOptions {
  readonly type?: string;
  readonly name?: string;
  readonly follow?: true;
  readonly parallel: number;
}

const help = `
Examples:
  sessionlab transfer send notes.txt photos/         files, and all files below a folder
  tar cz src | sessionlab transfer send - --name src.tgz
  sessionlab transfer send big.iso --server tls://files.example:65432 --tls-ca ca.pem \\
      --user alice --api https://files.example

A file's way below its folder becomes part of its name: photos/june/sea.png is sent as
photos--june--sea.png.
The same file under the same name is stored once, however often it is sent. After a Ctrl-C, a
crash or a cut the same command goes on where the server has it. Stdin cannot be read again: after
a cut it goes on as long as the server lost no more than its last 16 MiB, and never after a Ctrl-C.`;

export function sendCommand(): Command {
  return accessCommand('send')
    .description('Send files, folders (all files below them) or stdin')
    .argument('<paths...>', 'files and folders; - is stdin, alone')
    .option('--name <name>', 'of the one file, on the server')
    .option('--type <type>', 'what you hold it for; the server looks at the content all the same')
    .option('--parallel <number>', 'how many files at a time', wholeNumber(1, 16), 4)
    .option('--follow', 'send what links lead to')
    .addHelpText('after', help)
    .action((paths: string[], options: SendOptions) =>
      attempt(options.json === true, () => send(paths, options)),
    );
}

async function send(paths: readonly string[], options: SendOptions): Promise<void> {
  const { name, parallel, json = false, follow = false } = options;
  const isStdin = paths.includes('-');
  if (isStdin && paths.length > 1) throw new UsageError('- is stdin, and is sent alone.');
  const found = isStdin ? [stdin] : await Array.fromAsync(findFiles(paths, follow));
  if (name !== undefined && found.length !== 1) {
    throw new UsageError(`--name is for one file, and this is ${found.length}.`);
  }
  if (found.length === 0) throw new UsageError('There is no file below that.');
  const signal = interruption();
  try {
    await using access = await openAccess(options, signal, isStdin);
    const sums = found.map((each) => ('error' in each ? 0 : each.bytes));
    const bytes = isStdin ? null : sums.reduce((sum, each) => sum + each, 0);
    using board = new TransferBoard({ files: found.length, bytes, isJson: json, done: 'sent' });
    access.say = (text) => board.say(text);
    const queue = found.values();
    const worker = async () => {
      for (const each of queue) await sendOne(access.client, each, options, board);
    };
    await Promise.all(Array.from({ length: parallel }, worker));
    board[Symbol.dispose]();
    const summary = board.summary();
    if (summary) console.error(summary);
    if (board.failed > 0) process.exitCode = exits.surprised;
  } catch (error) {
    if (signal.aborted) console.error(isStdin ? 'stdin cannot be resumed.' : howToGoOn);
    throw error;
  } finally {
    if (isStdin) process.stdin.destroy();
  }
}

const stdin: Sendable = { path: '-', name: 'stdin', bytes: 0 };
const howToGoOn = 'The same command goes on where this one stopped.';

async function sendOne(
  client: TransferClient,
  found: Sendable | Unsendable,
  { name, type }: SendOptions,
  board: TransferBoard,
): Promise<void> {
  const { path } = found;
  try {
    if ('error' in found) throw found.error;
    const file = await client.send(path === '-' ? process.stdin : path, {
      ...{ name: name ?? found.name, ...(type !== undefined && { type }) },
      onProgress: (progress) => board.note(path, progress),
    });
    board.ended({ path, file });
  } catch (error) {
    if (!(error instanceof OperatingError)) throw error;
    board.ended({ path, error });
  }
}
