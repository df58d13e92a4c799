// Attacks on the transfer of files, as rows against a real server over a real vault. Each row is
// judged three times: by the error the attacker hears, by what the vault holds afterwards, on the
// disk and to its readers, and by the event, which names no name that anybody sent.

import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import type { Noticed } from '../../src/core/security-event.ts';
import { encode, type Frame, type FrameOf } from '../../src/transfer/frame.ts';
import type { MismatchPolicy } from '../../src/transfer/mime.ts';
import type { Visitor } from '../../src/transfer/vault.ts';
import { startServer } from './client-ground.ts';
import { hello, type RawClient, rawTo, welcomed } from './raw-client.ts';
import { sha256, temporaryFolder, vaultIn } from './vault-ground.ts';

const soon = { timeout: 15_000, interval: 10 };
const fileBytesMax = 10_000;
const whole = randomBytes(1_000);
const newUpload = () => randomBytes(16).toString('hex');
const visitor = (name: string): Visitor => ({ userId: `id-${name}`, userName: name });
const bytesOf = (frame: Frame) => Buffer.concat(encode(frame));

/** How a way ends: in order, or torn off. */
type How = 'fin' | 'rst';

/** Nobody's name, so that it can be looked for in what is noted. */
const canary = 'canary-of-a-name';

function put(changes: Partial<FrameOf<'put'>> = {}): FrameOf<'put'> {
  const upload = newUpload();
  return { kind: 'put', upload, bytes: whole.length, name: canary, claimedType: '', ...changes };
}

const data = (content: Buffer, offset = 0): Frame => ({ kind: 'data', offset, content });
const endOf = (content: Buffer, changes: Partial<FrameOf<'end'>> = {}): Frame => {
  return { kind: 'end', bytes: content.length, sha256: sha256(content), ...changes };
};

async function target(mismatch: MismatchPolicy = 'refuse', place = temporaryFolder()) {
  const limits = { fileBytesMax, userBytesMax: 15_000, mismatch };
  const vault = await vaultIn(join(place, 'vault'), limits);
  const noticed: Noticed[] = [];
  const note = (each: Noticed) => void noticed.push(each);
  const record = async (each: Noticed) => note(each);
  const { port, server } = await startServer({ vault, surroundings: { note, record } });
  return { place, vault, noticed, port, server };
}

/** The ids of the files on the disk, each of which is whole; there is nothing outside. */
function filesIn(place: string): readonly string[] {
  const ours = /^vault(\/lock|\/(files|incoming|removed)(\/[0-9a-f.]+(\/[a-z.]+)?)?)?$/;
  const paths = readdirSync(place, { recursive: true, encoding: 'utf8' });
  expect(paths.filter((path) => !ours.test(path))).toEqual([]);
  const files = readdirSync(join(place, 'vault', 'files'));
  for (const id of files) {
    const folder = join(place, 'vault', 'files', id);
    const record = JSON.parse(readFileSync(join(folder, 'record.json'), 'utf8'));
    expect(record).toMatchObject({ sha256: sha256(readFileSync(join(folder, 'content'))) });
  }
  return files;
}

async function store(client: RawClient, content: Buffer, asked = put({ bytes: content.length })) {
  await client.say(asked).hear('have');
  return client.say(data(content), endOf(content)).hear('receipt');
}

/** Where a length, a kind or a text is a lie, no frame can say it. */
function rawFrame(code: number, payload: Buffer, bytes = payload.length): Buffer {
  const header = Buffer.of(code, 0, 0, 0, 0);
  header.writeUInt32BE(bytes, 1);
  return Buffer.concat([header, payload]);
}

function putNamed(name: Buffer): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(name.length);
  const fixed = bytesOf(put({ name: '' })).subarray(5, 29);
  return rawFrame(0x02, Buffer.concat([fixed, length, name, Buffer.alloc(2)]));
}

const lies: readonly (readonly [string, Buffer, 'stranger' | 'user' | 'uploading'])[] = [
  ['random bytes', Buffer.concat([Buffer.of(0xee), randomBytes(500)]), 'stranger'],
  ['a hello of TLS', Buffer.from(`160301020001000${'0'.repeat(99)}`, 'hex'), 'stranger'],
  ['a request of HTTP', Buffer.from('GET / HTTP/1.1\r\nhost: a\r\n\r\n'), 'stranger'],
  ['a hello of 4 GiB', rawFrame(0x01, Buffer.alloc(0), 0xffffffff), 'stranger'],
  ['a hello of no length', rawFrame(0x01, Buffer.alloc(0)), 'stranger'],
  ['a command before the hello', bytesOf(put()), 'stranger'],
  ['a second hello', bytesOf(hello('bob')), 'user'],
  ['a frame of the server', bytesOf({ kind: 'done' }), 'user'],
  ['data without an upload', bytesOf(data(whole)), 'user'],
  ['an end without an upload', bytesOf(endOf(whole)), 'user'],
  ['a put of 4 GiB', rawFrame(0x02, Buffer.alloc(0), 0xffffffff), 'user'],
  ['a list with a byte', rawFrame(0x06, Buffer.alloc(1)), 'user'],
  ['a name of 4 KiB', putNamed(Buffer.alloc(4_096, canary)), 'user'],
  ['a name of 1025 bytes', putNamed(Buffer.alloc(1_025, canary)), 'user'],
  ['a name with an overlong slash', putNamed(Buffer.from('..\xc0\xafa', 'latin1')), 'user'],
  ['a name in UTF-16', putNamed(Buffer.from('\ufeffcanary', 'utf16le')), 'user'],
  ['a name in Latin-1', putNamed(Buffer.from('caf\xe9', 'latin1')), 'user'],
  ['a name with half a pair', putNamed(Buffer.from('\xed\xa0\x80', 'latin1')), 'user'],
  ['data of 4 GiB', rawFrame(0x03, Buffer.alloc(0), 0xffffffff), 'uploading'],
  ['data of a byte too many', rawFrame(0x03, Buffer.alloc(0), 8 + 256 * 1024 + 1), 'uploading'],
  ['data that are shorter than their place', rawFrame(0x03, Buffer.alloc(4)), 'uploading'],
  ['a second put', bytesOf(put()), 'uploading'],
];

test.each(lies)('%s: malformed, and nothing is stored', async (_what, bytes, from) => {
  const { place, noticed, port, vault } = await target();
  const client = from === 'stranger' ? rawTo(port) : await welcomed(port, 'alice');
  if (from === 'uploading') await client.say(put()).hear('have');
  expect(await client.say(bytes).lastError()).toBe('malformed-frame');
  const broken = { kind: 'transfer-broken-off', reason: 'malformed', file: expect.any(String) };
  const refused = { kind: 'input-refused', reason: 'malformed' };
  expect(noticed).toMatchObject([from === 'uploading' ? broken : refused]);
  expect(JSON.stringify(noticed)).not.toContain('canary');
  expect(filesIn(place)).toEqual([]);
  expect(await vault.list(visitor('alice'))).toEqual([]);
});

const script = Buffer.from('<!doctype html><script>alert(1)</script>');
const gif = Buffer.concat([Buffer.from('GIF89a\x01\x00\x01\x00\x00\x00\x00', 'latin1'), script]);
const named = (content: Buffer, name: string, claimedType = '') =>
  put({ bytes: content.length, name: `${canary}${name}`, claimedType });

interface Upload {
  readonly put?: FrameOf<'put'>;
  /** Undefined: the put itself is refused. */
  readonly sends?: readonly Frame[];
  readonly error: string;
  readonly reason: string;
}

const uploads: Readonly<Record<string, Upload>> = {
  'another checksum': {
    sends: [data(whole), endOf(whole, { sha256: '0'.repeat(64) })],
    ...{ error: 'digest-mismatch', reason: 'wrong-digest' },
  },
  'the checksum of a part': {
    sends: [data(whole), endOf(whole, { sha256: sha256(whole.subarray(1)) })],
    ...{ error: 'digest-mismatch', reason: 'wrong-digest' },
  },
  'the checksum of a size that nobody knew': {
    put: put({ bytes: null }),
    sends: [data(whole), endOf(whole, { sha256: sha256(script) })],
    ...{ error: 'digest-mismatch', reason: 'wrong-digest' },
  },
  'an end before the announced size': {
    sends: [data(whole.subarray(1)), endOf(whole.subarray(1))],
    ...{ error: 'upload-conflict', reason: 'conflict' },
  },
  'an end that says more than came': {
    put: put({ bytes: null }),
    sends: [data(whole.subarray(1)), endOf(whole)],
    ...{ error: 'upload-conflict', reason: 'conflict' },
  },
  'an end that says less than came': {
    put: put({ bytes: null }),
    sends: [data(whole), endOf(whole.subarray(1))],
    ...{ error: 'upload-conflict', reason: 'conflict' },
  },
  'a byte more than announced': {
    sends: [data(Buffer.alloc(whole.length + 1))],
    ...{ error: 'upload-conflict', reason: 'conflict' },
  },
  'data beyond the end': {
    sends: [data(whole), data(whole, whole.length)],
    ...{ error: 'upload-conflict', reason: 'conflict' },
  },
  'data at the largest offset': {
    sends: [data(whole, Number.MAX_SAFE_INTEGER)],
    ...{ error: 'upload-conflict', reason: 'conflict' },
  },
  'data that leave a gap': {
    sends: [data(whole.subarray(0, 10)), data(whole.subarray(11), 11)],
    ...{ error: 'upload-conflict', reason: 'conflict' },
  },
  'data over data': {
    sends: [data(whole.subarray(0, 10)), data(whole.subarray(9), 9)],
    ...{ error: 'upload-conflict', reason: 'conflict' },
  },
  'a file that is announced too large': {
    put: put({ bytes: fileBytesMax + 1 }),
    ...{ error: 'file-too-large', reason: 'too-large' },
  },
  'the largest size there is': {
    put: put({ bytes: Number.MAX_SAFE_INTEGER }),
    ...{ error: 'file-too-large', reason: 'too-large' },
  },
  'a file that grows too large': {
    put: put({ bytes: null }),
    sends: [data(Buffer.alloc(fileBytesMax + 1)), endOf(Buffer.alloc(fileBytesMax + 1))],
    ...{ error: 'file-too-large', reason: 'too-large' },
  },
  'a page that is claimed to be a picture': {
    put: named(script, '.png', 'image/png'),
    sends: [data(script), endOf(script)],
    ...{ error: 'type-mismatch', reason: 'wrong-type' },
  },
  'a page that is named as a picture': {
    put: named(script, '.png'),
    sends: [data(script), endOf(script)],
    ...{ error: 'type-mismatch', reason: 'wrong-type' },
  },
  'a picture that is a page as well': {
    put: named(gif, '.html', 'text/html'),
    sends: [data(gif), endOf(gif)],
    ...{ error: 'type-mismatch', reason: 'wrong-type' },
  },
};

test.each(Object.entries(uploads))(
  'an upload with %s: refused, and nothing is stored',
  async (_what, { put: asked = put(), sends, error, reason }) => {
    const { place, noticed, port, vault } = await target();
    const client = (await welcomed(port, 'alice')).say(asked);
    if (sends !== undefined) {
      await client.hear('have');
      client.say(...sends);
    }
    expect(await client.error()).toBe(error);
    const file = sends && { file: expect.any(String) };
    const who = { session: 'handle-of-alice', userId: 'id-alice' };
    await vi.waitFor(() => expect(noticed).toHaveLength(1), soon);
    expect(noticed).toEqual([{ kind: 'file-refused', reason, ...who, ...file }]);
    expect(filesIn(place)).toEqual([]);
    expect(await vault.list(visitor('alice'))).toEqual([]);
  },
);

const names: readonly (readonly [raw: string, shown: string])[] = [
  ['..', 'unnamed'],
  ['', 'unnamed'],
  ['/', 'unnamed'],
  ['../../../../etc/cron.d/canary', 'canary'],
  ['..\\..\\canary.txt', 'canary.txt'],
  ['a/../../canary.txt', 'canary.txt'],
  ['....//....//canary.txt', 'canary.txt'],
  ['..%2f..%2fcanary.txt', '%2f..%2fcanary.txt'],
  ['%252e%252e%252fcanary', '%252e%252e%252fcanary'],
  ['\uff0e\uff0e\uff0fcanary', '\uff0e\uff0e_canary'],
  ['..\u2215canary', '_canary'],
  ['/tmp/canary', 'canary'],
  ['//server/share/canary', 'canary'],
  ['\\\\?\\C:\\canary', 'canary'],
  ['C:\\Windows\\canary.ini', 'canary.ini'],
  ['C:canary.ini', 'C_canary.ini'],
  ['file:///etc/canary', 'canary'],
  ['canary.txt\0.png', 'canary.txt.png'],
  ['\0', 'unnamed'],
  ['CON', '_CON'],
  ['nul.canary', '_nul.canary'],
  ['LPT1.canary', '_LPT1.canary'],
  ['canary.txt::$DATA', 'canary.txt__$DATA'],
  ['.canary', 'canary'],
  ['-rf canary', 'rf canary'],
  ['\x1b[2J\x1b]0;canary\x07', '[2J]0;canary'],
  ['\x9b31mcanary', '31mcanary'],
  ['canary\r\nset-cookie: a=b', 'canary set-cookie_ a=b'],
  ['canary\u202etxt.exe', 'canarytxt.exe'],
  ['record.json', 'record.json'],
  ['../record.json', 'record.json'],
  ['c'.repeat(1_024), 'c'.repeat(255)],
];

test.each(names)(
  'a file named %j is shown as %j, lies where every file lies, and its event names no name',
  async (raw, shown) => {
    const { place, noticed, port } = await target('octet-stream');
    const client = await welcomed(port, 'alice');
    const { file, name } = await store(client, whole, put({ name: raw }));
    expect(name).toBe(shown);
    expect(filesIn(place)).toEqual([file]);
    const who = { session: 'handle-of-alice', userId: 'id-alice' };
    expect(noticed).toEqual([{ kind: 'file-stored', file, bytes: whole.length, ...who }]);
  },
);

test('a conversation that breaks off at any byte leaves nothing to be seen, or the whole file', async () => {
  const { place, noticed, port, server, vault } = await target();
  const content = whole.subarray(0, 40);
  const frames = [put({ bytes: 40 }), data(content), endOf(content)].map(bytesOf);
  const said = (user: string) => Buffer.concat([bytesOf(hello(user)), ...frames]);
  const name = (cut: number, how: How) => `${how}${String(cut).padStart(3, '0')}`;
  const total = said(name(0, 'fin')).length;
  const cuts = Array.from({ length: total + 1 }, (_, cut) => cut);
  const putAt = bytesOf(hello(name(0, 'fin'))).length + (frames[0]?.length ?? 0);

  const breakOff = async (cut: number, how: How) => {
    const user = name(cut, how);
    const client = rawTo(port).say(said(user).subarray(0, cut));
    if (how === 'rst') {
      await new Promise<void>((resolve) => client.socket.write('', () => resolve()));
      client.socket.resetAndDestroy();
    } else client.socket.end();
    await client.closed();
    const heard = [];
    for (let frame = await client.next(); frame; frame = await client.next()) heard.push(frame);
    return heard.some(({ kind }) => kind === 'receipt');
  };
  for (let from = 0; from < cuts.length; from += 25) {
    const some = cuts.slice(from, from + 25);
    const receipts = await Promise.all(some.map((cut) => breakOff(cut, 'fin')));
    expect(receipts).toEqual(some.map((cut) => cut === total));
    await Promise.all(some.map((cut) => breakOff(cut, 'rst')));
  }
  await vi.waitFor(() => expect(server.connections).toBe(0), soon);

  const stored = filesIn(place);
  const seen = [];
  for (const cut of cuts) {
    const ended = await vault.list(visitor(name(cut, 'fin')));
    expect(ended).toHaveLength(cut === total ? 1 : 0);
    const torn = await vault.list(visitor(name(cut, 'rst')));
    if (cut < total) expect(torn).toEqual([]);
    seen.push(...ended, ...torn);
  }
  expect(seen.map(({ id }) => id).sort()).toEqual([...stored].sort());
  for (const { sha256: digest } of seen) expect(digest).toBe(sha256(content));
  const ofEnded = noticed.filter(({ userId }) => userId?.startsWith('id-fin'));
  const broken = ofEnded.filter(({ kind }) => kind === 'transfer-broken-off');
  expect(broken).toHaveLength(total - putAt);
  expect(JSON.stringify(noticed)).not.toContain(canary);
});

test("who goes on with another's upload begins one of their own, and takes nothing from it", async () => {
  const { place, noticed, port } = await target();
  const asked = put();
  const alice = await welcomed(port, 'alice');
  const { file } = await alice.say(asked).hear('have');
  alice.say(data(whole.subarray(0, 600)));
  const mallory = await welcomed(port, 'mallory');
  const his = await mallory.say(asked).hear('have');
  expect(his).toMatchObject({ offset: 0, sha256: sha256(Buffer.alloc(0)) });
  expect(his.file).not.toBe(file);
  mallory.say(data(whole.subarray(600), 600));
  expect(await mallory.lastError()).toBe('upload-conflict');
  const receipt = await alice.say(data(whole.subarray(600), 600), endOf(whole)).hear('receipt');
  expect(receipt).toMatchObject({ file, owner: 'alice', sha256: sha256(whole) });
  expect(filesIn(place)).toEqual([file]);
  expect(noticed).toMatchObject([
    { kind: 'file-refused', reason: 'conflict', userId: 'id-mallory', file: his.file },
    { kind: 'file-stored', userId: 'id-alice', file },
  ]);
  expect(JSON.stringify(noticed)).not.toContain(canary);
});

const afterwards: readonly (readonly [string, readonly Frame[], string])[] = [
  ['more data', [data(whole, whole.length)], 'upload-conflict'],
  ['its data again', [data(whole)], 'upload-conflict'],
  ['an end of another size', [endOf(whole.subarray(1))], 'upload-conflict'],
  ['another checksum', [endOf(whole, { sha256: '0'.repeat(64) })], 'digest-mismatch'],
];

test.each(afterwards)(
  'a file that is stored stays as it is when its upload is repeated with %s',
  async (_what, frames, error) => {
    const { place, port, noticed, vault } = await target();
    const asked = put();
    const { file } = await store(await welcomed(port, 'alice'), whole, asked);
    const again = await welcomed(port, 'alice');
    expect(await again.say(asked).hear('have')).toMatchObject({ file, offset: whole.length });
    expect(await again.say(...frames).error()).toBe(error);
    expect(filesIn(place)).toEqual([file]);
    expect(await vault.list(visitor('alice'))).toMatchObject([{ id: file, bytes: whole.length }]);
    expect(noticed.map(({ kind }) => kind)).toEqual(['file-stored', 'file-refused']);
    expect(JSON.stringify(noticed)).not.toContain(canary);
  },
);

test('an upload that goes on with less than is there is refused, and its part stays', async () => {
  const { place, port, noticed } = await target();
  const asked = put();
  const client = await welcomed(port, 'alice');
  await client.say(asked).hear('have');
  client.say(data(whole.subarray(0, 600))).socket.end();
  await client.closed();
  const again = await welcomed(port, 'alice');
  expect(await again.say({ ...asked, bytes: 599 }).error()).toBe('upload-conflict');
  expect(filesIn(place)).toEqual([]);
  expect((await again.say(asked).hear('have')).offset).toBe(600);
  const { file } = await again.say(data(whole.subarray(600), 600), endOf(whole)).hear('receipt');
  expect(filesIn(place)).toEqual([file]);
  const reasons = noticed.map(({ kind, reason }) => `${kind} ${reason ?? ''}`.trim());
  expect(reasons).toEqual(['transfer-broken-off cut', 'file-refused conflict', 'file-stored']);
});

test('a server that died between the record and the rename shows nothing, and finishes it', async () => {
  const { place, port, vault, server } = await target();
  const asked = put();
  const client = await welcomed(port, 'alice');
  await client.say(asked).hear('have');
  const [part = ''] = readdirSync(join(place, 'vault', 'incoming'));
  const { file } = await client.say(data(whole), endOf(whole)).hear('receipt');
  client.socket.destroy();
  await server[Symbol.asyncDispose]();
  await vault[Symbol.asyncDispose]();
  renameSync(join(place, 'vault', 'files', file), join(place, 'vault', 'incoming', part));

  const next = await target('refuse', place);
  expect(filesIn(place)).toEqual([]);
  expect(await next.vault.list(visitor('alice'))).toEqual([]);
  const again = await welcomed(next.port, 'alice');
  expect((await again.say(asked).hear('have')).offset).toBe(whole.length);
  const receipt = await again.say(endOf(whole)).hear('receipt');
  expect(receipt).toMatchObject({ file, sha256: sha256(whole) });
  expect(filesIn(place)).toEqual([file]);
  expect(next.noticed).toMatchObject([{ kind: 'file-stored', file }]);
});
