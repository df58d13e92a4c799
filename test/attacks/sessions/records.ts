// Attacks on what is stored: ids of one strategy given to another, and records that are broken.

import type { Attack } from '../attack.ts';
import { cookieName } from '../ground.ts';
import { noRecord } from './by-strategy.ts';

const cross: readonly Attack[] = [
  {
    name: 'a session credential as a refresh token',
    family: 'cross-strategy ids',
    expect: ({ takesTokens }) => (takesTokens ? '401 session-ended' : '401 not-authenticated'),
    send: async (ground) => {
      const { sessionCredential } = await ground.issueAnew();
      const body = { refreshToken: sessionCredential };
      return [await ground.ask('POST', '/refresh', { body })];
    },
  },
  {
    name: 'a refresh token as a session credential',
    family: 'cross-strategy ids',
    expect: '401 not-authenticated',
    send: async (ground) => {
      const { refreshToken } = await ground.issueAnew();
      const cookie = `${cookieName}=${refreshToken}`;
      const headers = [{ cookie }, { 'x-session-id': refreshToken }];
      const asked = headers.map((each) => ground.everywhere('GET', '/me', { headers: each }));
      return (await Promise.all(asked)).flat();
    },
  },
];

const keyOf = (id: string) => `sessionlab:session:{${id.slice(0, 12)}}:${id}`;
const corruptions: readonly Attack[] = Object.entries<(key: string) => string[][]>({
  'words that are no numbers': (key) => [['HSET', key, 'state', 'a b c d e f g h i']],
  'no state': (key) => [['HDEL', key, 'state']],
  'an empty state': (key) => [['HSET', key, 'state', '']],
  'an owner that is no JSON': (key) => [['HSET', key, 'who', '{']],
  'an owner of another shape': (key) => [['HSET', key, 'who', '{"id":1}']],
  'no owner': (key) => [['HDEL', key, 'who']],
  'a field that is no JSON': (key) => [['HSET', key, 'f:cart:a', '{']],
  nothing: (key) => [['DEL', key]],
}).map(([what, commands]) => ({
  name: `a record with ${what}`,
  family: 'corrupt store values',
  notOn: noRecord,
  expect: '401 not-authenticated',
  send: async (ground) => {
    const me = await ground.newcomer();
    const body = me.refreshToken && { refreshToken: me.refreshToken };
    const [id = ''] = (me.refreshToken ?? me.credential.cookie?.split('=')[1] ?? '').split('.');
    await ground.inRedis(...commands(keyOf(id)));
    const headers = body ? {} : me.credential;
    const refresh = () => ground.ask('POST', '/refresh', { headers, ...(body && { body }) });
    const reads = body ? [] : await ground.everywhere('GET', '/me', { headers });
    return [...reads, await refresh(), await refresh()];
  },
}));

export const records: readonly Attack[] = [...cross, ...corruptions];
