// The command line keeps its word to people and to scripts: what it prints and where, how it ends,
// and that nothing is left of it, wherever it is interrupted.

import { execFileSync, spawnSync } from 'node:child_process';
import { stripVTControlCharacters } from 'node:util';
import { afterAll, expect, inject, test } from 'vitest';
import * as scenarios from '../../src/scenarios/index.ts';
import { alive, type Command, hasTerminal, openRoom, type Room } from './command.ts';

const room = await openRoom();
afterAll(() => room[Symbol.asyncDispose]());

const soon = { timeout: 20_000, interval: 20 };

/** The services of the whole run of the tests: quicker than private ones. */
function services(): NodeJS.ProcessEnv {
  return { DATABASE_URL: inject('databaseUrl'), REDIS_URL: inject('redisUrl') };
}

const isServer = ({ args }: { args: string }) => /server[/\\]main/.test(args);

async function outcome(command: Command) {
  const code = await command.ended();
  return { code, stdout: command.stdout, stderr: command.stderr };
}

test.each([
  [['no-such-command'], 'no-such-command'],
  [['lab', 'memory-two-serves'], 'memory-two-servers'],
  [['lab', '--jobs', '0'], 'from 1 to 64'],
  [['lab', '--jobs', 'many'], 'from 1 to 64'],
  [['lab', '--repeat', '0'], 'from 1 to 1000'],
  [['lab', '--no-such-option'], '--no-such-option'],
  [['serve', '--servers', '1.5'], 'from 1 to 100'],
  [['serve', '--port', '65536'], 'from 0 to 65535'],
  [['serve', '--answer', 'luck'], 'memory'],
  [['lag', 'luck'], 'memory'],
  [['lag', '--revokes', '0'], 'from 1 to 1000000'],
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
  for (const command of ['lab', 'list', 'lag', 'serve', 'replay'])
    expect(stdout).toContain(command);
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

/** Node gives no colour to a dumb terminal, nor to an unknown CI. */
const capable = { TERM: 'xterm-256color', CI: undefined };

test.skipIf(!hasTerminal)('a terminal gets colour unless NO_COLOR is set', async () => {
  const [plain, coloured] = await Promise.all([
    outcome(room.runOnTerminal(['list'], { ...capable, NO_COLOR: '1' })),
    outcome(room.runOnTerminal(['list'], capable)),
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
  const args = ['lab', 'token-two-servers', '--results', place.results];
  const command = place.run(args, { ...services(), NO_COLOR: '1' });
  await expect.poll(place.histories, soon).toHaveLength(1);
  const server = command.family().find(isServer);
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
  const line = /^(Starting .*\n)?✗ PostgreSQL at 127\.0\.0\.1:1\/x .*DATABASE_URL.*\n$/;
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

/** Services of its own, which then have to end with the command. */
const alone = { DATABASE_URL: undefined, PGHOST: undefined, REDIS_URL: undefined };

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
  const command = place.run(['lab', 'two-servers', '--results', place.results], alone);
  await expect.poll(async () => (await place.histories()).length, soon).toBeGreaterThan(1);
  const { end, family } = await interrupt(place, command);
  expect(family.length).toBeGreaterThan(4);
  expect({ end, stdout: command.stdout }).toEqual({ end: 130, stdout: '' });
  expect(command.stderr).toContain('Interrupted.');
});

const moments = {
  'at once': async () => undefined,
  'while services start': (_: Command, place: Room) =>
    expect.poll(async () => (await place.remains()).length, soon).toBeGreaterThan(1),
  'while servers start': (command: Command) =>
    expect.poll(() => command.family().filter(isServer).length, soon).toBeGreaterThan(0),
  'at work': (command: Command) => command.says('dashboard; done'),
};

test.each([
  ['lab', 'while services start', [130]],
  ['serve', 'at once', ['SIGINT', 130]],
  ['serve', 'while services start', [130]],
  ['serve', 'while servers start', [130]],
  ['serve', 'at work', [0]],
] as const)('Ctrl-C to %s %s leaves nothing', async (name, moment, ends) => {
  await using place = await openRoom();
  const port = name === 'serve' ? ['--port', '0'] : [];
  const command = place.run([name, ...port, '--results', place.results], alone);
  await moments[moment](command, place);
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

test.skipIf(!hasCurl)('the curl lines of an answer with tokens carry the token', async () => {
  await using place = await openRoom();
  const args = ['--answer', 'token-with-revocation', '--port', '0', '--results', place.results];
  const command = place.run(['serve', ...args], services());
  await command.says(/dashboard; done/);
  const lines = command.stdout.match(/^(?:curl |TOKEN=|for ).*$/gm) ?? [];
  const said = execFileSync('sh', ['-ec', lines.join('\n')], { encoding: 'utf8' });
  expect(said.match(/"username":"alice","servedBy":"s[12]#/g)).toHaveLength(4);
  await interrupt(place, command);
});
