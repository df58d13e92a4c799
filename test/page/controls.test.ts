// Every control of the page is used, and what it did is asked of processes, links, stores and the
// recorded history, not of the page. Whatever can be used and was not is found at the end.

import { execFileSync } from 'node:child_process';
import type { Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { LaneId } from '../../src/api/contract.ts';
import { type Arrived, advance, emptyStage } from '../../src/api/stage.ts';
import { properties } from '../../src/core/verdict.ts';
import { Census } from './census.ts';
import { type Ground, longMs, openGround, soon } from './ground.ts';
import { violationsIn } from './violations.ts';

const census = new Census();
let ground: Ground;

beforeAll(async () => {
  ground = await openGround([
    { answer: 'memory', policy: 'round-robin', servers: 2 },
    { answer: 'postgres', policy: 'round-robin', servers: 2 },
  ]);
}, longMs);

afterAll(() => ground?.[Symbol.asyncDispose](), longMs);

type Act = (control: Locator) => Promise<unknown>;
const choose = (value: string) => (control: Locator) => control.selectOption(value);
const slideTo = (value: number) => (control: Locator) => control.fill(String(value));

/** A place of the page, its controls by what they are called. */
class Place<At extends Page | Locator = Page | Locator> {
  readonly at: At;

  constructor(at: At) {
    this.at = at;
  }

  within(role: 'region' | 'article' | 'listitem' | 'form' | 'group', name: string): Place<Locator> {
    return new Place<Locator>(this.at.getByRole(role, { name, exact: true }));
  }

  control(role: Parameters<Page['getByRole']>[0], name: string | RegExp): Locator {
    return this.at.getByRole(role, { name, exact: true });
  }

  press(name: string | RegExp): Promise<void> {
    return census.use(this.control('button', name));
  }

  pick(name: string, role: 'radio' | 'checkbox' = 'radio'): Promise<void> {
    // By its label, as with a mouse.
    return census.use(this.control(role, name), (it) => it.locator('..').click());
  }

  set(role: 'combobox' | 'slider' | 'spinbutton', name: string, act: Act): Promise<void> {
    return census.use(this.control(role, name), act);
  }

  follow(name: string | RegExp): Promise<void> {
    return census.use(this.control('link', name).first());
  }
}

async function openSandbox() {
  const page = await ground.visit('#/sandbox', {
    permissions: ['clipboard-read', 'clipboard-write'],
  });
  const whole = new Place(page);
  return {
    ...{ page, whole, dock: whole.within('region', 'What people do') },
    memory: whole.within('article', 'lane memory'),
    postgres: whole.within('article', 'lane postgres'),
    /** What the page shows as the command line of the last order. */
    command: async () => await page.locator('.newest code').getAttribute('title'),
  };
}

/** What ended last in a lane, as it is on disk. */
async function last(id: LaneId): Promise<Arrived | undefined> {
  return advance(emptyStage, await ground.history(id)).arrived.at(-1);
}

const server = (id: LaneId, name: string) =>
  ground.view(id).servers.find((each) => each.name === name);
/** As soon as it serves. */
const pidOf = (id: LaneId, name: string) =>
  vi.waitFor(() => {
    const { state, pid } = server(id, name) ?? {};
    expect([name, state]).not.toEqual([name, 'down']);
    return pid ?? expect.unreachable(`${name} has no process`);
  }, soon);

/** 'S' for one that waits, 'T' for one that was stopped; undefined for one that is gone. */
function processState(pid: number): string | undefined {
  try {
    process.kill(pid, 0);
    return execFileSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' })[0];
  } catch (error) {
    expect(error).toMatchObject({ code: 'ESRCH' });
    return undefined;
  }
}

test(
  'what people do is done in the lanes that are meant, and can be done on a command line',
  async () => {
    const { page, dock, command } = await openSandbox();
    const both = async (what: Partial<Arrived>) => {
      for (const id of ['a', 'b'] as const) await expect.poll(() => last(id)).toMatchObject(what);
    };
    for (const client of ['alice', 'bob']) {
      await dock.pick(client);
      await dock.press('Log in');
      await both({ client, f: 'login', fate: 'known' });
      const line = new RegExp(`^curl -c ${client}.jar .*/login\ncurl .*/login$`);
      await expect.poll(command).toMatch(line);
    }
    await dock.press('Send one');
    await both({ client: 'bob', f: 'whoami' });
    await expect.poll(command).toMatch(/^curl -b bob.jar -c bob.jar http.*\/me$/m);
    await dock.press('Add to cart');
    await both({ client: 'bob', f: 'put', item: 'apple' });
    await expect.poll(command).toMatch(/^curl -b bob.jar .*\/cart\/items$/m);

    await dock.pick('alice');
    await dock.press('Second device');
    await both({ client: 'alice 2', user: 'alice', f: 'login', fate: 'known' });
    await dock.pick('alice 2');
    await dock.press('Log out everywhere');
    await both({ client: 'alice 2', f: 'logout-everywhere' });
    const remembered = () => ground.view('b').store?.remembers.map(({ user }) => user);
    await expect.poll(remembered).toEqual(['bob']);

    await dock.pick('bob');
    await dock.press('Steal');
    await expect.poll(command).toBe('cp bob.jar mallory.jar');
    await dock.pick('mallory');
    await dock.press('Replay what was stolen');
    await both({ client: 'mallory', user: 'bob' });
    expect(await last('b')).toMatchObject({ fate: 'known' });
    await dock.pick('bob');
    await dock.press('Log out');
    await both({ client: 'bob', f: 'logout' });
    await dock.pick('mallory');
    await dock.press('Replay what was stolen');
    await both({ client: 'mallory' });
    expect(await last('b')).toMatchObject({ fate: 'nobody', right: true });

    await dock.set('combobox', 'in', choose('b'));
    await dock.pick('carol');
    await dock.press('Log in');
    await expect.poll(() => last('b')).toMatchObject({ client: 'carol', f: 'login' });
    expect(await last('a')).toMatchObject({ client: 'mallory' });
    await dock.press('Copy the command');
    const copied = () => page.evaluate(() => navigator.clipboard.readText());
    await expect.poll(command).toContain('carol.jar');
    await expect.poll(copied).toBe(await command());
    await dock.press('Earlier');
    expect(await page.locator('.earlier li').count()).toBe(10);
  },
  longMs,
);

test(
  'a stream sends as many requests as the slider says',
  async () => {
    const { dock } = await openSandbox();
    await dock.set('slider', 'stream', slideTo(5));
    await expect.poll(() => ground.view('b').perSecond).toBe(20);
    const plans = async () =>
      (await ground.history('b')).flatMap((event) =>
        event.t === 'invoke' && event.f === 'whoami' ? [event.tPlan] : [],
      );
    const before = (await plans()).length;
    await expect.poll(async () => (await plans()).length - before).toBeGreaterThan(10);
    await dock.set('slider', 'stream', slideTo(0));
    await expect.poll(() => ground.views().map(({ perSecond }) => perSecond)).toEqual([0, 0]);
    const [one = 0, next = 0] = (await plans()).slice(before + 5);
    expect(next - one).toBeCloseTo(50, 1);
  },
  longMs,
);

test(
  'killing a server on the stage kills the process, and what is paused stands still',
  async () => {
    const { memory, whole, command } = await openSandbox();
    const card = memory.within('article', 's1');
    await memory.press(/^s1 /);
    const detail = memory.within('region', 's1');
    const shown = () => detail.at.getByText('life · process').textContent();
    const pid = Number(/process (\d+)/.exec((await shown()) ?? '')?.[1]);
    expect(pid).toBe(await pidOf('a', 's1'));
    expect(processState(pid)).toMatch(/[SR]/);
    await card.press('Kill s1');
    await expect.poll(() => processState(pid)).toBeUndefined();
    await expect.poll(command).toBe(`kill -9 ${pid}`);
    await detail.at.getByText('no process').waitFor();

    await card.press('Start s1');
    await expect.poll(() => server('a', 's1')?.incarnation).toBe(2);
    const second = await pidOf('a', 's1');
    await detail.at.getByText(`second life · process ${second}`).waitFor();
    await card.press('Pause s1');
    await expect.poll(() => processState(second)).toBe('T');
    await expect.poll(command).toBe(`kill -STOP ${second}`);
    await card.press('Resume s1');
    await expect.poll(() => processState(second)).toMatch(/[SR]/);
    await detail.press('Close s1');
    await detail.at.waitFor({ state: 'detached' });
    expect(await whole.at.getByRole('alert').count()).toBe(0);
  },
  longMs,
);

test(
  'all that can be done to a server and to the way to it happens to them',
  async () => {
    const { postgres } = await openSandbox();
    await postgres.press(/^s2 /);
    const detail = postgres.within('region', 's2');
    const s2 = () => server('b', 's2');
    const gone = await pidOf('b', 's2');
    await detail.press('Kill');
    await expect.poll(() => processState(gone)).toBeUndefined();
    await detail.press('Start');
    await expect.poll(() => s2()?.incarnation).toBe(2);
    await detail.press('Pause');
    await expect.poll(() => processState(s2()?.pid ?? 0)).toBe('T');
    await detail.press('Resume');
    await expect.poll(() => processState(s2()?.pid ?? 0)).toMatch(/[SR]/);
    await detail.press('Restart');
    await expect.poll(() => s2()?.incarnation).toBe(3);
    await breakAndHeal(detail, 'gateway -> s2', () => s2()?.link);
    const pid = await pidOf('b', 's2');
    await detail.press('Remove');
    await expect.poll(s2).toBeUndefined();
    expect(processState(pid)).toBeUndefined();
  },
  longMs,
);

test(
  'the way to the store is what it was made, and servers are added',
  async () => {
    const { postgres, memory } = await openSandbox();
    await postgres.press('postgres');
    const store = postgres.within('region', 'postgres');
    await breakAndHeal(store, 'store', () => ground.view('b').store?.state);
    await store.press('Close postgres');
    await postgres.press('Cut the store');
    await expect.poll(() => ground.view('b').store?.state).toBe('cut');
    await postgres.press('Heal the store');
    await expect.poll(() => ground.view('b').store?.state).toBe('whole');
    const names = (id: LaneId) => ground.view(id).servers.map(({ name }) => name);
    await memory.press('+ server');
    await expect.poll(() => names('a')).toEqual(['s1', 's2', 's3']);
    await memory.press(/^gateway/);
    const gateway = memory.within('region', 'gateway');
    await gateway.press('Add a server');
    await expect.poll(() => names('a')).toEqual(['s1', 's2', 's3', 's4']);
    expect(processState(await pidOf('a', 's4'))).toMatch(/[SR]/);
    await gateway.press('Close gateway');
    await memory.set('spinbutton', 'servers', async (field) => {
      await field.fill('3');
      await field.press('Enter');
    });
    await expect.poll(() => names('a')).toEqual(['s1', 's2', 's3']);
    await memory.set('spinbutton', 'servers', async (count) => {
      await count.fill('2');
      await count.press('Enter');
    });
    await expect.poll(() => names('a')).toEqual(['s1', 's2']);
  },
  longMs,
);

/** The history names the link and each fault; the lane is asked how the link is. */
async function breakAndHeal(detail: Place, link: string, state: () => string | undefined) {
  const faults = async () =>
    (await ground.history('b')).flatMap((event) =>
      event.t === 'fault' && event.target.includes(link) ? [`${event.phase} ${event.kind}`] : [],
    );
  for (const [word, is] of [
    ['Cut', 'cut'],
    ['Slow down', 'slow'],
    ['Refuse', 'refusing'],
    ['Heal', 'whole'],
  ] as const) {
    await detail.press(word);
    await expect.poll(state).toBe(is);
  }
  await expect.poll(async () => (await faults()).length).toBe(6);
  expect((await faults()).map((each) => each.split(' ')[0])).toEqual([
    'begin',
    'end',
    'begin',
    'end',
    'begin',
    'end',
  ]);
}

test(
  'a client on the stage does in its lane what it is told',
  async () => {
    const { whole, postgres, dock } = await openSandbox();
    await dock.set('combobox', 'in', choose('b'));
    await dock.pick('dave');
    await dock.press('Log in');
    await postgres.press(/^dave /);
    const dave = postgres.within('region', 'dave');
    const done = async (word: string, what: Partial<Arrived>) => {
      await dave.press(word);
      await expect.poll(() => last('b')).toMatchObject({ client: 'dave', ...what });
    };
    await done('Send one', { f: 'whoami', to: 'gateway', fate: 'known' });
    await done('Send to s1', { f: 'whoami', to: 's1', server: 's1', fate: 'known' });
    await dave.press('Steal its credential');
    await expect
      .poll(() => ground.view('b').clients.find(({ name }) => name === 'mallory'))
      .toMatchObject({ user: 'dave', stolenFrom: 'dave' });
    await done('Log out', { f: 'logout' });
    await done('Log in', { f: 'login', began: 'dave.2' });
    await dave.press('Close dave');
    await postgres.follow('All of it, under a slider');
    await whole.at.getByRole('heading', { name: 'postgres-by-hand' }).waitFor();
  },
  longMs,
);

test(
  'the answers, policies and numbers of servers that are chosen stand side by side',
  async () => {
    const { whole, page } = await openSandbox();
    const before = ground.views().flatMap(({ servers }) => servers.map(({ pid }) => pid ?? 0));
    await whole.press('Choose answers');
    const form = whole.within('form', 'Answers side by side');
    await form.press('Add a lane');
    await form.press('Remove lane 2');
    const [first, second] = ['1 of 2', '2 of 2'].map(
      (_, n) => new Place(form.at.getByRole('listitem').nth(n)),
    );
    await first?.set('combobox', 'answer', choose('token'));
    await first?.set('combobox', 'policy', choose('sticky-cookie'));
    await first?.set('spinbutton', 'servers', slideTo(1));
    await second?.set('spinbutton', 'servers', slideTo(7));
    await form.press('Open');
    await ground.ready();
    const chosen = ground
      .views()
      .map(({ answer, policy, servers }) => [...[answer, policy, servers.length]]);
    expect(chosen).toEqual([
      ['token', 'sticky-cookie', 1],
      ['memory', 'round-robin', 7],
    ]);
    await expect.poll(() => before.filter((pid) => processState(pid))).toEqual([]);
    const memory = whole.within('article', 'lane memory');
    await memory.press(/^s7, /);
    await memory.at.getByText(`process ${await pidOf('b', 's7')}`).waitFor();
    await census.use(memory.at.locator('summary', { hasText: 'Verdicts' }));
    await memory.at.getByText('Nothing is decided yet.').waitFor({ state: 'hidden' });
    await census.use(memory.at.locator('summary', { hasText: 'Log' }));
    await memory.at.getByText('Nothing was sent yet.').waitFor({ state: 'hidden' });
    expect(await page.getByRole('alert').count()).toBe(0);
  },
  longMs,
);

test(
  'an experiment is put to the answers that are ticked, and what was expected of it is shown',
  async () => {
    const { page, whole } = await openSandbox();
    await whole.press('Run an experiment');
    await whole.set('combobox', 'experiment', choose('one-server'));
    const under = whole.within('group', 'under');
    for (const ticked of ['postgres', 'redis']) await under.pick(ticked, 'checkbox');
    const guesses = ['all holds', 'something breaks'];
    await whole.within('group', 'token').pick('every promise holds');
    await whole.within('group', 'memory').pick('something breaks');
    await whole.press('Run it');
    const experiments = () => ground.views().map(({ answer, state }) => `${answer} ${state}`);
    const patient = { timeout: 90_000 };
    await expect.poll(experiments, patient).toEqual(['token done', 'memory done']);
    const outcome = whole.within('region', 'Experiment: One server');
    await expect.poll(() => outcome.at.getByText('under way').count()).toBe(0);
    for (const [n, { answer, experiment }] of ground.views().entries()) {
      const broken = ground
        .verdicts(n)
        .filter(
          ({ outcome: is, property }) =>
            is === 'VIOLATED' && !('diagnostic' in properties[property]),
        );
      const found = broken.map(({ property, finding }) => `✗ ${property}: ${finding}`);
      const isRight = found.length > 0 === (guesses[n] === 'something breaks');
      const measured = found.length > 0 ? found : ['✓ every promise holds'];
      const row = outcome.at.getByRole('row', { name: answer });
      await expect
        .poll(() => row.getByRole('cell').allInnerTexts())
        .toEqual([
          guesses[n],
          [...measured, ...(isRight ? ['You were right.'] : [])].join('\n'),
          expect.stringMatching(experiment?.asExpected ? /^✓ just this/ : /^✗ /),
        ]);
    }
    const found = [...(await violationsIn(page, 'an experiment'))];
    await outcome.follow('Replay');
    await whole.at.getByRole('heading', { name: 'token-one-server' }).waitFor();
    await whole.follow('Open the report');
    await whole.at.getByText('token-one-server').first().waitFor();
    expect([...found, ...(await violationsIn(page, 'a report'))]).toEqual([]);
  },
  longMs,
);

test(
  'what was recorded is listed, and runs forward, back and step by step',
  async () => {
    const { page, whole } = await openSandbox();
    await whole.follow('Recorded');
    await whole.follow('Report of memory-one-server');
    await page.goBack();
    await whole.follow('memory-by-hand');
    const history = await ground.recorded((await page.evaluate(() => location.hash)).slice(7));
    const stops = history.flatMap(({ t }, n) => (t === 'invoke' || t === 'run' ? [] : [n + 1]));
    const player = whole.within('region', 'Replay');
    const requests = page
      .getByRole('term')
      .filter({ hasText: /^requests$/ })
      .locator('+ dd');
    const isAt = async (stop: number) => {
      const { arrivals } = advance(emptyStage, history.slice(0, stops[stop - 1] ?? 1));
      await expect.poll(() => requests.innerText()).toBe(String(arrivals));
    };
    const all = stops.length;
    await player.press('Step ›');
    await isAt(1);
    await player.press('Step ›');
    await isAt(2);
    await player.press('‹ Step back');
    await isAt(1);
    await player.set('slider', 'Moment', slideTo(all));
    await isAt(all);
    await player.press('Play again');
    await player.set('combobox', 'speed', choose('1'));
    await player.press('Pause');
    await player.set('slider', 'Moment', slideTo(all - 2));
    await player.press('Play');
    await expect.poll(() => player.control('button', 'Play again').count()).toBe(1);
    await isAt(all);
    for (const summary of ['In numbers', 'Not put to the test', 'Verdicts at the end']) {
      await census.use(page.locator('summary', { hasText: summary }).first());
    }
    await whole.follow('Recorded runs');
    await whole.at.getByRole('heading', { name: 'Recorded runs' }).waitFor();
  },
  longMs,
);

test(
  'every place can be reached, and colours are as one wants them',
  async () => {
    const { page, whole } = await openSandbox();
    const theme = () => page.evaluate(() => document.documentElement.dataset.theme);
    const first = await theme();
    for (const expected of ['light', 'dark']) {
      await whole.press(/^Colours/);
      expect(await theme()).toBe(expected);
    }
    await page.reload();
    expect(await theme()).toBe('dark');
    await whole.press(/^Colours/);
    expect(await theme()).toBe(first);
    await whole.press('Run an experiment');
    const chapter = page.waitForEvent('popup');
    await whole.follow(/^Chapter/);
    await (await chapter).close();
    await whole.follow('Tour');
    const question = whole.within('article', 'Step 1 of 7');
    await question.at.waitFor();
    await whole.follow(/^Step 2/);
    await whole.within('article', 'Step 2 of 7').follow('‹ Back');
    await question.pick('All three times');
    await question.press('See what happens');
    await question.press('Again');
    await question.press('See what happens');
    await question.follow('Next ›');
    await whole.within('article', 'Step 2 of 7').follow('Skip this step ›');
    await whole.follow(/^Skip the tour/);
    await whole.follow('Tour');
    await whole.follow('sessionlab');
    await whole.follow('Recorded');
    await whole.follow('Sandbox');
    await census.use(whole.control('button', 'Skip to the content'), async (skip) => {
      await skip.focus();
      await skip.press('Enter');
    });
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('main');
    await whole.press('Run an experiment');
    await whole.press('Run without a guess');
    await expect.poll(() => ground.views()[0]?.experiment?.scenario).toBe('two-servers');
  },
  longMs,
);

test('there is no control that was not used', () => {
  expect(census.unused()).toEqual([]);
});
