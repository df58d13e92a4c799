// What is published, by name: a change here is a change for users and belongs in the changelog.

import { expect, test } from 'vitest';
import * as sessionlab from '../src/index.ts';

const { keys, lifetimes, newTokenKey, revocations, stores, strategies, systemClock } = sessionlab;
const timeoutMs = 1_000;

test('the published surface is this list', () => {
  expect(Object.keys(sessionlab).sort()).toEqual([
    'Credential',
    'OperatingError',
    'assurance',
    'compareAndSet',
    'connectTransfer',
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

test.each(['session', 'token'] as const)('%s goes by the log that it is given', async (name) => {
  const log = await revocations.memory.open({ timeoutMs, stalenessMs: 60_000 });
  const ring = {
    given: await newTokenKey(),
    algorithm: 'EdDSA',
    rotationMs: 1,
    tokenMs: 1,
  } as const;
  const recogniser = await strategies[name].start({
    store: await stores.memory.open({ timeoutMs }),
    revocations: log,
    keys: await keys.given.open({ ...ring, timeoutMs }),
    clock: systemClock,
    lifetimes,
    audience: 'shop',
    secureCookies: false,
  });
  async function logIn() {
    const issue = await recogniser.begin({ id: '1', name: 'alice' }, {});
    const [[, cookie] = ['', '']] = issue.headers;
    const headers = { cookie, authorization: `Bearer ${issue.body.accessToken}` };
    const found = await recogniser.recognise(headers);
    if (found.kind !== 'recognised') throw new Error(found.kind);
    return { headers, session: found.session };
  }
  const { headers, session } = await logIn();
  await log.endSession(session.id, session.absoluteExpiresAt);
  const nobody = { kind: 'anonymous', reason: 'revoked' };
  expect(await recogniser.recognise(headers), 'what was ended elsewhere').toEqual(nobody);
  const other = await logIn();
  await recogniser.endUser('1', 'account-disabled');
  expect(log.standing(other.session), 'what is ended here').toBe('ended');
});

test.each(['redis', 'cached'] as const)('%s opens no Redis that nobody named', async (name) => {
  await expect(stores[name].open({ timeoutMs })).rejects.toThrow('there is none');
});
