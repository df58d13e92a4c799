// How a request is passed on. Another server may be asked only when no byte can have reached the
// one before, and nginx's own rule is another: it would repeat a GET or a DELETE that was sent. So
// there are five kinds of requests, with a way for each:
//
//   bare     no body: nginx asks one server, and the gateway's rule decides about the next
//   stream   the same, and it may be silent for longer: somebody asks for events
//   upgrade  the same, and it may be silent for very long: a WebSocket
//   body     POST and PATCH: nginx itself repeats them only while nothing was sent
//   once     the others with a body: to one server, which has to be there
//
// A body is passed on while it comes, so that a stream is one; how long it may take as a whole is
// for the server to say, because nginx only limits the silence in between.

import { patience, sizes } from '../border.ts';
import type { GatewayOptions } from '../gateway.ts';
import { errorPages, failures } from './problems.ts';
import { targets } from './routes.ts';
import { map, milliseconds, word } from './text.ts';

const SOCKET_SILENCE = '1h';

const claims = [
  ...['port', 'server', 'prefix', 'scheme', 'ssl', 'protocol', 'path', 'uri', 'method', 'by'],
  ...['user', 'email', 'groups', 'preferred-username', 'access-token', 'client-cert', 'context'],
].map((name) => `x-forwarded-${name}`);

const ofOneHop = [
  ...['keep-alive', 'proxy-authenticate', 'proxy-authorization', 'proxy-connection'],
  ...['te', 'trailer', 'http2-settings', 'expect'],
];

/** What holds for all ways to servers, and the variables that they use. */
export function toServers({ answerTimeoutMs, routes }: GatewayOptions): string {
  const sent = {
    host: '$http_host',
    connection: '$connection_on',
    upgrade: '$upgrade_on',
    forwarded: 'for=$forwarded_for;host="$http_host";proto=$scheme',
    'x-forwarded-for': '$remote_addr',
    'x-forwarded-proto': '$scheme',
    'x-forwarded-host': '$http_host',
    'x-request-id': '$request_id',
    cookie: '$cookies',
    ...Object.fromEntries([...claims, ...ofOneHop, 'x-real-ip', 'x-audit'].map((it) => [it, ''])),
  };
  const answer = milliseconds(answerTimeoutMs);
  return [
    kinds(),
    failures(),
    targets(routes),
    ...[
      'proxy_http_version 1.1;',
      'proxy_buffering off;',
      'proxy_request_buffering off;',
      'proxy_buffer_size 16k;',
      'proxy_buffers 4 16k;',
      'proxy_redirect off;',
      `proxy_connect_timeout ${milliseconds(patience.connectMs)};`,
      `proxy_send_timeout ${answer};`,
      `proxy_read_timeout ${answer};`,
      'proxy_next_upstream off;',
      'recursive_error_pages on;',
      ...Object.entries(sent).map(([name, value]) => `proxy_set_header ${name} ${word(value)};`),
    ].map((line) => `  ${line}`),
  ].join('\n');
}

function kinds(): string {
  return [
    map(
      '$request_method|$content_length|$http_transfer_encoding|$http_upgrade|$http_accept',
      'kind',
      [
        ['~*^GET\\|\\|\\|websocket\\|', 'upgrade'],
        ['~^GET\\|0?\\|\\|\\|text/event-stream$', 'stream'],
        ['~^[A-Z]+\\|0?\\|\\|', 'bare'],
        ['~^(POST|PATCH)\\|', 'body'],
        ['default', 'once'],
      ],
    ),
    map('$kind', 'upgrade_on', [
      ['upgrade', 'websocket'],
      ['default', ''],
    ]),
    map('$kind', 'connection_on', [
      ['upgrade', 'upgrade'],
      ['default', ''],
    ]),
    map('$remote_addr', 'forwarded_for', [
      ['~:', '"[$remote_addr]"'],
      ['default', '$remote_addr'],
    ]),
  ].join('\n');
}

export function forwards({ limits }: GatewayOptions): string {
  const { connections, requestsPerSecond } = limits ?? {};
  const bounds = [
    `limit_conn everybody ${sizes.requestsMax};`,
    ...(connections === undefined ? [] : [`limit_conn connections ${connections};`]),
    ...(requestsPerSecond === undefined
      ? []
      : [`limit_req zone=requests burst=${requestsPerSecond} nodelay;`]),
  ];
  const untouched = ['proxy_next_upstream error timeout;'];
  return [
    ...tried('bare', bounds, []),
    ...tried('stream', bounds, [`proxy_read_timeout ${milliseconds(patience.streamSilenceMs)};`]),
    ...tried('upgrade', bounds, [`proxy_read_timeout ${SOCKET_SILENCE};`]),
    way('= //body', [...bounds, ...untouched], '$first', '//failed'),
    way('= //once', bounds, '$first', '//failed'),
    '    location = //failed {',
    '      internal;',
    '      if ($failure = server-silent) { return 504; }',
    '      if ($failure = server-lost) { return 502; }',
    '      return 503;',
    '    }',
  ].join('\n');
}

/** To one server, and from there on as long as none was reached and there are more. */
function tried(kind: string, bounds: readonly string[], settings: readonly string[]): string[] {
  const unless = 'if ($failure) { rewrite ^ //failed last; }';
  return [
    way(`= //${kind}`, [...bounds, ...settings], '$first', `@next_${kind}`),
    way(`@next_${kind}`, [unless, ...settings], '$second', `@next_${kind}`),
  ];
}

function way(
  pattern: string,
  settings: readonly string[],
  upstream: string,
  onFailure: string,
): string {
  return [
    `    location ${pattern} {`,
    ...(pattern.startsWith('@') ? [] : ['      internal;']),
    ...settings.map((line) => `      ${line}`),
    errorPages({ 502: onFailure, 504: onFailure }).replaceAll(/^/gm, '  '),
    `      proxy_pass http://${upstream}$target;`,
    '    }',
  ].join('\n');
}
