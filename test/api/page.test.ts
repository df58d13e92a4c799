// The page on real lanes: what it is told is what was recorded, what it orders happens to real
// processes, and what they remember is what they say.

import { mkdtempDisposable, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, expect, inject, test, vi } from 'vitest';
import type { Did, LaneId, LaneView, Order, RecordedRun, Told } from '../../src/api/contract.ts';
import { type OpenPage, openPage } from '../../src/api/open-page.ts';
import { advance, emptyStage, type Stage } from '../../src/api/stage.ts';
import { heard } from '../../src/api/stage-told.ts';
import type { HistoryEvent } from '../../src/core/history.ts';
import type { Verdict } from '../../src/core/verdict.ts';
import { readHistory } from '../../src/lab/reading.ts';

const room = await mkdtempDisposable(join(tmpdir(), 'lab-page-'));
const eventsMax = 3_000;
const soon = { timeout: 40_000, interval: 20 };
const ending = new AbortController();
let page: OpenPage;
let viewer: Viewer;

/** Listens as the page does. */
class Viewer {
  lanes = new Map<LaneId, LaneView>();
  /** Found when it came; its history is what it has heard since. */
  found = new Map<LaneId, Stage>();
  histories = new Map<LaneId, HistoryEvent[]>();
  verdicts = new Map<LaneId, readonly Verdict[]>();
  readonly #leave = new AbortController();

  static async open(url: string): Promise<Viewer> {
    const viewer = new Viewer();
    const answer = await fetch(`${url}/lab/events`, { signal: viewer.#leave.signal });
    expect(answer.headers.get('content-type')).toBe('text/event-stream');
    void viewer.#listen(answer).catch(() => undefined);
    return viewer;
  }

  stage(lane: LaneId): Stage {
    return advance(this.found.get(lane) ?? emptyStage, this.histories.get(lane) ?? []);
  }

  server(lane: LaneId, name: string) {
    return this.lanes.get(lane)?.servers.find((each) => each.name === name);
  }

  last(lane: LaneId) {
    return this.stage(lane).arrived.at(-1);
  }

  leave(): void {
    this.#leave.abort();
  }

  async #listen({ body }: Response): Promise<void> {
    for await (const line of createInterface({ input: Readable.fromWeb(body as never) })) {
      if (line.startsWith('data: ')) this.#take(JSON.parse(line.slice(6)) as Told);
    }
  }

  #take(told: Told): void {
    if (told.tell === 'history') this.histories.get(told.lane)?.push(...told.events);
    else if (told.tell === 'lane') this.lanes.set(told.lane.id, told.lane);
    else if (told.tell === 'verdicts') this.verdicts.set(told.lane, told.verdicts);
    else {
      this.lanes = new Map(told.lanes.map((lane) => [lane.id, lane]));
      this.histories = new Map(told.lanes.map(({ id }) => [id, []]));
      this.found = new Map(
        told.lanes.map(({ id }) => [id, told.stages[id] ? heard(told.stages[id]) : emptyStage]),
      );
      this.verdicts = new Map(told.lanes.map(({ id }) => [id, told.verdicts[id] ?? []]));
    }
  }
}

async function order(what: Order): Promise<Did> {
  const answer = await fetch(`${page.url}/lab/orders`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(what),
  });
  expect(answer.status).toBe(200);
  return (await answer.json()) as Did;
}

async function done(what: Order): Promise<string> {
  const did = await order(what);
  return did.ok ? did.command : expect.unreachable(did.why);
}

const isAlive = (pid: number) => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

beforeAll(async () => {
  process.env.DATABASE_URL = inject('databaseUrl');
  page = await openPage({
    ...{ port: 0, host: '127.0.0.1', results: room.path, admission: {}, signal: ending.signal },
    ...{ folder: room.path, eventsMax },
    lanes: [
      { answer: 'memory', policy: 'round-robin', servers: 2 },
      { answer: 'postgres', policy: 'round-robin', servers: 2 },
    ],
    onTrouble: (error) => {
      throw error;
    },
  });
  viewer = await Viewer.open(page.url);
  const states = () => [...viewer.lanes.values()].map(({ state }) => state);
  await vi.waitFor(() => expect(states()).toEqual(['ready', 'ready']), {
    ...soon,
    timeout: 110_000,
  });
});

afterAll(async () => {
  viewer?.leave();
  ending.abort();
  await page?.[Symbol.asyncDispose]();
  await room[Symbol.asyncDispose]();
});

test('the second request goes to the other server, which has no such session, and says so', async () => {
  await done({ do: 'log-in', client: 'alice', user: 'alice' });
  await expect.poll(() => viewer.last('a')?.f, soon).toBe('login');
  const { server: maker } = viewer.last('a') ?? {};
  const other = maker === 's1' ? 's2' : 's1';
  await done({ do: 'request', client: 'alice' });
  await expect.poll(() => viewer.last('a')?.fate, soon).toBe('nobody');
  expect(viewer.last('a')).toMatchObject({
    right: false,
    why: `${other} has no session alice.1: it was made on ${maker}`,
  });
  await expect.poll(() => viewer.last('b')?.f, soon).toBe('whoami');
  expect(viewer.last('b')?.why).toMatch(/^s\d asked PostgreSQL, which knows alice.1, made on s\d$/);
});

test('what servers and store remember is what they say', async () => {
  const users = (view: { remembers: readonly { user: string }[] } | null | undefined) =>
    view?.remembers.map(({ user }) => user);
  const { server: maker = '' } = viewer.stage('a').sessions.get('alice.1') ?? {};
  const other = maker === 's1' ? 's2' : 's1';
  await expect.poll(() => users(viewer.server('a', maker ?? '')), soon).toEqual(['alice']);
  expect(users(viewer.server('a', other))).toEqual([]);
  await expect.poll(() => users(viewer.lanes.get('b')?.store), soon).toEqual(['alice']);
  expect(viewer.lanes.get('a')?.store).toBe(null);
});

test('what was stolen is used as it was, and a logout in a shared store ends it everywhere', async () => {
  expect(await done({ do: 'steal', client: 'alice', lane: 'b' })).toBe('cp alice.jar mallory.jar');
  await done({ do: 'request', client: 'mallory', lane: 'b' });
  await expect
    .poll(() => viewer.last('b'), soon)
    .toMatchObject({
      ...{ client: 'mallory', user: 'alice', sess: 'alice.1', fate: 'known' },
    });
  await done({ do: 'log-out', client: 'alice', lane: 'b' });
  await done({ do: 'request', client: 'mallory', lane: 'b' });
  await expect
    .poll(() => viewer.last('b'), soon)
    .toMatchObject({
      ...{ client: 'mallory', fate: 'nobody', right: true },
    });
  await expect
    .poll(() => viewer.lanes.get('b')?.clients, soon)
    .toContainEqual({ name: 'mallory', user: 'alice', sess: 'alice.1', stolenFrom: 'alice' });
});

test('killing a server kills the process, and starting it begins a new life', async () => {
  const before = viewer.server('b', 's1')?.pid ?? 0;
  expect(isAlive(before)).toBe(true);
  expect(await done({ do: 'kill', server: 's1', lane: 'b' })).toBe(`kill -9 ${before}`);
  expect(isAlive(before)).toBe(false);
  await expect
    .poll(() => viewer.server('b', 's1'), soon)
    .toMatchObject({ state: 'down', pid: null });
  expect(await order({ do: 'kill', server: 's1', lane: 'b' })).toEqual({
    ok: false,
    why: 's1 is down',
  });
  await done({ do: 'start', server: 's1', lane: 'b' });
  await expect
    .poll(() => viewer.server('b', 's1'), soon)
    .toMatchObject({ state: 'up', incarnation: 2 });
  await expect
    .poll(() => viewer.stage('b').troubles, soon)
    .toEqual([{ kind: 'crash', target: 's1', from: expect.any(Number), to: expect.any(Number) }]);
});

test('a server that was killed from a terminal is shown as such, and can be started', async () => {
  process.kill(viewer.server('b', 's2')?.pid ?? 0, 'SIGKILL');
  await expect.poll(() => viewer.server('b', 's2')?.state, soon).toBe('down');
  await expect.poll(() => viewer.stage('b').servers.get('s2')?.state, soon).toBe('down');
  await done({ do: 'start', server: 's2', lane: 'b' });
  await expect.poll(() => viewer.server('b', 's2'), soon).toMatchObject({ incarnation: 2 });
});

test('links and servers become what is ordered, and are whole again when healed', async () => {
  const { server: link, storeLink } = { server: { server: 's1' }, storeLink: 'store' as const };
  const states = () => {
    const { link: way, storeLink: stored, state } = viewer.server('b', 's1') ?? {};
    return [way, stored, state, viewer.lanes.get('b')?.store?.state];
  };
  const lane = 'b';
  const steps: [Order, ReturnType<typeof states>][] = [
    [{ do: 'cut', link, lane }, ['cut', 'whole', 'up', 'whole']],
    [{ do: 'slow', link, lane }, ['slow', 'whole', 'up', 'whole']],
    [{ do: 'refuse', link, lane }, ['refusing', 'whole', 'up', 'whole']],
    [{ do: 'heal', link, lane }, ['whole', 'whole', 'up', 'whole']],
    [{ do: 'refuse', link: storeLink, lane }, ['whole', 'refusing', 'up', 'refusing']],
    [{ do: 'slow', link: storeLink, lane }, ['whole', 'slow', 'up', 'slow']],
    [{ do: 'heal', link: storeLink, lane }, ['whole', 'whole', 'up', 'whole']],
    [{ do: 'pause', server: 's1', lane }, ['whole', 'whole', 'paused', 'whole']],
    [{ do: 'resume', server: 's1', lane }, ['whole', 'whole', 'up', 'whole']],
  ];
  for (const [what, expected] of steps) {
    await done(what);
    await expect.poll(states, soon).toEqual(expected);
  }
  const lasting = () => viewer.stage('b').troubles.filter(({ to }) => to === null);
  await expect.poll(lasting, soon).toEqual([]);
});

test('servers come and go, and no name is given twice', async () => {
  const names = () => viewer.lanes.get('b')?.servers.map(({ name }) => name);
  await done({ do: 'add-server', lane: 'b' });
  await expect.poll(names, soon).toEqual(['s1', 's2', 's3']);
  await done({ do: 'remove', server: 's2', lane: 'b' });
  await done({ do: 'set-servers', servers: 3, lane: 'b' });
  await expect.poll(names, soon).toEqual(['s1', 's3', 's4']);
  await done({ do: 'set-servers', servers: 1, lane: 'b' });
  await expect.poll(names, soon).toEqual(['s1']);
  expect(await order({ do: 'remove', server: 's1', lane: 'b' })).toMatchObject({ ok: false });
});

test('a stream sends what was asked for, and what is told of it is what was recorded', async () => {
  await done({ do: 'log-in', client: 'bob', user: 'bob', lane: 'a' });
  const before = viewer.stage('a').arrivals;
  await done({ do: 'stream', perSecond: 100, lane: 'a' });
  await expect.poll(() => viewer.stage('a').arrivals - before, soon).toBeGreaterThan(150);
  const late = await Viewer.open(page.url);
  await done({ do: 'stream', perSecond: 0, lane: 'a' });
  await expect.poll(() => viewer.stage('a').underWay.size, soon).toBe(0);
  const [lab = '', run = ''] = viewer.lanes.get('a')?.run.split('.') ?? [];
  const recorded = () => readHistory(join(room.path, lab, run, 'history.ndjson'));
  const told = () => viewer.histories.get('a') ?? [];
  await expect.poll(async () => (await recorded()).length - told().length, soon).toBe(0);
  expect(told()).toEqual(await recorded());
  await expect.poll(() => late.stage('a'), soon).toEqual(viewer.stage('a'));
  late.leave();
});

test('the verdicts that form are those of the engine', async () => {
  const outcome = () => viewer.verdicts.get('a')?.find(({ property }) => property === 'durability');
  await expect.poll(() => outcome()?.outcome, soon).toBe('VIOLATED');
});

test('the front gateway leads to each lane, and takes nobody its turn', async () => {
  const answer = await fetch(`${page.url}/api/memory/health/live`);
  expect([answer.status, answer.headers.get('x-served-by')]).toEqual([200, expect.any(String)]);
  const [lab = '', run = ''] = viewer.lanes.get('a')?.run.split('.') ?? [];
  const log = await readFile(join(room.path, lab, run, 'access.ndjson'), 'utf8');
  const { arrivals } = viewer.stage('a');
  expect(log.trimEnd().split('\n').length).toBeLessThanOrEqual(arrivals + 1);
  const index = await fetch(page.url);
  expect(index.headers.get('content-security-policy')).toContain("script-src 'self'");
});

test('a run by hand that holds as much as it may ends its stream, and says what to do', async () => {
  await done({ do: 'stream', perSecond: 200, lane: 'a' });
  const lane = () => viewer.lanes.get('a');
  await expect
    .poll(() => lane()?.notice, soon)
    .toMatch(/is full \(3,000 events\): open lanes anew/);
  expect(lane()?.perSecond).toBe(0);
  expect(viewer.stage('a').events).toBeLessThan(eventsMax + 1_000);
  const refused = await order({ do: 'request', client: 'bob', lane: 'a' });
  expect(refused).toEqual({ ok: false, why: lane()?.notice });
  await expect.poll(() => viewer.stage('a').underWay.size, soon).toBe(0);
  const { events } = viewer.stage('a');
  const [lab = '', run = ''] = lane()?.run.split('.') ?? [];
  const recorded = () => readHistory(join(room.path, lab, run, 'history.ndjson'));
  await expect.poll(recorded, soon).toHaveLength(events);
});

test('an experiment is carried out in every lane, judged, and can be opened afterwards', async () => {
  const answers = ['memory', 'postgres'] as const;
  expect(await done({ do: 'experiment', scenario: 'two-servers', answers, seed: 'x1' })).toBe(
    'npm run lab -- memory-two-servers postgres-two-servers --seed x1',
  );
  const states = () => [...viewer.lanes.values()].map(({ state }) => state);
  const patient = { ...soon, timeout: 60_000 };
  await expect.poll(states, patient).toEqual(['ready', 'ready']);
  expect(viewer.lanes.get('a')?.run).toMatch(/\.memory-two-servers$/);
  await expect.poll(() => viewer.lanes.get('b')?.store?.remembersInAll, soon).toBeGreaterThan(5);
  await expect.poll(states, patient).toEqual(['done', 'done']);
  const lane = viewer.lanes.get('a');
  expect(lane).toMatchObject({ experiment: { scenario: 'two-servers', seed: 'x1' } });
  expect(lane?.experiment?.asExpected).toBeDefined();
  expect(lane?.servers.map(({ name, state }) => [name, state])).toEqual([
    ['s1', 'up'],
    ['s2', 'up'],
  ]);
  expect(lane?.clients.length).toBeGreaterThan(5);
  const ask = (path: string) => fetch(`${page.url}/lab/runs${path}`);
  const runs = (await (await ask('')).json()) as RecordedRun[];
  expect(runs.map(({ name }) => name).toSorted()).toEqual([
    ...['memory-by-hand', 'memory-two-servers', 'postgres-by-hand', 'postgres-two-servers'],
  ]);
  expect(runs.slice(2).map(({ scenario }) => scenario)).toEqual(['by-hand', 'by-hand']);
  const history = (await (await ask(`/${lane?.run}/history`)).text()).trimEnd().split('\n');
  const recorded: HistoryEvent[] = history.map((line) => JSON.parse(line));
  const requests = recorded.filter(({ t }) => t === 'invoke').length;
  expect(runs.find(({ id }) => id === lane?.run)).toMatchObject({ servers: 2, requests });
  await expect.poll(() => viewer.histories.get('a'), soon).toEqual(recorded);
  const judged = await (await ask(`/${lane?.run}/verdicts`)).json();
  await expect.poll(() => viewer.verdicts.get('a'), soon).toEqual(judged);
  expect(await (await ask(`/${lane?.run}/report`)).text()).toContain('memory-two-servers');
  expect((await ask('/no.such-run/report')).status).toBe(404);
}, 150_000);

test('lanes that were replaced leave no process behind, and no run where nothing was sent', async () => {
  const listed = async () => (await fetch(`${page.url}/lab/runs`)).json();
  const before = await listed();
  await done({
    do: 'open',
    lanes: [{ answer: 'memory', policy: 'sticky-cookie', servers: 1 }],
  });
  await expect.poll(() => viewer.lanes.get('a')?.state, soon).toBe('ready');
  const pid = viewer.server('a', 's1')?.pid ?? 0;
  expect(isAlive(pid)).toBe(true);
  await done({ do: 'open', lanes: [{ answer: 'memory', policy: 'random', servers: 1 }] });
  await expect.poll(() => isAlive(pid), soon).toBe(false);
  expect(await listed()).toEqual(before);
});
