// What the page shows is what was recorded: its numbers, outcomes, reasons, sessions and servers
// are read out of the page and held against a fold over the history on disk; live, for who comes
// late, and for a recorded run at several moments of it.

import type { Locator } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { wordsOf } from '../../dashboard/src/fate.tsx';
import { inMs } from '../../dashboard/src/measures/chart.tsx';
import type { LaneId, Order } from '../../src/api/contract.ts';
import { quantile } from '../../src/api/latency.ts';
import { advance, emptyStage, type ServerSeen, type Stage } from '../../src/api/stage.ts';
import type { HistoryEvent } from '../../src/core/history.ts';
import { type Ground, longMs, openGround } from './ground.ts';

const ids = ['a', 'b'] as const;
/** To read a whole history is work, too. */
const seldom = { timeout: 60_000, interval: 250 };
const logMax = 10;
const stripMax = 14;
const chipsMax = 4;
let ground: Ground;

beforeAll(async () => {
  ground = await openGround([
    { answer: 'memory', policy: 'round-robin', servers: 3 },
    { answer: 'postgres', policy: 'round-robin', servers: 2 },
  ]);
}, longMs);

afterAll(() => ground?.[Symbol.asyncDispose](), longMs);

/** What a person reads in a lane. */
function readIn(lane: Locator) {
  return lane.evaluate((root) => {
    const all = (selector: string, within: Element = root) => [
      ...within.querySelectorAll(selector),
    ];
    const read = (selector: string, within: Element) =>
      all(selector, within).map((each) => each.textContent?.trim());
    return {
      numbers: all('.numbers > div').map((each) => read('dt, dd', each)),
      caption: read('.caption', root)[0],
      log: all('.log li').map((each) => read('.fate-mark .unseen, .who, .why, .time', each)),
      strips: all('.strips > div').map((each) => [
        ...read('dt', each),
        ...all('dd', each).map((one) => `${one.firstChild?.textContent} ${read('.unseen', one)}`),
      ]),
      servers: all('article.server').map((each) => [
        each.getAttribute('aria-label'),
        ['up', 'paused', 'down'].find((state) => each.classList.contains(state)),
        ...read('.answered > span', each).map((text) => Number(/\d+$/.exec(text ?? '')?.[0])),
      ]),
      remembered: all('article.server').map((each) =>
        all('.chip', each).map((chip) => chip.getAttribute('title')),
      ),
    };
  });
}

/** What a person must read, by the history alone. */
function expectedOf(stage: Stage) {
  const { sessionCounts, arrived, arrivals } = stage;
  const { known, barred, intruded, login } = stage.tally;
  const all = arrivals - barred - intruded - login;
  const median = quantile(stage.latencies, 0.5);
  const lags = [...stage.sessions.values()].flatMap((each) => each.acceptedAfterEndMs ?? []);
  const numbers = [
    ['known', all === 0 ? '–' : `${Math.round((100 * known) / all)} %`],
    ['rightly turned away', String(barred || '')],
    ['wrongly let in', String(intruded || '')],
    ['requests', String(arrivals)],
    ['median', median === null ? '–' : inMs(median)],
    ['logins alive', String(sessionCounts.alive)],
    ['logins flapping', String(sessionCounts.flapping || '')],
    ['logins lost', String(sessionCounts.lost || '')],
    ['accepted after logout', lags.length > 0 ? inMs(Math.max(...lags)) : ''],
  ];
  const newest = arrived.toReversed();
  const clients = [...new Set(arrived.map(({ client }) => client))].toSorted();
  return {
    numbers: numbers.filter(([, value]) => value !== ''),
    caption: newest[0] ? expect.stringContaining(newest[0].why) : 'No request was sent yet.',
    log: newest
      .slice(0, logMax)
      .map((each) => [
        ...[wordsOf(each).word, each.client, each.why, `${(each.endedAt / 1_000).toFixed(1)} s`],
      ]),
    strips: clients.map((name) => [
      name,
      ...newest
        .filter(({ client }) => client === name)
        .slice(0, stripMax)
        .map((each) => `${each.server ?? '–'} ${wordsOf(each).word}`),
    ]),
    servers: [...stage.servers.values()]
      .filter(({ state }) => state !== 'removed')
      .map(({ name, state, tally: of }) => [
        ...[name, state, of.known + of.barred, of.nobody + of.another + of.intruded],
        ...(of.refused + of.lost > 0 ? [of.refused + of.lost] : []),
      ]),
  };
}

/** The logins that a server made in this life, and that have not ended. */
function madeBy({ name, incarnation }: ServerSeen, { sessions }: Stage) {
  return [...sessions.values()].filter(
    (each) => each.server === name && each.incarnation === incarnation && each.state !== 'ended',
  );
}

async function order(what: Order): Promise<void> {
  const answer = await fetch(`${ground.url}/lab/orders`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(what),
  });
  expect(await answer.json()).toMatchObject({ ok: true });
}

const foldOf = async (id: LaneId) => advance(emptyStage, await ground.history(id));

/** Ten requests a second, until so many have ended in every lane. */
async function stream(count: number): Promise<void> {
  const ended = async () => (await Promise.all(ids.map(foldOf))).map(({ arrivals }) => arrivals);
  const before = await ended();
  await order({ do: 'stream', perSecond: 10 });
  await expect
    .poll(async () => (await ended()).every((now, n) => now >= (before[n] ?? 0) + count), seldom)
    .toBe(true);
  await order({ do: 'stream', perSecond: 0 });
}

test(
  'what is shown equals the history, after a stream, kills, cuts and logouts, and for who comes late',
  async () => {
    const page = await ground.visit('#/sandbox');
    for (const client of ['alice', 'bob', 'carol', 'dave']) {
      await order({ do: 'log-in', client, user: client });
    }
    await stream(20);
    await order({ do: 'steal', client: 'alice' });
    await order({ do: 'log-out', client: 'alice' });
    await order({ do: 'request', client: 'mallory' });
    await order({ do: 'kill', server: 's1', lane: 'a' });
    await order({ do: 'refuse', link: 'store', lane: 'b' });
    await stream(20);
    await order({ do: 'heal', link: 'store', lane: 'b' });
    await order({ do: 'start', server: 's1', lane: 'a' });
    await order({ do: 'pause', server: 's2', lane: 'a' });
    await stream(20);
    for (const id of ids) {
      await expect.poll(async () => (await foldOf(id)).underWay.size, seldom).toBe(0);
    }

    const late = await ground.visit('#/sandbox');
    for (const each of [page, late]) {
      for (const { id, answer } of ground.views()) {
        const lane = each.getByRole('article', { name: `lane ${answer}`, exact: true });
        const stage = await foldOf(id);
        await expect.poll(() => readIn(lane)).toMatchObject(expectedOf(stage));
        const { remembered } = await readIn(lane);
        const told = ground
          .view(id)
          .servers.map(({ remembers }) =>
            remembers.slice(0, chipsMax).map(({ handle, user }) => `session ${handle} of ${user}`),
          );
        expect(remembered).toEqual(told);
      }
    }
    const { servers } = ground.view('a');
    const memories = await foldOf('a');
    expect(servers.map(({ remembers }) => remembers.map(({ user }) => user).toSorted())).toEqual(
      servers.map(({ name }) => {
        const seen = memories.servers.get(name) ?? expect.unreachable(name);
        return madeBy(seen, memories)
          .map(({ user }) => user)
          .toSorted();
      }),
    );
    await order({ do: 'resume', server: 's2', lane: 'a' });
  },
  longMs,
);

test(
  'a recorded run shows at each moment what its history says of it',
  async () => {
    const page = await ground.visit(`#/runs/${encodeURIComponent(ground.view('a').run)}`);
    const slider = page.getByRole('slider', { name: 'Moment' });
    await slider.waitFor();
    const most = Number(await slider.getAttribute('max'));
    const history: readonly HistoryEvent[] = await ground.history('a');
    const stops = history.flatMap(({ t }, n) => (t === 'invoke' || t === 'run' ? [] : [n + 1]));
    expect(most).toBe(stops.length);
    const lane = page.getByRole('article', { name: 'lane memory', exact: true });
    const moments = [1, 4, most >> 2, most >> 1, (3 * most) >> 2, most - 1, most, most >> 1, 0];
    for (const moment of moments) {
      await slider.fill(String(moment));
      const stage = advance(emptyStage, history.slice(0, stops[moment - 1] ?? 1));
      await expect.poll(() => readIn(lane)).toMatchObject(expectedOf(stage));
      const { remembered } = await readIn(lane);
      const made = [...stage.servers.values()].map((server) =>
        server.state === 'down' ? [] : madeBy(server, stage),
      );
      expect(remembered).toEqual(
        made.map((each) =>
          each.slice(0, chipsMax).map(({ name, user }) => `session ${name} of ${user}`),
        ),
      );
    }
  },
  longMs,
);
