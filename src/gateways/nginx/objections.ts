// What is asked of every request before it is passed on, and what every answer carries.

import { ambiguousPath, knownMethods, securityFields, strictTransport } from '../border.ts';
import type { GatewayOptions } from '../gateway.ts';
import type { Circumstances } from './configuration.ts';
import type { SiteGroup } from './site.ts';
import { literally, map, word } from './text.ts';

/** Options of a connection that nginx itself deals with (RFC 9110, 7.6.1). */
const connectionOptions = ['close', 'keep-alive', 'upgrade', 'te', 'http2-settings'];

export function objections({ listen }: GatewayOptions, around: Circumstances): string {
  const option = `(${connectionOptions.join('|')})([\\s,]|$)`;
  return [
    map('$request_uri', 'has_odd_path', [
      [`~*^[^?]*?(${ambiguousPath.source})`, '1'],
      ['default', ''],
    ]),
    // Neither an address nor an asterisk: the path begins with a slash.
    map('$request', 'has_odd_line', [
      ['~^[A-Z]+ /\\S* HTTP/1\\.[01]$', ''],
      ['default', '1'],
    ]),
    map('$http_host', 'has_odd_host', [
      ['~*^([\\w.-]+|\\[[\\da-f:.]+\\])(:\\d*)?$', ''],
      ['default', '1'],
    ]),
    // nginx cannot remove the fields that a connection names; it can refuse to name any. Looked for
    // is a word that is none of the options, because that takes one way through any text.
    map('$http_connection', 'has_odd_connection', [
      [`~*(^|[\\s,])(?!${option})[^\\s,]`, '1'],
      ['default', ''],
    ]),
    map('$has_odd_path$has_odd_line$has_odd_host$has_odd_connection', 'is_malformed', [
      ['', ''],
      ['default', '1'],
    ]),
    map('$request_method', 'is_known_method', [
      ...knownMethods.map((method): [string, string] => [method, '1']),
      ['default', ''],
    ]),
    ...inTheClear(listen, around),
  ].join('\n');
}

/** Who comes in the clear and may not is sent to TLS, under a name that is the site's. */
function inTheClear(listen: GatewayOptions['listen'], { hosts, tlsPort }: Circumstances): string[] {
  const isNarrow = listen.tls !== undefined && listen.inTheClear === 'health';
  const port = listen.tls?.publicPort ?? tlsPort;
  const shown = port === 443 ? '' : `:${port}`;
  const names = hosts.map((host): [string, string] => {
    const pattern = literally(host).replace(/^\\\*/, '[^.]*');
    return [`~*^(?<host_named>${pattern})(:\\d*)?$`, `https://$host_named${shown}$request_uri`];
  });
  return [
    map('$http_host', 'own_url', [...names, ['default', '']]),
    map('$https|$request_method $request_uri', 'is_out_of_place', [
      ['~^on', ''],
      ['~^\\|GET [^?]*/health$', ''],
      ['default', isNarrow ? '1' : ''],
    ]),
    map('$is_out_of_place', 'secure_url', [
      ['1', '$own_url'],
      ['default', ''],
    ]),
    map('$is_out_of_place|$own_url', 'is_misdirected', [
      ['1|', '1'],
      ['default', ''],
    ]),
  ];
}

export function answers(groups: readonly SiteGroup[]): string {
  const hidden = [...Object.keys(securityFields), 'strict-transport-security', 'x-powered-by'];
  const internal = ['via', 'x-audit', 'x-request-id', 'x-gateway-tries'];
  const ignored = ['Redirect', 'Expires', 'Limit-Rate', 'Buffering', 'Charset'];
  const added = {
    ...securityFields,
    'strict-transport-security': '$strict_transport',
    'x-request-id': '$request_id',
    'x-gateway-tries': '$tries',
    'retry-after': '$retry_after',
    'cache-control': '$cache_control',
    connection: '$farewell',
    ...(groups.some(({ policy }) => policy.setsCookie) && { 'set-cookie': '$affinity_cookie' }),
  };
  const cookie = '$affinity=$asked; Path=/; HttpOnly; SameSite=Lax$secure';
  return [
    map('$https', 'strict_transport', [
      ['on', strictTransport],
      ['default', ''],
    ]),
    map('$https', 'secure', [
      ['on', '; Secure'],
      ['default', ''],
    ]),
    // An empty field is not sent. A server that was asked is told to clients whose cookie does not.
    map('$problem|$affinity|$stuck $asked', 'affinity_cookie', [
      ['~^[^|]', ''],
      ['~^\\|\\|', ''],
      ['~^\\|[^|]*\\|(\\S*) \\1$', ''],
      ['default', cookie],
    ]),
    map('$closing$kind', 'farewell', [
      ['~^close(?!upgrade)', 'close'],
      ['default', ''],
    ]),
    ...[...hidden, ...internal].map((name) => `  proxy_hide_header ${name};`),
    `  proxy_ignore_headers ${ignored.map((name) => `X-Accel-${name}`).join(' ')};`,
    ...Object.entries(added).map(([name, value]) => `  add_header ${name} ${word(value)} always;`),
  ].join('\n');
}
