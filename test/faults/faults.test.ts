// Faults on a stage that writes down what is done to it: what a fault breaks, its cure mends, also
// when the block is left by an error.

import { describe, expect, test } from 'vitest';
import type { Fault, FaultOptions, LinkPort, PairPort, StagePort } from '../../src/faults/fault.ts';
import * as faults from '../../src/faults/index.ts';

interface Stage extends StagePort {
  /** What was done, in order: 's1 kill', 's1 -> store cut'. */
  readonly done: string[];
  /** Parts that are not as they should be. */
  readonly broken: Set<string>;
}

function stage(): Stage {
  const done: string[] = [];
  const broken = new Set<string>();
  const note = (part: string, act: string, isBroken: boolean) => {
    done.push(`${part} ${act}`);
    if (isBroken) broken.add(part);
    else broken.delete(part);
  };
  const server = (name: string) => ({
    name,
    kill: async () => note(name, 'kill', true),
    start: async () => note(name, 'start', false),
    stop: async () => note(name, 'stop', true),
    pause: () => note(name, 'pause', true),
    resume: () => note(name, 'resume', false),
  });
  const link = (name: string): LinkPort => ({
    name,
    delay: (ms) => note(name, `delay ${ms}`, true),
    cut: () => note(name, 'cut', true),
    truncate: (bytes) => note(name, `truncate ${bytes()}`, true),
    refuse: () => note(name, 'refuse', true),
    heal: () => note(name, 'heal', false),
  });
  const servers = [server('s1'), server('s2')];
  const pair: PairPort = {
    replication: link('store replication'),
    detach: async () => note('store snapshot', 'detach', false),
    clear: async () => note('store', 'clear', false),
    kill: async () => note('store', 'kill', true),
    async takeOver() {
      note('store', 'take over', false);
      broken.delete('store replication');
    },
  };
  return {
    seed: '7f3a',
    done,
    broken,
    servers: () => servers,
    async addServer() {
      const added = server(`s${servers.length + 1}`);
      servers.push(added);
      return added;
    },
    storeLink: ({ name }) => link(`${name} -> store`),
    gatewayLink: ({ name }) => link(`gateway -> ${name}`),
    transferLink: ({ name }) => link(`users -> ${name}`),
    storePair: () => pair,
    async lockStore() {
      note('store', 'lock', true);
      return { [Symbol.asyncDispose]: async () => note('store', 'unlock', false) };
    },
  };
}

const options: FaultOptions = { server: 1, link: 'store', delayMs: 7, servers: 5, lagMs: 1 };

describe.each(Object.entries<Fault>(faults))('%s', (_name, fault) => {
  test('everything is whole again when its block is left by an error', async () => {
    const here = stage();
    const wreck = async () => {
      await using _cure = await fault.inject(here, options);
      throw new Error('the user code failed');
    };
    await expect(wreck()).rejects.toThrow('the user code failed');
    expect([...here.broken]).toEqual([]);
  });

  test('its target names what it touches and nothing else', async () => {
    const here = stage();
    const target = fault.target(here, options);
    await using _cure = await fault.inject(here, options);
    for (const act of here.done) {
      const part = act.replace(
        / (kill|start|stop|pause|resume|cut|refuse|(delay|truncate) \d+)$/,
        '',
      );
      expect(part.includes(target) || target.includes(part) || target === 'store').toBe(true);
    }
  });
});

test('each fault does what it says', async () => {
  const breaks = async (fault: Fault) => {
    const here = stage();
    await using _cure = await fault.inject(here, options);
    return [...here.done, here.servers().length];
  };
  expect(await breaks(faults.nothing)).toEqual([2]);
  expect(await breaks(faults.crash)).toEqual(['s2 kill', 2]);
  expect(await breaks(faults.pause)).toEqual(['s2 pause', 2]);
  expect(await breaks(faults.restart)).toEqual(['s2 stop', 's2 start', 2]);
  expect(await breaks(faults['cut-link'])).toEqual(['s2 -> store cut', 2]);
  expect(await breaks(faults['slow-link'])).toEqual(['s2 -> store delay 7', 2]);
  const truncated = expect.stringMatching(/^s2 -> store truncate \d+$/);
  expect(await breaks(faults['truncate-link'])).toEqual([truncated, 2]);
  expect(await breaks(faults.scale)).toEqual([5]);
  expect(await breaks(faults['store-down'])).toEqual([
    's1 -> store refuse',
    's2 -> store refuse',
    2,
  ]);
  const everywhere = stage();
  await using _cut = await faults['cut-link'].inject(everywhere, { server: 'all', link: 'store' });
  expect(everywhere.done).toEqual(['s1 -> store cut', 's2 -> store cut']);
  expect(await breaks(faults.failover)).toEqual([
    'store replication cut',
    'store kill',
    'store take over',
    2,
  ]);
  expect(await breaks(faults['store-snapshot'])).toEqual(['store snapshot detach', 2]);
  expect(await breaks(faults['store-restart'])).toEqual(['store clear', 'store kill', 2]);
  expect(await breaks(faults['store-locked'])).toEqual(['store lock', 2]);
  expect(await breaks(faults['rolling-restart'])).toEqual([
    's1 stop',
    's1 start',
    's2 stop',
    's2 start',
    2,
  ]);
});
