// Where the strategies differ: on which of them an attack cannot be made, and why; and a text that
// nobody issued, put where the strategy at hand looks for its credential.

import { expect } from 'vitest';
import * as strategies from '../../../src/strategies/index.ts';
import type { Attack, Family, StrategyName } from '../attack.ts';
import type { Ground } from '../ground.ts';

export type NotOn = NonNullable<Attack['notOn']>;
const names = Object.keys(strategies) as StrategyName[];

export function notOn(wanted: (name: StrategyName) => boolean, why: string): NotOn {
  return Object.fromEntries(names.filter(wanted).map((name) => [name, why]));
}

export const byToken = (name: StrategyName) => name.startsWith('token');
export const noCookie = notOn(byToken, 'it reads no cookie');
export const noService =
  'its credential is a name in the service’s own store, and says nothing itself';
export const noRecord: NotOn = { 'sealed-cookie': 'it keeps nothing on the server' };
/** What cannot be called back says so itself. */
export const noRecall = notOn(
  (name) => !strategies[name].claims.revocation?.holds,
  'a copy is accepted until it expires, as the strategy declares',
);
export const fast = (name: StrategyName) => name === 'session';

/** A text that nobody issued, where the strategy looks for a credential. */
export function text(
  family: Family,
  name: string,
  of: (ground: Ground) => string | Promise<string>,
  reason: Partial<Record<StrategyName, string>> = {},
): Attack {
  return {
    name,
    family,
    expect: '401 not-authenticated',
    event: ({ strategy }) => `credential-refused ${reason[strategy] ?? 'malformed'}`,
    send: async (ground) => {
      const value = await of(ground);
      const before = ground.storeCalls;
      const headers = ground.present(value);
      const all = await Promise.all([
        ...['/me', '/cart', '/sessions'].map((path) => ground.ask('GET', path, { headers })),
        ground.ask('POST', '/logout-everywhere', { headers }),
      ]);
      if (reason[ground.strategy] === undefined) expect(ground.storeCalls).toBe(before);
      return all;
    },
  };
}
