// What a hostile client sends to a gateway, byte by byte. A row is refused, or forwarded as the one
// request that it is; what a careless reader would take for a second request says `/smuggled`.

export interface Hostile {
  readonly family: string;
  readonly name: string;
  readonly bytes: string;
  /**
   * The path that the server sees, where the row may be forwarded; absent: it must be refused. A
   * gateway that refuses what may be forwarded is right as well.
   */
  readonly forwardedAs?: string;
  /** What a server must not be shown of it. */
  readonly hidden?: RegExp;
}

const CRLF = '\r\n';

function get(path: string, ...fields: readonly string[]): string {
  return [`GET ${path} HTTP/1.1`, 'Host: a', ...fields, '', ''].join(CRLF);
}

function post(body: string, ...fields: readonly string[]): string {
  return ['POST / HTTP/1.1', 'Host: a', ...fields, '', body].join(CRLF);
}

/** Costs a careless pattern more than a second: there are many ways through it, and none fits. */
export const costly = get('/', `Connection: ${', '.repeat(3_000)}x`);

const smuggled = 'GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n';
const chunked = 'Transfer-Encoding: chunked';

function family(
  name: string,
  rows: Readonly<Record<string, string | Partial<Hostile>>>,
): Hostile[] {
  return Object.entries(rows).map(([row, given]) => {
    const rest = typeof given === 'string' ? { bytes: given } : { bytes: '', ...given };
    return { family: name, name: row, ...rest };
  });
}

/** Where does a body end? Two readers who disagree make one request two (RFC 9112 section 6.3). */
const bodies = family('length', {
  'a length and chunks': post(`0\r\n\r\n${smuggled}`, 'Content-Length: 4', chunked),
  'chunks and a length': post(`0\r\n\r\n${smuggled}`, chunked, 'Content-Length: 4'),
  'two lengths': post(`abc${smuggled}`, 'Content-Length: 3', 'Content-Length: 40'),
  'two lengths in one field': post(`abc${smuggled}`, 'Content-Length: 3, 40'),
  'a length with a plus': post('abc', 'Content-Length: +3'),
  'a negative length': post(smuggled, 'Content-Length: -1'),
  'a length in hex': post(smuggled, 'Content-Length: 0x3'),
  'a length beyond 64 bits': post(smuggled, 'Content-Length: 18446744073709551619'),
  'an empty length': post(smuggled, 'Content-Length: '),
  'a length with a space in it': post(smuggled, 'Content-Length: 3 0'),
  'a length before a colon with a space': post(`abc${smuggled}`, 'Content-Length : 40'),
  'a length that the body is shorter than, and another request': {
    bytes: `${post('abc', 'Content-Length: 3')}`,
    forwardedAs: '/',
  },
  'a GET whose body looks like a request': {
    bytes: get('/', `Content-Length: ${smuggled.length}`) + smuggled,
    forwardedAs: '/',
  },
});

const chunks = family('chunks', {
  'an unknown encoding': post(`0\r\n\r\n${smuggled}`, 'Transfer-Encoding: xchunked'),
  identity: post(`0\r\n\r\n${smuggled}`, 'Transfer-Encoding: identity'),
  'chunked, identity': post(`0\r\n\r\n${smuggled}`, 'Transfer-Encoding: chunked, identity'),
  'gzip, chunked': post('0\r\n\r\n', 'Transfer-Encoding: gzip, chunked'),
  'chunked twice': post(`0\r\n\r\n${smuggled}`, chunked, chunked),
  'chunked and something else': post(`0\r\n\r\n${smuggled}`, chunked, 'Transfer-Encoding: x'),
  'a space before the colon': post(`0\r\n\r\n${smuggled}`, 'Transfer-Encoding : chunked'),
  'a vertical tab': post(`0\r\n\r\n${smuggled}`, 'Transfer-Encoding: \x0bchunked'),
  'on a folded line': post(`0\r\n\r\n${smuggled}`, 'Transfer-Encoding:\r\n chunked'),
  'in HTTP/1.0': `POST / HTTP/1.0\r\nHost: a\r\n${chunked}\r\n\r\n0\r\n\r\n${smuggled}`,
  'a size with 0x': post(`0x3\r\nabc\r\n0\r\n\r\n`, chunked),
  'a negative size': post(`-1\r\n${smuggled}`, chunked),
  'a size beyond 64 bits': post(`FFFFFFFFFFFFFFFFF\r\nabc\r\n0\r\n\r\n`, chunked),
  'a size with a space': {
    bytes: post(`3 \x0b\r\nabc\r\n0\r\n\r\n`, chunked),
    forwardedAs: '/',
  },
  'no end of line after a chunk': post(`3\r\nabcXX0\r\n\r\n`, chunked),
  'a bare line feed after a size': {
    bytes: post(`3\nabc\r\n0\r\n\r\n`, chunked),
    forwardedAs: '/',
  },
  'no size': post(`\r\nabc\r\n0\r\n\r\n`, chunked),
  'a trailer that is a length': {
    bytes: post('3\r\nabc\r\n0\r\nContent-Length: 40\r\n\r\n', chunked),
    forwardedAs: '/',
    hidden: /"content-length":"40"/,
  },
});

const lines = family('request line', {
  'HTTP/0.9': 'GET /\r\n\r\n',
  'HTTP/2 by prior knowledge': 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  'a version that is none': `GET / HTTP/9.9\r\nHost: a\r\n\r\n`,
  'a version in small letters': 'GET / http/1.1\r\nHost: a\r\n\r\n',
  'two spaces': { bytes: 'GET  / HTTP/1.1\r\nHost: a\r\n\r\n', forwardedAs: '/' },
  'a tab': 'GET\t/\tHTTP/1.1\r\nHost: a\r\n\r\n',
  'a space in the path': 'GET /a b HTTP/1.1\r\nHost: a\r\n\r\n',
  'no path': 'GET HTTP/1.1\r\nHost: a\r\n\r\n',
  'a path without a slash': 'GET smuggled HTTP/1.1\r\nHost: a\r\n\r\n',
  'a whole address': get('http://evil.example/'),
  'the address of a server': get('http://127.0.0.1:1/'),
  'an asterisk': 'OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n',
  CONNECT: 'CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: 127.0.0.1:22\r\n\r\n',
  TRACE: 'TRACE / HTTP/1.1\r\nHost: a\r\nCookie: session=s3cret\r\n\r\n',
  'a method in small letters': 'get / HTTP/1.1\r\nHost: a\r\n\r\n',
  'a method that nobody knows': 'SMUGGLE / HTTP/1.1\r\nHost: a\r\n\r\n',
  'a path of 20,000 bytes': get(`/${'a'.repeat(20_000)}`),
  'a NUL in the path': get('/a\0b'),
  'bytes that are no HTTP': '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n',
});

/** Is what the route was chosen by the same as what the server reads? */
const paths = family('path', {
  'dot segments': get('/open/../smuggled'),
  'dot segments, encoded': get('/open/%2e%2e/smuggled'),
  'a slash, encoded': get('/open%2fsmuggled'),
  'a slash, encoded twice': {
    bytes: get('/%252e%252e%252fsmuggled'),
    forwardedAs: '/%252e%252e%252fsmuggled',
  },
  'a backslash': get('/open/..\\smuggled'),
  'a backslash, encoded': get('/open%5csmuggled'),
  'two slashes': get('//smuggled'),
  'a fragment, for which a path that is led nowhere may end': get('/smuggled#x'),
  'a fragment that looks like a path in the clear': get('/smuggled#/health'),
  'letters, encoded': get('/%73muggled'),
  'a NUL, encoded': get('/smuggled%00.html'),
  'a line end, encoded': get('/a%0d%0aHost:%20evil'),
  'a line end, encoded, in the query': {
    bytes: get('/?a=%0d%0aSet-Cookie:%20evil=1'),
    forwardedAs: '/?a=%0d%0aSet-Cookie:%20evil=1',
  },
});

const fields = family('fields', {
  'two hosts': 'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n',
  'no host': 'GET / HTTP/1.1\r\n\r\n',
  'two credentials': get('/', 'Authorization: Bearer a', 'Authorization: Bearer b'),
  'a name with a space': get('/', 'X Y: z'),
  'a line without a colon': { bytes: get('/', 'nothing'), forwardedAs: '/' },
  'an empty name': get('/', ': z'),
  'a NUL in a value': get('/', 'X: a\0b'),
  'a bare carriage return in a value': get('/', 'X: a\rSmuggled: b'),
  'a bare line feed between fields': {
    // A recipient may take it for the end of a line (RFC 9112, 2.2); a server must not be shown it.
    bytes: 'GET / HTTP/1.1\r\nHost: a\r\nX: y\nZ: w\r\n\r\n',
    forwardedAs: '/',
    hidden: /y\\n/,
  },
  'a connection with 3,000 options that are empty': { bytes: costly, forwardedAs: '/' },
  'a field of 20,000 bytes': get('/', `X: ${'x'.repeat(20_000)}`),
  'fields of 40,000 bytes together': get('/', ...Array(40).fill(`X: ${'x'.repeat(1_000)}`)),
  'a body that is announced as too large': post('', 'Content-Length: 100000000'),
});

/** Fields that speak to one hop, or claim what only the gateway can know. */
const claims = family('claims', {
  'forwarding fields': {
    bytes: get('/', 'X-Forwarded-For: 6.6.6.6', 'X-Real-IP: 6.6.6.6', 'Forwarded: for=6.6.6.6'),
    forwardedAs: '/',
    hidden: /6\.6\.6\.6/,
  },
  'a forwarding field, twice': {
    bytes: get('/', 'X-Forwarded-For: 6.6.6.6', 'X-Forwarded-For: 6.6.6.6'),
    forwardedAs: '/',
    hidden: /6\.6\.6\.6/,
  },
  'a forwarding field with an underscore': {
    bytes: get('/', 'X_Forwarded_For: 6.6.6.6'),
    forwardedAs: '/',
    hidden: /"x-forwarded-for":"6\.6\.6\.6/,
  },
  'an upgrade to HTTP/2 in the clear': {
    bytes: get(
      '/',
      'Connection: Upgrade, HTTP2-Settings',
      'Upgrade: h2c',
      'HTTP2-Settings: AAMAAABk',
    ),
    forwardedAs: '/',
    hidden: /h2c|http2-settings/,
  },
  'a request id of its own': {
    bytes: get('/', 'X-Request-Id: smuggled-id'),
    forwardedAs: '/',
    hidden: /smuggled-id/,
  },
  'proxy credentials': {
    bytes: get('/', 'Proxy-Authorization: Basic c2VjcmV0', 'Proxy-Connection: keep-alive'),
    forwardedAs: '/',
    hidden: /c2VjcmV0|proxy-connection/,
  },
});

export const hostile: readonly Hostile[] = [
  ...bodies,
  ...chunks,
  ...lines,
  ...paths,
  ...fields,
  ...claims,
];
