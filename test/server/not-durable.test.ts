// An ending that is done and not durable is no answer yet, and neither is its repeat, which finds
// nothing to end any more: not before the store says that what has ended will stay so.

import { expect, onTestFinished, test, vi } from 'vitest';
import { OperatingError } from '../../src/core/errors.ts';
import { MemorySessions } from '../../src/stores/memory-sessions.ts';
import { clientOf, password, startApp } from './ground.ts';

/** Every ending happens; that it lasts is not known until `mend`. */
function losingEndings() {
  const spies = (['revoke', 'revokeAll'] as const).map((verb) => {
    const done = MemorySessions.prototype[verb] as (...args: unknown[]) => Promise<unknown>;
    return vi.spyOn(MemorySessions.prototype, verb).mockImplementation(async function (
      this: MemorySessions,
      ...args: unknown[]
    ) {
      await Reflect.apply(done, this, args);
      throw new OperatingError('revocation-not-durable');
    });
  });
  const mend = () => {
    for (const spy of spies) spy.mockRestore();
  };
  onTestFinished(mend);
  return { mend };
}

test.each([
  { name: 'a logout', method: 'POST', path: () => '/logout', finally: 204 },
  { name: 'a logout everywhere', method: 'POST', path: () => '/logout-everywhere', finally: 401 },
  {
    name: 'the ending of another device',
    method: 'DELETE',
    path: (handle: string) => `/sessions/${handle}`,
    finally: 404,
  },
])('$name is repeated until it is durable', async ({ method, path, finally: last }) => {
  const server = await startApp({ strategy: 'session', store: 'memory' });
  onTestFinished(() => server[Symbol.asyncDispose]());
  const [phone, laptop] = [clientOf(server.app), clientOf(server.app)];
  await phone.ask('POST', '/register', { username: 'alice', password });
  for (const client of [phone, laptop]) await client.logIn('alice');
  const listed = (await phone.ask('GET', '/sessions')).body.sessions;
  const other = listed.find((each: { current: boolean }) => !each.current);
  const end = async () => (await phone.ask(method, path(other.handle))).status;
  const { mend } = losingEndings();
  expect([await end(), await end()]).toEqual([503, 503]);
  mend();
  expect(await end()).toBe(last);
});

test('an access token that has expired ends nothing by asking to log out everywhere', async () => {
  const lives = { ACCESS_TOKEN_MS: '1000' };
  const server = await startApp({ strategy: 'token', store: 'postgres' }, lives);
  onTestFinished(() => server[Symbol.asyncDispose]());
  const client = clientOf(server.app);
  await client.ask('POST', '/register', { username: 'alice', password });
  await client.logIn('alice');
  const { refreshToken } = client;
  await expect.poll(async () => (await client.ask('GET', '/me')).status).toBe(401);
  expect((await client.ask('POST', '/logout-everywhere')).status).toBe(401);
  expect((await client.ask('POST', '/refresh', { refreshToken })).status).toBe(200);
  expect((await client.ask('POST', '/logout-everywhere')).status).toBe(204);
});
