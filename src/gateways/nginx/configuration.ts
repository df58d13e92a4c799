// The configuration of nginx, rendered from the options of a gateway and from who may be asked just
// now. It is written from the outside in: what holds for the process, for all requests, for each
// route, and how a request is passed on.

import { join, resolve } from 'node:path';
import { ciphers, patience, sizes } from '../border.ts';
import type { GatewayOptions } from '../gateway.ts';
import { cookies } from './cookies.ts';
import { forwards, toServers } from './forwarding.ts';
import { accessLog } from './log.ts';
import { answers, objections } from './objections.ts';
import { errorPages, problems } from './problems.ts';
import { routes } from './routes.ts';
import type { SiteGroup } from './site.ts';
import { milliseconds, word } from './text.ts';
import { choices, upstreams } from './upstreams.ts';

export interface Circumstances {
  /** Where everything that nginx writes goes. */
  readonly folder: string;
  readonly workers: number;
  readonly port: number;
  readonly tlsPort: number | undefined;
  /** The names in the certificate. */
  readonly hosts: readonly string[];
  /** While this file exists, clients are asked to open another connection. */
  readonly closingFile: string;
}

export function configuration(
  options: GatewayOptions,
  groups: readonly SiteGroup[],
  around: Circumstances,
): string {
  return `${[
    ...ofProcess(around),
    'http {',
    ...ofAll(options, around),
    accessLog(options.accessLogFile && resolve(options.accessLogFile)),
    upstreams(groups),
    choices(groups),
    cookies(groups),
    objections(options, around),
    answers(groups),
    toServers(options),
    '  server {',
    ...listening(options, around),
    ...opening(around),
    errorPages(),
    ...routes(options.routes, groups),
    forwards(options),
    problems(),
    '  }',
    '}',
  ].join('\n')}\n`;
}

function ofProcess({ folder, workers }: Circumstances): string[] {
  return [
    'daemon off;',
    `worker_processes ${workers};`,
    `pid ${word(join(folder, 'nginx.pid'))};`,
    'error_log stderr notice;',
    // Streams that outlive a change of the route are cut some day, or old workers would pile up.
    'worker_shutdown_timeout 10m;',
    // A connection to a client and one to a server for each request, and those that are idle.
    `events { worker_connections ${3 * sizes.requestsMax}; }`,
  ];
}

function ofAll({ limits }: GatewayOptions, { folder }: Circumstances): string[] {
  const places = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  const perSecond = limits?.requestsPerSecond;
  const silence = milliseconds(patience.silenceMs);
  return [
    ...places.map((name) => `${name}_temp_path ${word(join(folder, name))};`),
    // What goes wrong with requests is in the access log; here it would quote them.
    'error_log stderr emerg;',
    'server_tokens off;',
    'types { }',
    'default_type application/octet-stream;',
    'map_hash_bucket_size 512;',
    'map_hash_max_size 4096;',
    'variables_hash_bucket_size 256;',
    'variables_hash_max_size 4096;',
    `client_header_timeout ${milliseconds(patience.headersMs)};`,
    `client_body_timeout ${silence};`,
    `send_timeout ${silence};`,
    `keepalive_timeout ${milliseconds(patience.keepAliveMs)};`,
    'keepalive_requests 10000;',
    'lingering_time 5s;',
    'lingering_timeout 2s;',
    'reset_timedout_connection on;',
    `client_max_body_size ${sizes.bodyBytesMax};`,
    `large_client_header_buffers 2 ${sizes.headerBytesMax / 2};`,
    'limit_req_status 429;',
    'limit_conn_status 429;',
    'limit_conn_zone everybody zone=everybody:64k;',
    'limit_conn_zone $binary_remote_addr zone=connections:4m;',
    ...(perSecond === undefined
      ? []
      : [`limit_req_zone $binary_remote_addr zone=requests:4m rate=${perSecond}r/s;`]),
  ].map((line) => `  ${line}`);
}

/** By itself the kernel would keep several megabytes for each client that does not read. */
const BUFFER = 'sndbuf=256k';

function listening({ listen }: GatewayOptions, { port, tlsPort }: Circumstances): string[] {
  const { address = '127.0.0.1', tls } = listen;
  const host = address.includes(':') ? `[${address}]` : address;
  const lines = [`listen ${host}:${port} ${BUFFER};`];
  if (tls && tlsPort !== undefined) {
    lines.push(
      `listen ${host}:${tlsPort} ssl ${BUFFER};`,
      `ssl_certificate ${word(resolve(tls.certFile))};`,
      `ssl_certificate_key ${word(resolve(tls.keyFile))};`,
      'ssl_protocols TLSv1.2 TLSv1.3;',
      `ssl_ciphers ${ciphers['TLSv1.2'].join(':')};`,
      'ssl_session_cache shared:tls:4m;',
      'ssl_session_tickets off;',
    );
  }
  return lines.map((line) => `    ${line}`);
}

const noted = [
  ...['problem', 'route', 'group', 'stuck', 'affinity', 'retry_after', 'cache_control'],
  ...['first', 'second', 'target'],
];

/** What happens before a route is looked for, but not again on the way to a problem. */
function opening({ closingFile }: Circumstances): string[] {
  return [
    'if ($uri ~ ^//) { break; }',
    'set $arrived $now;',
    'set $closing "";',
    `if (-f ${word(closingFile)}) { set $closing close; }`,
    ...noted.map((name) => `set $${name} "";`),
    'set $tries_max 0;',
    'if ($is_malformed) { return 400; }',
    'if ($is_known_method = "") { return 405; }',
    'if ($secure_url) { return 308 $secure_url; }',
    'if ($is_misdirected) { return 421; }',
  ].map((line) => `    ${line}`);
}
