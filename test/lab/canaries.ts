// Canaries: words that a client put somewhere into a request, one for each place where it can put
// any. A log in which one turns up takes a client's word.

import { connect } from 'node:net';

export interface Planted {
  /** Where the canary is. */
  readonly what: string;
  /** The bytes of the request. */
  readonly bytes: string;
}

let count = 0;
/** Each is another, so that one that is found says where it came from. */
function canary(): string {
  count += 1;
  return `c4nary${count}`;
}

const password = 'correct horse c4nary battery';

/** The requests, among them those of a user who is let in, to be sent in this order. */
export async function plantedEverywhere(url: string): Promise<readonly Planted[]> {
  const name = `user ${canary()}`;
  const credentials = { username: name, password };
  const json = (method: string, path: string, body: unknown, fields: Fields = {}) =>
    request(method, path, { 'content-type': 'application/json', ...fields }, JSON.stringify(body));
  await answerTo(url, json('POST', '/register', credentials));
  const login = await answerTo(url, json('POST', '/login', credentials));
  const [, cookie = ''] = /^set-cookie: (session=[^;]+)/im.exec(login) ?? [];
  const all: [string, string][] = [];
  for (const fields of [{}, { cookie }]) all.push(...everywhere(fields));
  all.push(
    ['a user name that is new', json('POST', '/register', { username: `u ${canary()}`, password })],
    ['a user name that nobody has', json('POST', '/login', { username: canary(), password })],
    ['a wrong password', json('POST', '/login', { username: name, password: `x ${canary()}` })],
    ['a password in a step-up', json('POST', '/step-up', { password: canary() }, { cookie })],
    ['an e-mail address', json('PUT', '/email', { email: `${canary()}@example.org` }, { cookie })],
    [
      'a new password',
      json('POST', '/password', { password, newPassword: `battery ${canary()}` }, { cookie }),
    ],
    ['a logout', request('POST', '/logout', { cookie, 'user-agent': canary() })],
  );
  return all.map(([what, bytes]) => ({ what, bytes }));
}

type Fields = Readonly<Record<string, string>>;

function everywhere(own: Fields): [string, string][] {
  const paths = ['/', '/dashboard/', '/cart/items/', '/sessions/', '/admin/users/', '/docs/', '/%'];
  const headers = [
    ...['host', 'user-agent', 'referer', 'origin', 'accept', 'accept-language', 'accept-encoding'],
    ...['authorization', 'x-session-id', 'x-csrf-token', 'x-request-id', 'x-audit', 'x-served-by'],
    ...[
      'x-forwarded-for',
      'x-forwarded-proto',
      'x-forwarded-host',
      'forwarded',
      'x-real-ip',
      'via',
    ],
    ...['from', 'te', 'connection', 'upgrade', 'expect', 'range', 'if-none-match', 'traceparent'],
    ...['sec-fetch-site', 'x-user-id', 'proxy-authorization', 'content-type', 'content-encoding'],
  ];
  const get = (fields: Fields, path = '/me') => request('GET', path, { ...own, ...fields });
  const post = (path: string, body: string, type = 'application/json') =>
    request('POST', path, { ...own, 'content-type': type }, body);
  const word = canary;
  return [
    ...paths.map((path) => [`path ${path}`, get({}, `${path}${word()}`)] as [string, string]),
    ['query', get({}, `/me?${word()}=${word()}`)],
    ['fragment', get({}, `/me#${word()}`)],
    ['whole URL', get({}, `http://${word()}/me`)],
    ...headers.map((name) => [`header ${name}`, get(ended(name, word()))] as [string, string]),
    ...headers.map(
      (name) =>
        [`header ${name} in a POST`, request('POST', '/login', ended(name, word()), '{}')] as [
          string,
          string,
        ],
    ),
    ['header name', get({ [`x-${word()}`]: '1' })],
    ['cookie name', get({ cookie: `${own.cookie ?? 'a=b'}; ${word()}=1` })],
    ['cookie value', get({ cookie: `other=${word()}` })],
    ['session cookie', get({ cookie: `session=${word()}.${word()}` })],
    ['affinity cookie', get({ cookie: `affinity_servers=${word()}; device=${word()}` })],
    ['bearer token', get({ authorization: `Bearer ${word()}.${word()}.${word()}` })],
    ['basic credentials', get({ authorization: `Basic ${word()}` })],
    ['method', request(word().toUpperCase(), '/me', own)],
    ['method of a known path', request('PATCH', `/cart/${word()}`, own)],
    ['version', `GET /me HTTP/${word()}\r\nhost: a\r\n\r\n`],
    ['JSON member', post('/cart/items', JSON.stringify({ [word()]: 1 }))],
    ['JSON value', post('/cart/items', JSON.stringify({ item: word(), quantity: 1 }))],
    [
      'JSON value of the wrong type',
      post('/cart/items', `{"item":["${word()}"],"quantity":"${word()}"}`),
    ],
    ['what is no JSON', post('/login', `{"${word()}`)],
    ['refresh token', post('/refresh', JSON.stringify({ refreshToken: word() }))],
    ['form token', post('/cart/items', JSON.stringify({ _csrf: word() }))],
    ['media type', post('/login', word(), `text/${word()}`)],
    ['body of a GET', request('GET', '/me', own, word())],
    ['length', `POST /login HTTP/1.1\r\nhost: a\r\ncontent-length: ${word()}\r\n\r\n`],
    [
      'chunk extension and trailer',
      `POST /login HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n2;${word()}=1\r\n{}\r\n0\r\nx-${word()}: ${word()}\r\n\r\n`,
    ],
    ['raw bytes', `\x00\xff${word()}\r\n\r\n`],
    ['a header without a colon', `GET /me HTTP/1.1\r\nhost: a\r\n${word()}\r\n\r\n`],
    ['a header that is too large', get({ 'x-large': word().repeat(4_000) })],
  ];
}

/** Whatever is sent, the connection is to end with the answer. */
function ended(name: string, value: string): Fields {
  return { [name]: name === 'connection' ? `close, ${value}` : value };
}

function request(method: string, path: string, fields: Fields, body?: string): string {
  const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
  const all = Object.entries({ host: 'localhost', connection: 'close', ...length, ...fields });
  const lines = all.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  return `${method} ${path} HTTP/1.1\r\n${lines}\r\n${body ?? ''}`;
}

/** The status of the answer; 0 where there is none. */
export async function sendRaw(url: string, { bytes }: Planted): Promise<number> {
  return Number(/^HTTP\/1\.[01] (\d{3})/.exec(await answerTo(url, bytes))?.[1] ?? 0);
}

const patienceMs = 15_000;

/** What comes back until the other side closes, or has been silent for long. */
async function answerTo(url: string, bytes: string): Promise<string> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.setTimeout(patienceMs, () => socket.destroy());
  let answer = '';
  socket.on('data', (chunk: Buffer) => {
    answer += chunk.toString('latin1');
  });
  socket.on('error', () => undefined);
  socket.write(Buffer.from(bytes, 'latin1'));
  await new Promise((resolve) => socket.once('close', resolve));
  return answer;
}
