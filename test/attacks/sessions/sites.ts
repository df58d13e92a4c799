// Attacks by other sites in the browser of a user, by caches, and by claims to be somebody.

import type { Attack } from '../attack.ts';
import { type Ground, type Headers, password } from '../ground.ts';
import { byToken, notOn } from './by-strategy.ts';

const evil = 'https://evil.example';
const otherSites: Readonly<Record<string, Headers>> = {
  'a request of another site': { 'sec-fetch-site': 'cross-site', origin: evil },
  'a request of a neighbouring site': { 'sec-fetch-site': 'same-site' },
  'a request with Origin null': { origin: 'null' },
  'a request with the Origin of another site': { origin: evil },
  'a request with an empty Origin': { origin: '' },
  'a request with the Origin of another port': { origin: 'https://127.0.0.1:1' },
  'a request of another site with our Origin in its path': { origin: `${evil}/127.0.0.1` },
  'a request that says two things': { 'sec-fetch-site': 'same-origin, cross-site' },
};
const crossSite: readonly Attack[] = Object.entries(otherSites).map(([name, hints]) => ({
  name,
  family: 'CSRF',
  expect: '403 cross-site',
  event: 'csrf-refused',
  send: async (ground) => {
    const headers = { ...ground.victim.credential, ...hints };
    return Promise.all([
      ground.ask('POST', '/cart/items', { headers, body: { item: 'apple', quantity: 1 } }),
      ground.ask('POST', '/logout', { headers }),
      ground.ask('POST', '/logout-everywhere', { headers }),
      ground.ask('POST', '/password', { headers, body: { password, newPassword: 'evil-4711' } }),
      ground.ask('PUT', '/email', { headers, body: { email: 'evil@evil.example' } }),
      // A login is forged as well, to make a visitor somebody else.
      ground.ask('POST', '/login', { headers: hints, body: { username: 'person-1', password } }),
    ]);
  },
}));
const formTokens: readonly Attack[] = Object.entries<(ground: Ground) => Promise<unknown>>({
  'a form token of another user': async (ground) => {
    const other = await ground.newcomer();
    return (await other.ask('GET', '/csrf-token')).body.csrfToken;
  },
  'a form token that nobody made': async () => 'A'.repeat(43),
  'an empty form token': async () => '',
  'a form token of an ended session': async (ground) => {
    const other = await ground.newcomer();
    const { csrfToken } = (await other.ask('GET', '/csrf-token')).body;
    await other.ask('POST', '/logout');
    return csrfToken;
  },
}).map(([name, made]) => ({
  name,
  family: 'CSRF',
  notOn: notOn(byToken, 'no browser sends its credential by itself'),
  expect: '403 cross-site',
  event: 'csrf-refused',
  send: async (ground) => {
    const token = String(await made(ground));
    const { credential } = ground.victim;
    const item = { item: 'apple', quantity: 1 };
    const field = { ...credential, 'x-csrf-token': token };
    return Promise.all([
      ground.ask('POST', '/cart/items', { headers: field, body: item }),
      ground.ask('POST', '/cart/items', { headers: credential, body: { ...item, _csrf: token } }),
    ]);
  },
}));
const simpleForms: readonly Attack[] = (
  [
    ['a form', '415 unsupported-media-type', 'application/x-www-form-urlencoded', 'item=apple'],
    ['a text that is JSON', '400 invalid-request', 'text/plain', '{"item":"apple","quantity":1}'],
    ['a form with files', '415 unsupported-media-type', 'multipart/form-data; boundary=x', '--x--'],
  ] as const
).map(([name, expect, type, body]) => ({
  name: `${name}, which a browser sends anywhere without asking`,
  family: 'CSRF',
  expect,
  send: async (ground) => {
    const headers = { ...ground.victim.credential, 'content-type': type };
    return ground.everywhere('POST', '/cart/items', { headers, body });
  },
}));

const cors: readonly Attack[] = [
  {
    name: 'a preflight of another site',
    family: 'CORS',
    expect: '405 method-not-allowed',
    send: async (ground) => {
      const headers = {
        origin: evil,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization, content-type',
      };
      const paths = ['/me', '/login', '/cart/items', '/refresh'];
      return Promise.all(paths.map((path) => ground.ask('OPTIONS', path, { headers })));
    },
  },
  ...['null', evil].map(
    (origin): Attack => ({
      name: `a page with Origin ${origin} is not allowed to read`,
      family: 'CORS',
      expect: '200',
      send: async (ground) => {
        const headers = { ...ground.victim.credential, origin };
        const paths = ['/me', '/sessions', '/csrf-token', '/cart'];
        return Promise.all(paths.map((path) => ground.ask('GET', path, { headers })));
      },
    }),
  ),
];

const caching: readonly Attack[] = [
  {
    name: 'a path that a cache takes for a file',
    family: 'caching',
    // A gateway does not guess what a path means.
    expect: ({ way }) =>
      way === 'direct' ? '404 not-found' : ['404 not-found', '400 invalid-request'],
    send: async (ground) => {
      const headers = ground.victim.credential;
      const paths = ['/me/a.css', '/me.css', '/me;a.css', '/me%2fa.css', '/me%00.css'];
      return Promise.all(paths.map((path) => ground.ask('GET', path, { headers })));
    },
  },
  {
    name: 'a question whether anything has changed',
    family: 'caching',
    expect: '200',
    send: async (ground) => {
      const headers = {
        ...ground.victim.credential,
        'if-none-match': '*',
        'if-modified-since': new Date().toUTCString(),
        'cache-control': 'only-if-cached, max-stale',
      };
      const paths = ['/me', '/dashboard', '/sessions', '/cart'];
      return Promise.all(paths.map((path) => ground.ask('GET', path, { headers })));
    },
  },
  {
    name: 'an answer to somebody is for nobody after',
    family: 'caching',
    expect: '401 not-authenticated',
    send: async (ground) => {
      const { credential: headers } = ground.victim;
      for (const path of ['/me', '/cart']) await ground.everywhere('GET', path, { headers });
      const asked = ['/me', '/cart'].map((path) => ground.everywhere('GET', path));
      return (await Promise.all(asked)).flat();
    },
  },
];

const claims: Readonly<Record<string, Headers>> = {
  'X-User': { 'x-user': 'person-1', 'x-user-id': '1' },
  'X-Forwarded-User': { 'x-forwarded-user': 'person-1', 'x-forwarded-email': 'a@b.example' },
  'Remote-User': { 'remote-user': 'person-1', 'x-remote-user': 'person-1' },
  'X-Authenticated-User': { 'x-authenticated-user': 'person-1', 'x-auth-request-user': 'person-1' },
  'a client certificate': { 'ssl-client-verify': 'SUCCESS', 'x-ssl-client-s-dn': 'CN=person-1' },
  'an address that is trusted': {
    ...{ 'x-forwarded-for': '127.0.0.1', 'x-real-ip': '127.0.0.1', forwarded: 'for=127.0.0.1' },
    ...{ 'x-client-ip': '127.0.0.1', 'true-client-ip': '127.0.0.1', 'x-forwarded-proto': 'https' },
  },
  'X-Served-By': { 'x-served-by': 's1#0', 'x-internal': 'true' },
  'a role': { 'x-role': 'admin', 'x-admin': 'true' },
  Basic: { authorization: `Basic ${Buffer.from(`person-1:${password}`).toString('base64')}` },
  'another method': { 'x-http-method-override': 'OPTIONS', 'x-method-override': 'HEAD' },
  'another path': { 'x-original-url': '/health/live', 'x-rewrite-url': '/health/live' },
};
const spoofed: readonly Attack[] = Object.entries(claims).map(([name, headers]) => ({
  name: `a claim by ${name}`,
  family: 'identity headers',
  expect: '401 not-authenticated',
  send: async (ground) => {
    const paths = ['/me', '/dashboard', '/sessions', '/admin/users/person-1/sessions'];
    const asked = paths.map((path) => ground.everywhere('GET', path, { headers }));
    return (await Promise.all(asked)).flat();
  },
}));

export const sites: readonly Attack[] = [
  ...[...crossSite, ...formTokens, ...simpleForms, ...cors, ...caching, ...spoofed],
];
