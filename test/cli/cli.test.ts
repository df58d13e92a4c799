// The command line keeps its word to people and to scripts: what it prints and where, how it ends,
// and that nothing is left of it, wherever it is interrupted.

import { execFileSync, spawnSync } from 'node:child_process';
import { stripVTControlCharacters } from 'node:util';
import { afterAll, expect, inject, test } from 'vitest';
import * as scenarios from '../../src/scenarios/index.ts';
import { alive, type Command, hasTerminal, openRoom, type Room } from './command.ts';

const room = await openRoom();
afterAll(() => room[Symbol.asyncDispose]());

/** The services of the whole run of the tests: quicker than private ones. */
function services(): NodeJS.ProcessEnv {
  return { DATABASE_URL: inject('databaseUrl'), REDIS_URL: inject('redisUrl') };
}

async function outcome(command: Command) {
  const code = await command.ended();
  return { code, stdout: command.stdout, stderr: command.stderr };
}

test.each([
  [['no-such-command'], 'no-such-command'],
  [['lab', 'memory-two-serves'], 'memory-two-servers'],
  [['lab', 'two-tab'], 'two-tabs'],
  [['lab', '--jobs', '0'], 'from 1 to 64'],
  [['lab', '--jobs', 'many'], 'from 1 to 64'],
  [['lab', '--gateway', 'none'], 'node'],
  [['lab', '--no-such-option'], '--no-such-option'],
  [['serve', '--servers', '1.5'], 'from 1 to 100'],
  [['serve', '--port', '65536'], 'from 0 to 65535'],
  [['serve', '--answer', 'luck'], 'memory'],
  [['serve', '--policy', 'luck'], 'round-robin'],
  [['replay'], 'run'],
  [['replay', 'nonsense'], 'nonsense'],
] as const)('a wrong command ends with 64 and a hint: %j', async (args, hint) => {
  const { code, stdout, stderr } = await outcome(room.run(args));
  expect(stderr).toContain(hint);
  expect(stderr).not.toMatch(/^ {4}at /m);
  expect({ code, stdout }).toEqual({ code: 64, stdout: '' });
});

test('help is no error', async () => {
  const { code, stdout } = await outcome(room.run(['--help']));
  expect(code).toBe(0);
  for (const command of ['lab', 'list', 'serve', 'replay']) expect(stdout).toContain(command);
});

test('list names every scenario and its question, for people and as JSON', async () => {
  const [plain, json] = await Promise.all([
    outcome(room.run(['list'])),
    outcome(room.run(['list', '--json'])),
  ]);
  for (const [name, { question }] of Object.entries(scenarios)) {
    expect(plain.stdout).toContain(name);
    expect(plain.stdout).toContain(question);
  }
  expect(JSON.parse(json.stdout)).toEqual(JSON.parse(JSON.stringify(scenarios)));
  expect([plain.code, json.code]).toEqual([0, 0]);
});

test('a pipe gets no escape codes', async () => {
  const { stdout } = await outcome(room.run(['list']));
  expect(stdout).toBe(stripVTControlCharacters(stdout));
});

test.skipIf(!hasTerminal)('a terminal gets colour unless NO_COLOR is set', async () => {
  const [plain, coloured] = await Promise.all([
    outcome(room.runOnTerminal(['list'], { NO_COLOR: '1' })),
    outcome(room.runOnTerminal(['list'])),
  ]);
  expect(plain.stdout).toBe(stripVTControlCharacters(plain.stdout));
  expect(coloured.stdout).not.toBe(plain.stdout);
  expect(stripVTControlCharacters(coloured.stdout)).toBe(plain.stdout);
});

test('a run is JSON and nothing else, and its recording is judged again alike', async () => {
  await using place = await openRoom();
  const args = ['memory-one-server', '--json', '--results', place.results, '--seed', 'cli'];
  const { code, stdout, stderr } = await outcome(place.run(['lab', ...args], services()));
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const [result] = JSON.parse(stdout);
  expect(result).toMatchObject({ name: 'memory-one-server', seed: 'cli', asExpected: true });

  const again = await outcome(place.run(['replay', result.folder, '--judge']));
  expect(again.code).toBe(0);
  expect(again.stdout).toContain('memory-one-server · seed cli');
  for (const { property, outcome: word, finding } of result.verdicts) {
    expect(again.stdout).toMatch(new RegExp(`${property} +${word} `));
    expect(again.stdout).toContain(finding);
  }
});

test('a run that is not as predicted ends with 1 and says what was not', async () => {
  await using place = await openRoom();
  const args = ['lab', 'token-rolling-restart', '--results', place.results];
  const command = place.run(args, { ...services(), NO_COLOR: '1' });
  await expect.poll(place.histories, { timeout: 20_000, interval: 20 }).toHaveLength(1);
  const server = command.family().find((each) => /server[/\\]main/.test(each.args));
  process.kill(server?.pid ?? Number.NaN, 'SIGKILL');
  const { code, stdout, stderr } = await outcome(command);
  expect(stdout + stderr).toMatch(/died by itself: SIGKILL/);
  expect(stdout + stderr).toBe(stripVTControlCharacters(stdout + stderr));
  expect(stdout).toContain('0 of 1 runs as predicted');
  expect(code).toBe(1);
});

const closed = { DATABASE_URL: 'postgres://user:secret-canary@127.0.0.1:1/x', NO_COLOR: '1' };

test.each(['lab', 'serve'])('%s without its database ends with 3 and one line', async (name) => {
  const command = room.run([name, '--results', room.results], closed);
  const { code, stdout, stderr } = await outcome(command);
  const line = /^(Starting .*\n)?✗ PostgreSQL at 127\.0\.0\.1:1\/x, named by DATABASE_URL, .*\n$/;
  expect(stderr).toMatch(line);
  expect(stdout + stderr).not.toContain('secret-canary');
  expect({ code, stdout }).toEqual({ code: 3, stdout: '' });
});

test.skipIf(!hasTerminal)('on a terminal, too, a missing database is the end', async () => {
  const command = room.runOnTerminal(['lab', '--results', room.results], closed);
  expect(await command.ended(10_000)).toBe(3);
  expect(command.stdout).toContain('✗ PostgreSQL at 127.0.0.1:1/x');
  expect(command.stdout).not.toContain('secret-canary');
});

/** Interrupts a command; afterwards nothing that it started may be left, and that is waited for. */
async function interrupt(place: Room, command: Command) {
  const family = command.family();
  command.process.kill('SIGINT');
  const end = await command.ended();
  const left = async () => [...alive(family), ...(await place.remains())];
  await expect.poll(left, { timeout: 20_000, interval: 100 }).toEqual([]);
  return { end, family };
}

test('Ctrl-C in the middle of a run ends with 130 and leaves nothing', async () => {
  await using place = await openRoom();
  const command = place.run(['lab', 'two-servers', '--results', place.results]);
  const count = async () => (await place.histories()).length;
  await expect.poll(count, { timeout: 20_000, interval: 20 }).toBeGreaterThan(1);
  const { end, family } = await interrupt(place, command);
  expect(family.length).toBeGreaterThan(3);
  expect(end).toBe(130);
  expect(command.stderr).toContain('Interrupted.');
  expect(command.stdout).toBe('');
});

test.each(['lab', 'serve'])('Ctrl-C to %s while services start leaves nothing', async (name) => {
  await using place = await openRoom();
  const command = place.run([name, '--results', place.results]);
  const started = async () => (await place.remains()).length;
  await expect.poll(started, { timeout: 20_000, interval: 20 }).toBeGreaterThan(1);
  expect((await interrupt(place, command)).end).toBe(130);
});

test.each([
  ['at once', undefined, ['SIGINT', 130]],
  ['while it starts', 'Starting 2 servers', [130]],
  ['at work', 'Try it in another terminal', [0]],
] as const)('Ctrl-C to serve %s leaves nothing', async (_, said, ends) => {
  await using place = await openRoom();
  const command = place.run(['serve', '--port', '0', '--results', place.results]);
  if (said !== undefined) await command.says(said);
  expect((await interrupt(place, command)).end).toBeOneOf([...ends]);
});

const hasCurl = spawnSync('curl', ['--version']).status === 0;

test.skipIf(!hasCurl)('the curl lines of serve work, and show the key insight', async () => {
  await using place = await openRoom();
  const args = ['--answer', 'memory', '--servers', '2', '--port', '0', '--results', place.results];
  const command = place.run(['serve', ...args], services());
  await command.says(/dashboard; done/);
  const [register, login, ask] = command.stdout.match(/^(?:curl|for) .*$/gm) ?? [];
  const sh = (line = '') => execFileSync('sh', ['-ec', line], { encoding: 'utf8' });

  expect(JSON.parse(sh(register))).toEqual({ username: 'alice' });
  const loggedIn = sh(login);
  expect(loggedIn).toContain(' 200 ');
  const keeper = loggedIn.match(/x-served-by: (s\d)/i)?.[1];
  const answers = sh(ask).trim().split('\n');
  expect(answers).toHaveLength(4);
  for (const answer of answers) {
    expect(answer).toContain(answer.includes(`${keeper}#`) ? 'alice' : 'not-authenticated');
  }
  expect(answers.filter((answer) => answer.includes('alice'))).toHaveLength(2);
  await interrupt(place, command);
});
