// The answers of the gateway itself, for nginx's own errors too: problem documents (RFC 9457) with
// the codes of the project's table. What nginx calls 502 or 504 is three things: no server was
// reached, one was and broke off, or it did not answer in time.

import { type ErrorCode, errors } from '../../core/errors.ts';
import { map, word } from './text.ts';

const RETRY_AFTER_SECONDS = 1;
const TRIES_COUNTED = 16;

/** nginx's status -> what it means; 494 to 497 are its own, and never seen by clients. */
const meanings: Readonly<Record<number, ErrorCode>> = {
  400: 'invalid-request',
  404: 'not-found',
  405: 'method-not-allowed',
  408: 'request-timeout',
  413: 'payload-too-large',
  414: 'headers-too-large',
  421: 'misdirected',
  429: 'overloaded',
  494: 'headers-too-large',
  497: 'invalid-request',
  500: 'internal',
  501: 'invalid-request',
  502: 'server-lost',
  503: 'no-server',
  504: 'server-silent',
  505: 'invalid-request',
};

/**
 * A location that no client can name, because of two slashes nginx makes one.
 *
 * @param instead where to go from some of them; nginx inherits all or none.
 */
export function errorPages(instead: Readonly<Record<number, string>> = {}): string {
  const places = Object.entries(meanings).map(([status, code]) => [status, `//${code}`]);
  return Object.entries({ ...Object.fromEntries(places), ...instead })
    .map(([status, place]) => `    error_page ${status} = ${place};`)
    .join('\n');
}

export function problems(): string {
  return [...new Set(Object.values(meanings))].map(problem).join('\n');
}

function problem(code: ErrorCode): string {
  const { status, summary: title } = errors[code];
  const requestId = '$request_id';
  const body = JSON.stringify({ type: 'about:blank', title, status, code, requestId });
  const later =
    status === 503 || status === 429 ? [`set $retry_after ${RETRY_AFTER_SECONDS};`] : [];
  return [
    `    location = //${code} {`,
    '      internal;',
    '      default_type application/problem+json;',
    '      set $problem 1;',
    '      set $cache_control no-store;',
    ...later.map((line) => `      ${line}`),
    `      return ${status} ${word(body)};`,
    '    }',
  ].join('\n');
}

/** `$tries`: how many servers were asked, and `$failure`: what is to be said when that was it. */
export function failures(): string {
  const address = '([\\d.]+|\\[[\\da-f:.]+\\]):\\d+';
  // A group in place of an address says that there was nobody left to ask.
  const counts = Array.from({ length: TRIES_COUNTED }, (_, index): [string, string] => {
    return [`~^(${address}(, | : |$)){${index + 1}}([a-zA-Z-][^ ]*)?$`, String(index + 1)];
  });
  const known = '$upstream_bytes_sent|$upstream_status|$tries/$tries_max|$upstream_addr';
  return [
    map('$upstream_addr', 'tries', [...counts, ['default', '0']], 'volatile'),
    map(
      known,
      'failure',
      [
        ['~^[^|]*[1-9][^|]*\\|[^|]*504\\|', 'server-silent'],
        ['~^[^|]*[1-9]', 'server-lost'],
        ['~\\|(\\d+)/\\1\\|', 'no-server'],
        ['~[a-zA-Z-][^ :]*$', 'no-server'],
        ['default', ''],
      ],
      'volatile',
    ),
  ].join('\n');
}
