// The access log, an `AccessLine` of JSON each. The format escapes nothing, so that a field can be
// null, and so nothing gets into it but numbers, words of a known few, and what a pattern has
// admitted. nginx writes the line at the end; the time of arrival is noted at the beginning.

import type { AccessLine } from '../access-line.ts';
import { knownMethods } from '../border.ts';
import { map, word } from './text.ts';

/** In the order in which nginx fills them in; each is JSON. */
const fields: Readonly<Record<keyof AccessLine, string>> = {
  time: '"$log_time"',
  requestId: '"$request_id"',
  client: '"$remote_addr"',
  method: '"$log_method"',
  path: '$log_path',
  served: '$log_served',
  status: '$log_status',
  complete: '$log_complete',
  upstream: '$log_upstream',
  tries: '$tries',
  headMs: '$log_head_ms',
  durationMs: '$log_duration_ms',
  bytes: '$bytes_sent',
  tls: '$log_tls',
};

export function accessLog(file: string | undefined): string {
  const line = Object.entries(fields).map(([name, value]) => `"${name}":${value}`);
  return [
    map('$time_iso8601 $msec', 'now', iso, 'volatile'),
    map('$arrived', 'log_time', [
      ['', '$now'],
      ['default', '$arrived'],
    ]),
    map('$request', 'log_method', [
      [`~^(?<verb>${knownMethods.join('|')}) `, '$verb'],
      ['default', 'other'],
    ]),
    orNull('$route', 'log_path'),
    orNull('$asked', 'log_upstream'),
    orNull('$ssl_protocol', 'log_tls'),
    map('$request_completion', 'log_complete', [
      ['OK', 'true'],
      ['default', 'false'],
    ]),
    map('$status $bytes_sent', 'log_status', [
      ['~ 0$', 'null'],
      ['~^499 ', 'null'],
      ['~^(?<told>\\d+) ', '$told'],
    ]),
    inMilliseconds('$upstream_header_time', 'head'),
    inMilliseconds('$request_time', 'duration'),
    served(),
    `  log_format line escape=none ${word(`{${line.join(',')}}`)};`,
    file === undefined ? '  access_log off;' : `  access_log ${word(file)} line;`,
  ].join('\n');
}

const iso: readonly (readonly [string, string])[] = [
  // nginx runs in UTC, and of its two clocks one knows the date and the other milliseconds.
  ['~^(?<second>[\\d:T-]+)\\S* \\d+\\.(?<fraction>\\d+)$', `$second.$${'{fraction}'}Z`],
];

function orNull(from: string, to: string): string {
  return map(from, to, [
    ['', 'null'],
    ['default', `"${from}"`],
  ]);
}

/** nginx says seconds, as 0.012; of several it is the last that counts. */
function inMilliseconds(from: string, name: string): string {
  const [s, ms] = [`${name}_s`, `${name}_ms`];
  return map(from, `log_${name}_ms`, [
    [`~(^| )0\\.00(?<${ms}_1>\\d)$`, `$${ms}_1`],
    [`~(^| )0\\.0(?<${ms}_2>\\d\\d)$`, `$${ms}_2`],
    [`~(^| )0\\.(?<${ms}_3>\\d{3})$`, `$${ms}_3`],
    [`~(^| )(?<${s}>\\d+)\\.(?<${ms}_4>\\d{3})$`, `$${s}$${ms}_4`],
    ['default', 'null'],
  ]);
}

/** Four words, as `parseServed` reads them: without a session there is nobody either. */
function served(): string {
  const word = '[\\w.:#@+~=-]+';
  const [by, route, user, session] = ['by', 'template', 'user', 'handle'];
  const first = `^(?<${by}>${word}) (?<${route}>[\\w./:*-]+)`;
  const begin = `{"by":"$${by}","route":"$${route}"`;
  return map('$upstream_http_x_audit', 'log_served', [
    [`~${first} - -$`, `${begin},"userId":null,"session":null}`],
    [`~${first} (?<${user}>${word}) -$`, `${begin},"userId":"$${user}","session":null}`],
    [`~${first} - (?<${session}>${word})$`, `${begin},"userId":null,"session":"$${session}"}`],
    [
      `~${first} (?<${user}>${word}) (?<${session}>${word})$`,
      `${begin},"userId":"$${user}","session":"$${session}"}`,
    ],
    ['default', 'null'],
  ]);
}
