// Slow clients are cut off, and nobody waits for them. What they cost the others in time is
// measured by `npm run bench -- slow-clients`.

import { expect, test, vi } from 'vitest';
import { SlowCrowd } from '../../bench/slow-crowd.ts';
import type { Gateway } from '../../src/gateways/gateway.ts';
import * as gateways from '../../src/gateways/index.ts';
import { ask } from './asking.ts';
import { TestServer } from './upstream.ts';

const cutWithinMs = 15_000;
const size = 501;

test.concurrent.each(Object.entries<Gateway>(gateways))(
  '%s: slow headers, bodies and readers are cut off within 15 s, and who waits is served meanwhile',
  async (_, gateway) => {
    await using server = new TestServer('s1');
    await server.start();
    await using running = await gateway.start({
      groups: [
        { name: 'servers', policy: 'round-robin', upstreams: [{ name: 's1', url: server.url }] },
      ],
      routes: [{ path: '/', group: 'servers' }],
      listen: { port: 0 },
      seed: 'slow',
      answerTimeoutMs: 20_000,
    });
    using crowd = await SlowCrowd.open(running.url, size);
    const others = setInterval(() => ask(`${running.url}/other`).then(served, failed), 100);
    // Longer than a client may be silent.
    const waiting = ask(`${running.url}/late?ms=10000`).then(({ status }) => status, String);
    const answered: number[] = [];
    const served = ({ status }: { status: number }) => answered.push(status);
    const failed = () => answered.push(0);
    const looking = setInterval(() => crowd.probe(), 500);
    await vi
      .waitFor(() => expect(crowd.cut).toHaveLength(size), { timeout: 60_000, interval: 100 })
      .finally(() => {
        clearInterval(others);
        clearInterval(looking);
      });
    const late = crowd.cut.filter(({ afterMs }) => afterMs > cutWithinMs);
    expect(late).toEqual([]);
    expect(answered.length).toBeGreaterThan(20);
    expect(new Set(answered)).toEqual(new Set([200]));
    expect(await waiting).toBe(200);
  },
);
