// The members of the family, each on every store.

import { inspect } from 'node:util';
import { describe, expect, inject, test } from 'vitest';
import { memory } from '../../src/stores/memory.ts';
import { postgres } from '../../src/stores/postgres.ts';
import { redis } from '../../src/stores/redis.ts';
import * as strategies from '../../src/strategies/index.ts';
import { freshDatabase } from '../support/backing.ts';
import {
  Client,
  failing,
  keepsRecords,
  newUser,
  recognised,
  refresh,
  startOn,
  strategyContract,
  watched,
} from './strategy.contract.ts';

const timeoutMs = 2_000;
const openMemory = () => memory.open({ timeoutMs });

for (const [name, strategy] of Object.entries(strategies)) {
  strategyContract(name, strategy, 'memory', openMemory);
  strategyContract(name, strategy, 'postgres', async () =>
    postgres.open({ timeoutMs, url: await freshDatabase() }),
  );
  const redisUrl = inject('redisUrl');
  // Without a Redis there is nothing to run on; CI has one.
  if (redisUrl !== undefined) {
    strategyContract(name, strategy, 'redis', () => redis.open({ timeoutMs, url: redisUrl }));
  }

  describe(name, () => {
    test('a request without a credential costs the store nothing', async () => {
      const { store, calls } = watched(await openMemory());
      const recogniser = await startOn(strategy, store);
      const nobody = { kind: 'anonymous', reason: 'no-credential' };
      expect(await recogniser.recognise({})).toEqual(nobody);
      expect(await recogniser.recognise({ cookie: 'theme=dark' })).toEqual(nobody);
      expect(calls).toEqual([]);
    });

    test('a store that fails makes nobody anonymous and nobody accepted', async () => {
      const client = new Client().take(
        await (await startOn(strategy, await openMemory())).begin(newUser(), {}),
      );
      const recogniser = await startOn(strategy, failing());
      const { kind } = await recogniser.recognise(client.headers);
      expect(kind).toBe(strategy.selfContained ? 'recognised' : 'unknown');
      if (!keepsRecords(strategy)) return;
      const unavailable = { code: 'store-unavailable' };
      await expect(recogniser.begin(newUser(), {})).rejects.toMatchObject(unavailable);
      await expect(refresh(recogniser, client)).rejects.toMatchObject(unavailable);
    });

    test('no credential shows in what is printed', async () => {
      const recogniser = await startOn(strategy, await openMemory());
      const client = new Client().take(await recogniser.begin(newUser(), {}));
      const session = await recognised(recogniser, client);
      const broken = await startOn(strategy, failing());
      const thrown = [
        await broken.recognise(client.headers),
        await refresh(broken, client).catch((error: unknown) => error),
        await broken.begin(newUser(), client.headers).catch((error: unknown) => error),
        await recogniser
          .change(session, [{ op: 'set', field: 'f', value: 'x'.repeat(5_000) }])
          .catch((error: unknown) => error),
      ];
      const printed = [recogniser, session, ...thrown]
        .flatMap((value) => [inspect(value, { depth: 9, showHidden: true }), JSON.stringify(value)])
        .join('\n');
      const secrets = [...Object.values(client.headers), client.text];
      for (const secret of secrets) expect(printed).not.toContain(secret.split(/[.= ]/).at(-1));
    });
  });
}
