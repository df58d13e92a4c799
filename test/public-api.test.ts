// What is published, by name: a change here is a change for users and belongs in the changelog.

import { expect, test } from 'vitest';
import * as sessionlab from '../src/index.ts';

test('the published surface is this list', () => {
  expect(Object.keys(sessionlab).sort()).toEqual([
    'Credential',
    'OperatingError',
    'assurance',
    'compareAndSet',
    'counters',
    'defineSession',
    'errors',
    'judge',
    'keys',
    'lastWriter',
    'lifetimes',
    'limits',
    'newSealingKeys',
    'newTokenKey',
    'properties',
    'revocations',
    'set',
    'stores',
    'strategies',
    'systemClock',
  ]);
  expect(Object.keys(sessionlab.stores)).toEqual(['cached', 'memory', 'postgres', 'redis']);
  expect(Object.keys(sessionlab.keys)).toEqual(['given', 'postgres']);
  expect(Object.keys(sessionlab.revocations)).toEqual(['memory', 'postgres', 'redis']);
  expect(Object.keys(sessionlab.strategies)).toEqual([
    'sealed-cookie',
    'session',
    'token',
    'token-with-revocation',
  ]);
});
