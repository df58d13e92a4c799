// `npm start` from its first moment to its last: there is a page at once, and Ctrl-C, whenever it
// comes, leaves no process, no port and no folder of services.

import { readFile, writeFile } from 'node:fs/promises';
import { afterAll, expect, test } from 'vitest';
import { alive, type Command, openRoom, type Room } from './command.ts';

const room = await openRoom();
afterAll(() => room[Symbol.asyncDispose]());

const soon = { timeout: 60_000, interval: 20 };
const alone = { DATABASE_URL: undefined, PGHOST: undefined, REDIS_URL: undefined };
const isServer = ({ args }: { args: string }) => /server[/\\]main/.test(args);

async function address(command: Command): Promise<string> {
  await command.says(/sessionlab is at \S+/);
  return command.stdout.match(/sessionlab is at (\S+)/)?.[1] ?? '';
}

const moments = {
  'at once': async () => undefined,
  'when there is a page': async (command: Command) => {
    expect((await fetch(await address(command))).status).toBe(200);
  },
  'while services start': (_: Command, place: Room) =>
    expect.poll(async () => (await place.remains()).length, soon).toBeGreaterThan(1),
  'while servers start': (command: Command) =>
    expect.poll(() => command.family().filter(isServer).length, soon).toBeGreaterThan(0),
  'while somebody listens': async (command: Command) => {
    const events = await fetch(`${await address(command)}/lab/events`);
    let heard = '';
    for await (const chunk of events.body ?? []) {
      heard += Buffer.from(chunk).toString();
      if (heard.includes('"state":"ready"')) break;
    }
  },
};

test.each([
  ['at once', ['SIGINT', 130, 0]],
  ['when there is a page', [0]],
  ['while services start', [0]],
  ['while servers start', [0]],
  ['while somebody listens', [0]],
] as const)('Ctrl-C %s leaves nothing', async (moment, ends) => {
  await using place = await openRoom();
  const command = place.run(['start', '--port', '0', '--results', place.results], alone);
  await moments[moment](command, place);
  const family = command.family();
  command.process.kill('SIGINT');
  expect(await command.ended()).toBeOneOf([...ends]);
  const left = async () => [...alive(family), ...(await place.remains())];
  await expect.poll(left, { timeout: 20_000, interval: 100 }).toEqual([]);
});

test('one line says where the page is, and a port that is taken is named', async () => {
  const command = room.run(['start', '--port', '0', '--results', room.results], alone);
  const url = new URL(await address(command));
  expect(command.stdout.trimEnd().split('\n')).toHaveLength(1);
  const second = room.run(['start', '--port', url.port, '--results', room.results], alone);
  expect(await second.ended()).toBe(3);
  expect(second.stderr).toMatch(/EADDRINUSE|in use/);
  command.process.kill('SIGINT');
  expect(await command.ended()).toBe(0);
});

test('for other machines it makes a token and prints it once, or takes one from a file', async () => {
  const args = ['start', '--host', '0.0.0.0', '--port', '0', '--results', room.results];
  const made = room.run(args, alone);
  expect(new URL(await address(made)).searchParams.get('token')).toMatch(/^[\w-]{32}$/);
  made.process.kill('SIGINT');
  await made.ended();
  const file = `${room.results}/token`;
  await writeFile(file, 'short');
  const refused = room.run([...args, '--token-file', file], alone);
  expect(await refused.ended()).toBe(64);
  expect(refused.stderr).not.toContain(await readFile(file, 'utf8'));
});
