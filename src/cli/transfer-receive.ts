// `sessionlab transfer receive`: files by id or name, into a folder, a file or stdout. A file takes
// its place when it is whole and verified; what stdout was given is verified when it is too late to
// take it back, so a pipe has to look at the exit code.

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import { OperatingError } from '../core/errors.ts';
import type { StoredFile, TransferClient } from '../transfer/client.ts';
import { fileUnavailable } from '../transfer/outgoing.ts';
import { exits, interruption, UsageError } from './exit.ts';
import { wholeNumber } from './number.ts';
import { type AccessOptions, accessCommand, openAccess } from './transfer-access.ts';
import { fileCalled } from './transfer-choice.ts';
import { attempt } from './transfer-outcome.ts';
import { TransferBoard } from './transfer-progress.ts';

interface ReceiveOptions extends AccessOptions {
  readonly into?: string;
  readonly output?: string;
  readonly overwrite?: true;
  readonly parallel: number;
}

const help = `
Examples:
  sessionlab transfer receive notes.txt                by name, into this folder
  sessionlab transfer receive 3f9a0c71e2d4 --into in   by id, or as much of it as list shows
  sessionlab transfer receive src.tgz -o - | tar tz    to stdout: look at the exit code
What was broken off is kept as .ID.part, and the same command goes on there.`;

export function receiveCommand(): Command {
  return accessCommand('receive')
    .description('Receive files: your own, and those shared with you')
    .argument('<files...>', 'ids or names')
    .option('--into <folder>', 'where they go; it is made where it is missing', '.')
    .option('-o, --output <file>', 'where the one file goes; - is stdout')
    .option('--overwrite', 'replace what is there')
    .option('--parallel <number>', 'how many files at a time', wholeNumber(1, 16), 4)
    .addHelpText('after', help)
    .action((words: string[], options: ReceiveOptions) =>
      attempt(options.json === true, () => receive(words, options)),
    );
}

async function receive(words: readonly string[], options: ReceiveOptions): Promise<void> {
  const { into = '.', output, parallel, json = false } = options;
  if (output !== undefined && words.length > 1) throw new UsageError('--output is for one file.');
  const isPiped = output === '-';
  if (isPiped && json) throw new UsageError('stdout is for the file, or for --json.');
  const signal = interruption();
  try {
    await using access = await openAccess(options, signal);
    const { client } = access;
    const files = await client.list();
    const chosen = chooseEach(words, files);
    const sizes = chosen.map((each) => ('file' in each ? each.file.bytes : 0));
    const bytes = sizes.reduce((sum, each) => sum + each, 0);
    if (output === undefined)
      await mkdir(into, { recursive: true }).catch((cause: unknown) => {
        throw fileUnavailable(into, cause);
      });
    using board = new TransferBoard({
      ...{ files: chosen.length, bytes, isJson: json, done: 'received', isPiped },
    });
    access.say = (text) => board.say(text);
    const queue = chosen.values();
    const worker = async () => {
      for (const each of queue) {
        const path = 'file' in each ? (output ?? join(into, each.file.name)) : each.word;
        await receiveOne(client, each, path, options, board);
      }
    };
    await Promise.all(Array.from({ length: parallel }, worker));
    board[Symbol.dispose]();
    const summary = board.summary();
    if (summary) console.error(summary);
    if (board.failed > 0) process.exitCode = exits.surprised;
  } catch (error) {
    if (signal.aborted && !isPiped)
      console.error('The same command goes on where this one stopped.');
    throw error;
  }
}

type Chosen =
  | { readonly word: string; readonly file: StoredFile }
  | { readonly word: string; readonly error: OperatingError };

/** What is named twice is received once. */
function chooseEach(words: readonly string[], files: readonly StoredFile[]): readonly Chosen[] {
  const chosen = words.map((word) => choose(word, files));
  return [
    ...new Map(chosen.map((each) => ['file' in each ? each.file.id : each.word, each])).values(),
  ];
}

function choose(word: string, files: readonly StoredFile[]): Chosen {
  try {
    return { word, file: fileCalled(word, files) };
  } catch (error) {
    if (error instanceof OperatingError) return { word, error };
    throw error;
  }
}

async function receiveOne(
  client: TransferClient,
  chosen: Chosen,
  path: string,
  { overwrite }: ReceiveOptions,
  board: TransferBoard,
): Promise<void> {
  try {
    if ('error' in chosen) throw chosen.error;
    const file = await client.receive(chosen.file.id, {
      ...{ to: path === '-' ? process.stdout : path, overwrite: overwrite === true },
      onProgress: (progress) => board.note(path, progress),
    });
    board.ended({ path, file });
  } catch (error) {
    if (!(error instanceof OperatingError)) throw error;
    board.ended({ path, error });
  }
}
