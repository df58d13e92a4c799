// `sessionlab gateway` as an operator runs it: a site file in, a service out, and every mistake in
// the file named.

import { execFileSync } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { afterAll, expect, test, vi } from 'vitest';
import { keepCertificates } from '../../src/certificates/folder.ts';
import type { AccessLine } from '../../src/gateways/access-line.ts';
import { readSite } from '../../src/gateways/site-file.ts';
import { ask, see } from '../gateways/asking.ts';
import { TestServer } from '../gateways/upstream.ts';
import { alive, type Command, openRoom } from './command.ts';

const room = await openRoom();
afterAll(() => room[Symbol.asyncDispose]());
const patience = { timeout: 15_000, interval: 50 };
const server = new TestServer('s1');
await server.start();
afterAll(() => server.kill());

const site = {
  kind: 'nginx',
  listen: { port: 0 },
  groups: [{ name: 'app', policy: 'round-robin', upstreams: [{ name: 's1', url: server.url }] }],
  routes: [{ path: '/api/app/', base: '/api/app', group: 'app' }],
  answerTimeoutMs: 2_000,
};

let files = 0;
async function siteFile(content: unknown): Promise<string> {
  await mkdir(room.results, { recursive: true });
  files += 1;
  const file = join(room.results, `site-${files}.json`);
  await writeFile(file, typeof content === 'string' ? content : JSON.stringify(content));
  return file;
}

function events(command: Command): Record<string, unknown>[] {
  const lines = command.stdout.split('\n').slice(0, -1);
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

/** What it said of this, as soon as it has. */
async function told(command: Command, event: string, times = 1) {
  const all = () => events(command).filter((each) => each.event === event);
  await vi.waitFor(() => expect(all().length).toBeGreaterThanOrEqual(times), patience);
  return all().at(-1) ?? {};
}

async function leave(command: Command, signal: NodeJS.Signals = 'SIGTERM') {
  const family = command.family();
  command.process.kill(signal);
  expect(await command.ended()).toBe(0);
  await vi.waitFor(() => expect(alive(family)).toEqual([]), patience);
  return family;
}

test.each([
  ['JSON', '{"kind": '],
  ['kind: "apache" is not allowed; allowed: nginx, node', { ...site, kind: 'apache' }],
  ['limit: is not known; known here: kind, listen', { ...site, limit: {} }],
  ['listen.port: is needed: a whole number from 0 to 65535', { ...site, listen: {} }],
  [
    'listen.port: "80" is not allowed; allowed: a whole number',
    { ...site, listen: { port: '80' } },
  ],
  [
    'groups[0].policy: "fair" is not allowed; allowed: client-hash',
    { ...site, groups: [{ ...site.groups[0], policy: 'fair' }] },
  ],
  [
    'groups[0]: needs either upstreams or discover',
    { ...site, groups: [{ name: 'app', policy: 'random' }] },
  ],
  ['groups: app is there twice', { ...site, groups: [...site.groups, ...site.groups] }],
  [
    'groups: app is there twice',
    { ...site, groups: [...site.groups, { ...site.groups[0], name: 'APP' }] },
  ],
  [
    'routes[0].group: there is no group ap; there are: app',
    { ...site, routes: [{ path: '/', group: 'ap' }] },
  ],
  [
    'routes[0].base: /ap is not where /api/app/ begins',
    { ...site, routes: [{ path: '/api/app/', base: '/ap', group: 'app' }] },
  ],
  [
    'listen.inTheClear: health needs listen.tls',
    { ...site, listen: { port: 0, inTheClear: 'health' } },
  ],
  [
    `routes[0].path: "/$host/" is not allowed; allowed: a path that begins with /, without $, " and`,
    { ...site, routes: [{ path: '/$host/' }] },
  ],
  [
    'routes[0].base: "/a\\\\b" is not allowed',
    { ...site, routes: [{ path: '/', base: '/a\\b', group: 'app' }] },
  ],
  [
    `accessLogFile: "$uri\\".log" is not allowed; allowed: the path of a file, without $`,
    { ...site, accessLogFile: '$uri".log' },
  ],
  [
    'groups[0].cookies[0]: "a=b" is not allowed; allowed: letters, digits, _, . and -',
    { ...site, groups: [{ ...site.groups[0], cookies: ['a=b'] }] },
  ],
  ['limits: only nginx bounds single clients', { ...site, kind: 'node', limits: {} }],
])('a mistake is named, with its place and what is allowed: %s', async (hint, content) => {
  const file = await siteFile(content);
  await expect(readSite(file)).rejects.toThrow(`${file} does not describe a site:`);
  await expect(readSite(file)).rejects.toThrow(hint);
});

test('mistakes end the command before anything is started', async () => {
  const command = room.run(['gateway', await siteFile({ ...site, kind: 'apache', routes: 1 })]);
  expect(await command.ended()).toBe(64);
  expect(command.stderr).toContain('kind: "apache" is not allowed; allowed: nginx, node');
  expect(command.stderr).toContain('routes: 1 is not allowed; allowed: a list');
  expect(command.stderr).not.toMatch(/^ {4}at /m);
  expect(command.stdout).toBe('');
});

test('the help shows a whole site, and the file of it is right', async () => {
  const command = room.run(['gateway', '--help']);
  expect(await command.ended()).toBe(0);
  const [, shown = ''] = /JSON:\n([\s\S]*?\n {2}\}\n)/.exec(command.stdout) ?? [];
  const json = shown.replaceAll(/ {4,}(or "node"|all else .*)$/gm, '');
  expect((await readSite(await siteFile(json))).options.routes).toHaveLength(3);
});

test.each(['nginx', 'node'])('%s serves the site until it is told to stop', async (kind) => {
  const accessLogFile = `${kind}.ndjson`;
  const discover = { host: '127.0.0.1', port: Number(new URL(server.url).port) };
  const groups = [...site.groups, { name: 'found', policy: 'sticky-cookie', discover }];
  const routes = [...site.routes, { path: '/found/', base: '/found', group: 'found' }];
  const file = await siteFile({ ...site, kind, groups, routes, accessLogFile });
  const command = room.run(['gateway', file]);
  const { url } = await told(command, 'started');
  expect((await see(`${url}/api/app/x`)).url).toBe('/x');
  expect((await see(`${url}/found/y`)).url).toBe('/y');
  expect((await ask(`${url}/z`)).status).toBe(404);
  command.process.kill('SIGHUP');
  await told(command, 'reloaded');
  const inFlight = ask(`${url}/api/app/late?ms=500`);
  await vi.waitFor(() => expect(server.seen.at(-1)?.url).toBe('/late?ms=500'), patience);
  const family = await leave(command);
  expect((await inFlight).status).toBe(200);
  expect(family.length).toBeGreaterThan(0);
  const log = await readFile(join(room.results, accessLogFile), 'utf8');
  const lines = log
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as AccessLine);
  const paths = ['/api/app/', '/found/', null, '/api/app/'];
  expect(lines.map(({ path }) => path).sort()).toEqual(paths.sort());
  expect(await room.remains()).toEqual([]);
});

test('to be told to stop while it is starting is enough', async () => {
  const command = room.run(['gateway', await siteFile(site)]);
  await told(command, 'routed');
  await leave(command);
});

test('to be told to reload while it is starting does not end it', async () => {
  const command = room.run(['gateway', await siteFile(site)]);
  await told(command, 'routed');
  command.process.kill('SIGHUP');
  const { url } = await told(command, 'started');
  expect((await see(`${url}/api/app/x`)).url).toBe('/x');
  await leave(command);
});

test('the site of the deployment starts, and leads where it says', async () => {
  const deployed = JSON.parse(
    await readFile(new URL('../../deploy/site.json', import.meta.url), 'utf8'),
  ) as typeof site;
  const groups = deployed.groups.map(({ name, policy }) => {
    return {
      name,
      policy,
      cookies: ['__Host-x'],
      upstreams: [{ name: 'default', url: server.url }],
    };
  });
  const { routes } = deployed;
  const command = room.run(['gateway', await siteFile({ ...site, groups, routes })]);
  const { url } = await told(command, 'started');
  for (const { path, base = '', group } of routes) {
    if (group === undefined) expect((await ask(`${url}${path}`)).status).toBe(404);
    else expect((await see(`${url}${path}`)).url).toBe(path.slice(base.length));
  }
  await leave(command);
});

test('a certificate that is replaced is noticed', async () => {
  const folder = join(room.results, 'certificates');
  const renew = async () =>
    (await keepCertificates({ folder, names: [], renew: true })).certificate;
  const { file: certFile, keyFile, fingerprint } = await renew();
  const listen = { port: 0, tls: { port: 0, certFile, keyFile } };
  const command = room.run(['gateway', await siteFile({ ...site, listen })]);
  const { tlsUrl } = await told(command, 'started');
  const shown = () =>
    new Promise((resolve, reject) => {
      const port = Number(new URL(String(tlsUrl)).port);
      const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false });
      socket.once('error', reject).once('secureConnect', () => {
        resolve(socket.getPeerCertificate().fingerprint256);
        socket.destroy();
      });
    });
  expect(await shown()).toBe(fingerprint);
  const renewed = await renew();
  await vi.waitFor(async () => expect(await shown()).toBe(renewed.fingerprint), patience);
  await leave(command);
});

test('with an audit log, every line of access is in its chain', async () => {
  const AUDIT_FOLDER = join(room.results, 'audit');
  const accessLogFile = 'audited.ndjson';
  const command = room.run(['gateway', await siteFile({ ...site, accessLogFile })], {
    AUDIT_FOLDER,
  });
  const { url } = await told(command, 'started');
  for (let turn = 0; turn < 3; turn += 1) await ask(`${url}/api/app/`);
  await leave(command);
  const segment = await readFile(join(AUDIT_FOLDER, 'gateway/000001.ndjson'), 'utf8');
  const kinds = segment
    .trimEnd()
    .split('\n')
    .map((line) => (JSON.parse(line) as { kind: string }).kind);
  expect(kinds.toSorted()).toEqual(['access', 'access', 'access', 'started', 'stopped']);
  expect(kinds[0]).toBe('started');
});

test('a gateway that dies takes the service with it, which says so', async () => {
  const command = room.run(['gateway', await siteFile(site)]);
  const { pid } = await told(command, 'started');
  const family = command.family();
  execFileSync('kill', ['-9', String(pid)]);
  expect(await command.ended()).toBe(3);
  expect(command.stderr).toContain('It has ended');
  await vi.waitFor(() => expect(alive(family)).toEqual([]), patience);
});
