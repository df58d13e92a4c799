// `sessionlab transfer`: files to and from a transfer server, and whose they are. Nothing here needs
// the laboratory; `serve`, which does, is added where that is at hand.

import { styleText } from 'node:util';
import { Command } from 'commander';
import type { StoredFile } from '../transfer/client.ts';
import { size } from './bar.ts';
import { interruption } from './exit.ts';
import { type Access, type AccessOptions, accessCommand, openAccess } from './transfer-access.ts';
import { fileCalled } from './transfer-choice.ts';
import { attempt, fileObject, idCharsShown } from './transfer-outcome.ts';
import { receiveCommand } from './transfer-receive.ts';
import { sendCommand } from './transfer-send.ts';

const help = `
Examples:
  sessionlab transfer send notes.txt --user alice --api http://localhost:3000
  sessionlab transfer list
  sessionlab transfer receive notes.txt --into received
  sessionlab transfer share notes.txt bob
Each command says more with --help.`;

export function transferCommand(): Command {
  return new Command('transfer')
    .description('Send and receive files over TCP, as who you are')
    .addCommand(sendCommand())
    .addCommand(receiveCommand())
    .addCommand(listCommand())
    .addCommand(removeCommand())
    .addCommand(shareCommand())
    .addHelpText('after', help);
}

function listCommand(): Command {
  return accessCommand('list')
    .description('Show your files and those shared with you, the newest last')
    .action((options: AccessOptions) =>
      withAccess(options, async ({ client }) => {
        const files = await client.list();
        if (options.json) for (const file of files) console.log(JSON.stringify(fileObject(file)));
        else console.log(listing(files, client.user));
      }),
    );
}

function removeCommand(): Command {
  return accessCommand('remove')
    .description('Remove files of yours')
    .argument('<files...>', 'ids or names')
    .action((words: string[], options: AccessOptions) =>
      withAccess(options, async ({ client }) => {
        const files = await client.list();
        for (const file of words.map((word) => fileCalled(word, files))) {
          await client.remove(file.id);
          tell(options, file, 'removed');
        }
      }),
    );
}

function shareCommand(): Command {
  return accessCommand('share')
    .description('Let another user receive a file of yours')
    .argument('<file>', 'id or name')
    .argument('<user>', 'the name of the user')
    .action((word: string, user: string, options: AccessOptions) =>
      withAccess(options, async ({ client }) => {
        const file = fileCalled(word, await client.list());
        await client.share(file.id, user);
        tell(options, file, `shared with ${user}`);
      }),
    );
}

async function withAccess(
  options: AccessOptions,
  work: (access: Access) => Promise<void>,
): Promise<void> {
  await attempt(options.json === true, async () => {
    await using access = await openAccess(options, interruption());
    await work(access);
  });
}

function tell({ json }: AccessOptions, file: StoredFile, what: string): void {
  if (json) console.log(JSON.stringify({ ok: true, ...fileObject(file) }));
  else console.log(`${styleText('green', '✓')} ${file.name}  ${what}`);
}

function listing(files: readonly StoredFile[], user: string): string {
  if (files.length === 0) return 'There is no file of yours here, and none is shared with you.';
  const rows = files.map(({ id, bytes, storedAt, owner, type, name }) => [
    id.slice(0, idCharsShown),
    size(bytes),
    new Date(storedAt).toISOString().slice(0, 16).replace('T', ' '),
    owner === '' ? 'anybody' : owner === user ? 'you' : owner,
    type,
    name,
  ]);
  const head = ['id', 'size', 'stored (UTC)', 'owner', 'type', 'name'];
  const widths = head.map((title, column) => {
    return Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0));
  });
  const line = (row: readonly string[]) =>
    row
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        return column === 1 ? cell.padStart(width) : cell.padEnd(width);
      })
      .join('  ')
      .trimEnd();
  return [styleText('bold', line(head)), ...rows.map(line)].join('\n');
}
