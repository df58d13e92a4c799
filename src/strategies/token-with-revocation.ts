// A token that can be called back. It is checked like any other, without asking anybody, and then
// held against the endings that this server knows: two look-ups in memory. A logout is acknowledged
// when it is durable in the log, which pushes it to every server; one that has not heard from the
// log for longer than its bound asks it, and without an answer says that it does not know. The
// price against `token`: the log must be reachable, within the bound, for anybody to be recognised.

import assert from 'node:assert/strict';
import type { Strategy } from './strategy.ts';
import { token } from './token.ts';

export const tokenWithRevocation: Strategy = {
  says: 'in the client, as a signed token; every server follows a log of what has ended',
  selfContained: true,
  needs: ['keys', 'revocations'],
  claims: {
    ...token.claims,
    revocation: {
      holds: true,
      because: 'an ending reaches a server within its bound, or it refuses',
    },
    'no-resurrection': { holds: true, because: 'what a server knows as ended it never accepts' },
    'fails-closed': { holds: true, because: 'a server with too old a view asks, or refuses' },
  },
  async start(options) {
    assert(options.revocations !== undefined, 'without a log of endings no token is called back');
    return token.start(options);
  },
};
