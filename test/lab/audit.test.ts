// The record of a run: from the audit logs alone one can say who was served as whom, by which
// server, and that is what the users themselves have seen; and nothing that a client may choose,
// credential or other, is in any log.

import { glob, mkdtempDisposable, readdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { AuditRecord } from '../../src/audit/audit-log.ts';
import { verifyLogs } from '../../src/audit/verify.ts';
import type { Completion, Invocation } from '../../src/core/history.ts';
import type { AccessLine } from '../../src/gateways/access-line.ts';
import type { Gateway } from '../../src/gateways/gateway.ts';
import * as gateways from '../../src/gateways/index.ts';
import { Cluster } from '../../src/lab/cluster.ts';
import { type Lab, openLab } from '../../src/lab/lab.ts';
import { readHistory } from '../../src/lab/reading.ts';
import { type RunResult, runScenario } from '../../src/lab/run.ts';
import { recordsIn } from '../audit/ground.ts';
import { plantedEverywhere, sendRaw } from './canaries.ts';

const room = await mkdtempDisposable(join(tmpdir(), 'sessionlab-test-record-'));
afterAll(() => room[Symbol.asyncDispose]());

const runs = [
  ['restart', 'postgres'],
  ['sticky-server-crash', 'token'],
] as const;

const names = Object.entries<Gateway>(gateways).flatMap(([name, gateway]) =>
  gateway.missing() === undefined ? [name as keyof typeof gateways] : [],
);

describe.each(names)('with the gateway %s', (gateway) => {
  test.each(runs)(
    'the record of a faulted run (%s, %s) says who was served as whom, as the users saw it',
    async (scenario, answer) => {
      await using lab = await openLab({ folder: join(room.path, gateway), gateway, audit: true });
      const result = await runScenario(scenario, answer, lab, { seed: '7f3a' });
      expect([...result.surprises, ...result.missing]).toEqual([]);
      await compare(result);
    },
    120_000,
  );

  test('no word of a client is in any log', async () => {
    await using lab = await openLab({ folder: join(room.path, gateway), gateway, audit: true });
    const { folder, sent } = await plant(lab);
    const logs = await Array.fromAsync(logsIn(folder));
    const audits = logs.filter(({ file }) => file.includes('audit')).map(({ text }) => text);
    for (const kind of ['registered', 'login', 'login-refused', 'input-refused', 'logout'])
      expect(audits.join('')).toContain(`"kind":"${kind}"`);
    expect((await accessLines(join(folder, 'audit'))).length).toBeGreaterThan(sent / 2);
    // Past the gateway a client may choose the id of its request: that the search would find more.
    expect(audits.join('')).toContain('chosen-by-a-client');
    for (const { file, text } of logs) {
      expect([...text.matchAll(/.{0,40}c4nary\w*/gi)].map(String), file).toEqual([]);
      expect(text, file).not.toContain(lab.password);
    }
  }, 180_000);
});

async function plant(lab: Lab): Promise<{ folder: string; sent: number }> {
  await using ground = await lab.prepare('canaries', 'postgres');
  if (ground === undefined) throw new Error('PostgreSQL is always here');
  await using cluster = await Cluster.open({
    ...ground,
    env: { ...ground.env, LOG_LEVEL: 'debug' },
    ...{ servers: 2, policy: 'round-robin', seed: 'canaries' },
    ...{ entry: lab.serverEntry, gateway: lab.gateway },
  });
  const planted = await plantedEverywhere(cluster.gatewayUrl);
  const statuses = new Set<number>();
  for (const each of planted) statuses.add(await sendRaw(cluster.gatewayUrl, each));
  for (const status of [200, 201, 400, 401, 404, 415]) expect(statuses).toContain(status);
  const server = cluster.server(0).url ?? '';
  for (const each of planted) {
    if (!each.what.includes('x-request-id')) await sendRaw(server, each);
  }
  const headers = { 'x-request-id': 'chosen-by-a-client', 'content-type': 'application/json' };
  const body = JSON.stringify({ username: 'nobody', password: 'nothing' });
  expect((await fetch(`${server}/login`, { method: 'POST', headers, body })).status).toBe(401);
  return { folder: ground.folder, sent: planted.length };
}

async function* logsIn(folder: string) {
  for await (const each of glob('**/*', { cwd: folder, withFileTypes: true })) {
    const file = join(each.parentPath, each.name);
    if (each.isFile()) yield { file, text: await readFile(file, 'latin1') };
  }
}

async function accessLines(audit: string): Promise<readonly AccessLine[]> {
  const records: readonly AuditRecord[] = await recordsIn(join(audit, 'gateway'));
  return records.flatMap((record) => (record.kind === 'access' && record.access) || []);
}

/** Two names for the same things: each has one partner, and keeps it. */
class Pairs {
  readonly #partners = new Map<string, string>();

  join(one: string, other: string): void {
    for (const [from, to] of [
      [`one ${one}`, other],
      [`other ${other}`, one],
    ] as const) {
      expect(this.#partners.get(from) ?? to).toBe(to);
      this.#partners.set(from, to);
    }
  }

  knows(other: string): boolean {
    return this.#partners.has(`other ${other}`);
  }

  get size(): number {
    return this.#partners.size / 2;
  }
}

async function compare({ folder }: RunResult): Promise<void> {
  const audit = join(folder, 'audit');
  const verified = await verifyLogs(audit);
  expect(verified.length).toBeGreaterThan(1);
  expect(verified.filter(({ fault }) => fault !== null)).toEqual([]);
  const lines = await accessLines(audit);
  const byRequest = new Map(lines.map((line) => [line.requestId, line]));
  expect(byRequest.size).toBe(lines.length);
  const logins = await loginsIn(audit);
  const [users, sessions] = [new Pairs(), new Pairs()];
  let unanswered = 0;
  for (const [invoked, completed] of await exchanges(folder)) {
    if (completed.status === null) {
      unanswered += 1;
      continue;
    }
    const line = byRequest.get(completed.req ?? '');
    expect(line).toMatchObject({ status: completed.status });
    expect(line?.served?.by ?? null).toBe(completed.server);
    byRequest.delete(completed.req ?? '');
    const { userId = null, session = null } = line?.served ?? {};
    expect(userId === null).toBe(session === null);
    const { seen } = completed;
    if (userId === null || session === null) {
      // Who is nobody has left already, and a logout says the same to both.
      if (invoked.f !== 'logout') expect(seen?.user ?? null).toBeNull();
    } else {
      expect(seen?.user ?? invoked.user).toBe(invoked.user);
      expect(seen?.user).not.toBeNull();
      users.join(invoked.user, userId);
      const asked = completed.sess ?? invoked.sess;
      if (asked !== null) sessions.join(asked, session);
      if (invoked.f === 'login' && completed.t === 'ok') {
        expect(logins.get(completed.req ?? '')).toEqual([{ userId, session }]);
      }
    }
  }
  expect(users.size).toBeGreaterThan(1);
  expect(sessions.size).toBeGreaterThanOrEqual(users.size);
  const rest = [...byRequest.values()].filter(({ served }) => served?.userId != null);
  expect(rest.length).toBeLessThanOrEqual(unanswered);
  for (const { served } of rest) expect(users.knows(served?.userId ?? '')).toBe(true);
}

/** By their requests, from the logs of the servers. */
async function loginsIn(audit: string) {
  const logs = (await readdir(audit)).filter((name) => name !== 'gateway');
  const records = await Promise.all(logs.map((name) => recordsIn(join(audit, name))));
  const logins = new Map<string, { userId?: string; session?: string }[]>();
  for (const record of records.flat()) {
    if (record.kind !== 'login') continue;
    const { requestId = '', userId, session } = record;
    const about = { ...(userId && { userId }), ...(session && { session }) };
    logins.set(requestId, [...(logins.get(requestId) ?? []), about]);
  }
  return logins;
}

/** What was asked of the gateway, and what came of it. */
async function exchanges(folder: string): Promise<[Invocation, Completion][]> {
  const events = await readHistory(join(folder, 'history.ndjson'));
  const invoked = new Map<number, Invocation>();
  const all: [Invocation, Completion][] = [];
  for (const event of events) {
    if (event.t === 'invoke' && event.to === 'gateway') invoked.set(event.i, event);
    if (event.t !== 'ok' && event.t !== 'fail' && event.t !== 'info') continue;
    const invocation = invoked.get(event.i);
    if (invocation !== undefined) all.push([invocation, event]);
  }
  expect(all.length).toBeGreaterThan(50);
  return all;
}
