// Files over TCP at a real server, sent by who is logged in over HTTP: known by every strategy, for
// as long as the session lives; on record; and finished when the server is told to end.

import { randomBytes } from 'node:crypto';
import { mkdir, mkdtempDisposable, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, onTestFinished, test, vi } from 'vitest';
import { readConfig } from '../../src/server/config.ts';
import { connectTransfer } from '../../src/transfer/client.ts';
import type { Frame, FrameOf } from '../../src/transfer/frame.ts';
import { recordsIn } from '../audit/ground.ts';
import { type RawClient, rawTo } from '../transfer/raw-client.ts';
import { sha256 } from '../transfer/vault-ground.ts';
import { answers, type Client, clientAt, environment, password, startReplica } from './ground.ts';

const main = '../../src/server/main.ts';
const onMemory = answers[1];
const onPostgres = answers[3];
const soon = { timeout: 20_000, interval: 20 };

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtempDisposable(join(tmpdir(), 'sessionlab-server-transfer-'));
  onTestFinished(() => folder[Symbol.asyncDispose]());
  return folder.path;
}

async function transferEnvironment(answer: (typeof answers)[number]) {
  const VAULT_FOLDER = await temporaryFolder();
  return { ...(await environment(answer)), TRANSFER_PORT: '0', VAULT_FOLDER };
}

async function start(env: NodeJS.ProcessEnv) {
  const replica = await startReplica(main, env);
  onTestFinished(() => replica[Symbol.asyncDispose]());
  return replica;
}

async function loggedIn(url: string, username: string): Promise<Client> {
  const client = clientAt(url);
  await client.ask('POST', '/register', { username, password });
  await client.logIn(username);
  return client;
}

function hello({ credential }: Client): FrameOf<'hello'> {
  const [[field, value] = []] = Object.entries(credential);
  return {
    ...{ kind: 'hello', field: field as 'cookie' | 'authorization', credential: value ?? '' },
  };
}

const whole = randomBytes(700_000);
const upload = 'a'.repeat(32);
const put: Frame = {
  ...{ kind: 'put', upload, bytes: whole.length, name: 'boat in secret.bin', claimedType: '' },
};
const rest = (offset: number): Frame[] => {
  const frames: Frame[] = [];
  for (let at = offset; at < whole.length; at += 100_000) {
    frames.push({ kind: 'data', offset: at, content: whole.subarray(at, at + 100_000) });
  }
  return [...frames, { kind: 'end', bytes: whole.length, sha256: sha256(whole) }];
};

async function welcomed(port: number, who: Client): Promise<RawClient> {
  const client = rawTo(port).say(hello(who));
  expect((await client.hear('welcome')).user).toMatch(/^(alice|bob)$/);
  return client;
}

async function begun(port: number, who: Client): Promise<RawClient> {
  const client = await welcomed(port, who);
  await client.say(put).hear('have');
  return client.say(...rest(0).slice(0, 3));
}

test.each(answers)(
  '$strategy in $store: a user is known by the credential of the web, and a logout ends the transfer',
  async (answer) => {
    const { url, transferPort, output } = await start(await transferEnvironment(answer));
    const alice = await loggedIn(url, 'alice');
    const bob = await loggedIn(url, 'bob');
    const client = await begun(transferPort, alice);
    await alice.ask('POST', '/logout');
    expect(await client.lastError()).toBe('session-ended');
    expect((await client.next())?.kind).toBeUndefined();

    await alice.logIn('alice');
    const again = rawTo(transferPort).say(hello(alice));
    expect((await again.hear('welcome')).user).toBe('alice');
    const { offset } = await again.say(put).hear('have');
    expect(offset).toBeGreaterThan(0);
    const { file, sha256: digest } = await again.say(...rest(offset)).hear('receipt');
    expect(digest).toBe(sha256(whole));

    const other = rawTo(transferPort).say(hello(bob), { kind: 'get', file, offset: 0 });
    expect((await other.hear('welcome')).user).toBe('bob');
    expect(await other.error()).toBe('not-found');
    expect(
      await rawTo(transferPort)
        .say({ ...hello(bob), credential: 'x' })
        .lastError(),
    ).toBe('not-authenticated');
    expect((await alice.ask('GET', '/files')).body.files).toMatchObject([{ id: file }]);
    for (const { credential } of [alice, bob]) {
      for (const value of Object.values(credential)) expect(output()).not.toContain(value);
    }
    expect(output()).not.toContain('boat in secret');
  },
);

test.each([answers[0], onMemory, answers[5]])(
  '$strategy in $store: a transfer that goes on is a use of its session',
  async (answer) => {
    const idleMs = 4_000;
    const env = { ...(await transferEnvironment(answer)), IDLE_MS: String(idleMs) };
    const { url, transferPort } = await start(env);
    const client = await welcomed(transferPort, await loggedIn(url, 'alice'));
    const bytes = Buffer.from('drop by drop');
    const until = performance.now() + 1.5 * idleMs;
    await client.say({ ...put, bytes: null }).hear('have');
    let sent = Buffer.alloc(0);
    for (; performance.now() < until; sent = Buffer.concat([sent, bytes])) {
      client.say({ kind: 'data', offset: sent.length, content: bytes });
      await delay(100);
    }
    client.say({ kind: 'end', bytes: sent.length, sha256: sha256(sent) });
    expect((await client.hear('receipt')).bytes).toBe(sent.length);
  },
  30_000,
);

test('a session that another server ends ends its transfer here', async () => {
  const env = await transferEnvironment(onPostgres);
  const here = await start(env);
  const { TRANSFER_PORT: _, ...without } = env;
  const there = await start({ ...without, REPLICA: 's2' });
  const alice = await loggedIn(there.url, 'alice');
  const client = await begun(here.transferPort, alice);
  await alice.ask('POST', '/logout');
  expect(await client.lastError()).toBe('session-ended');
});

test('visitors without a credential are let in where that is switched on, and else not', async () => {
  const env = await transferEnvironment(onMemory);
  const anonymous: Frame = { kind: 'hello', field: 'none', credential: '' };
  {
    await using closed = await startReplica(main, env);
    const client = rawTo(closed.transferPort).say(anonymous);
    expect(await client.lastError()).toBe('not-authenticated');
  }
  const open = await start({ ...env, TRANSFER_ANONYMOUS: 'true' });
  const client = rawTo(open.transferPort).say(anonymous, put);
  expect((await client.hear('welcome')).user).toBe('');
  await client.hear('have');
  await client.say(...rest(0)).hear('receipt');
});

test('a receipt is on record when it is given, and what is recorded names no name', async () => {
  const AUDIT_FOLDER = await temporaryFolder();
  const env = { ...(await transferEnvironment(onMemory)), AUDIT_FOLDER, REPLICA: 's1' };
  const replica = await startReplica(main, env);
  const alice = await loggedIn(replica.url, 'alice');
  const client = await welcomed(replica.transferPort, alice);
  await client.say(put).hear('have');
  const { file, bytes } = await client.say(...rest(0)).hear('receipt');
  await replica[Symbol.asyncDispose]();
  const records = await recordsIn(join(AUDIT_FOLDER, 's1'));
  const stored = records.find(({ kind }) => kind === 'file-stored');
  expect(stored).toMatchObject({ file, bytes, session: expect.any(String) });
  const all = JSON.stringify(records);
  for (const hidden of ['boat in secret', ...Object.values(alice.credential)]) {
    expect(all).not.toContain(hidden);
  }
});

test('a server that is told to end finishes the upload that is under way', async () => {
  const { child, url, transferPort, ended } = await start(await transferEnvironment(onMemory));
  const alice = await loggedIn(url, 'alice');
  const client = await begun(transferPort, alice);
  const idle = await welcomed(transferPort, alice);
  child.kill('SIGTERM');
  expect(await idle.lastError()).toBe('overloaded');
  client.say(...rest(0).slice(3));
  expect((await client.hear('receipt')).sha256).toBe(sha256(whole));
  client.socket.end();
  expect(await ended).toBe(0);
});

test('what is transferred is counted, by command, outcome and direction', async () => {
  const { url, transferPort } = await start(await transferEnvironment(onMemory));
  const alice = await loggedIn(url, 'alice');
  const [[field, value] = []] = Object.entries(alice.credential);
  const credential = { field: field as 'cookie', value: value ?? '' };
  await using client = await connectTransfer({ port: transferPort, credential });
  const { id } = await client.send(join(import.meta.dirname, 'transfer.test.ts'));
  const { length } = await readFile(join(import.meta.dirname, 'transfer.test.ts'));
  await client.remove(id);
  await expect(client.remove(id)).rejects.toMatchObject({ code: 'not-found' });
  const counted = async () => {
    const text = await (await fetch(`${url}/metrics`)).text();
    expect(text).toContain('sessionlab_transfer_connections 1');
    expect(text).toContain(`sessionlab_transfer_bytes_total{direction="in"} ${length}`);
    const times = (command: string, outcome: string) =>
      `sessionlab_transfer_seconds_count{command="${command}",outcome="${outcome}"} 1`;
    expect(text).toContain(times('put', 'ok'));
    expect(text).toContain(times('remove', 'ok'));
    expect(text).toContain(times('remove', 'not-found'));
  };
  await vi.waitFor(counted, soon);
});

test('settings that do not fit together are refused by their names', async () => {
  const env = await transferEnvironment(onMemory);
  const { VAULT_FOLDER: _, ...homeless } = env;
  expect(() => readConfig(homeless)).toThrow('VAULT_FOLDER');
  const half = { ...env, TRANSFER_TLS_CERT_FILE: '/tmp/cert.pem' };
  expect(() => readConfig(half)).toThrow('TRANSFER_TLS_KEY_FILE');
  expect(() => readConfig({ ...env, TRANSFER_PORT: '70000' })).toThrow('TRANSFER_PORT');
  expect(() => readConfig({ ...env, TRANSFER_MISMATCH: 'maybe' })).toThrow('TRANSFER_MISMATCH');
  const exposed = { ...env, HOST: '0.0.0.0', HAZARDS: 'refuse' };
  expect(() => readConfig(exposed)).toThrow('TRANSFER_TLS_CERT_FILE');
  const places = { ...env, TRANSFER_CONNECTIONS_MAX: '9' };
  expect(readConfig(places).transferAddressMax, 'one address cannot have them all').toBe(5);
  const unreadable = { ...half, TRANSFER_TLS_KEY_FILE: '/tmp/no-such-key.pem' };
  await expect(startReplica(main, unreadable)).rejects.toThrow('cannot be read: ENOENT');
});

test('what keeps a server from starting is said in a line, with the port or the folder', async () => {
  const env = await transferEnvironment(onMemory);
  const { transferPort, url } = await start(env);
  const started = async (changes: NodeJS.ProcessEnv) => {
    const replica = startReplica(main, { ...(await transferEnvironment(onMemory)), ...changes });
    const why = await replica.then(() => 'it has started', String);
    expect(why).not.toMatch(/^ +at /m);
    return why;
  };
  const { port: httpPort } = new URL(url);
  expect(await started({ TRANSFER_PORT: String(transferPort) })).toMatch(`:${transferPort}\n`);
  expect(await started({ PORT: httpPort })).toMatch(`:${httpPort}\n`);
  expect(await started(env)).toMatch(`Another process writes the vault ${env.VAULT_FOLDER}`);
  const file = join(env.VAULT_FOLDER, 'lock');
  for (const VAULT_FOLDER of [file, join(file, 'below')]) {
    expect(await started({ VAULT_FOLDER })).toMatch(
      `VAULT_FOLDER ${VAULT_FOLDER} cannot be opened`,
    );
  }
});

test('files that the vault cannot read are named when a server starts', async () => {
  const env = await transferEnvironment(onMemory);
  await mkdir(join(env.VAULT_FOLDER, 'files', upload), { recursive: true });
  const replica = await start(env);
  await vi.waitFor(() => expect(replica.output()).toMatch(`unreadable/${upload}`), soon);
});

test('a token of a server whose sessions cannot be asked about is good until its session ends', async () => {
  const [token] = answers;
  const issuing = await environment(token);
  const issuer = await start(issuing);
  const alice = await loggedIn(issuer.url, 'alice');
  const { DATABASE_URL: _database, REDIS_URL: _redis, ...shared } = issuing;
  const alone = { STORE: 'memory', ACCOUNTS: 'none', TRANSFER_PORT: '0' };
  const stateless = await start({ ...shared, ...alone, VAULT_FOLDER: await temporaryFolder() });
  const client = await begun(stateless.transferPort, alice);
  await client.say(...rest(300_000)).hear('receipt');
});
