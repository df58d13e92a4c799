// Settings that decide how the server stands in its surroundings: its address and name, whom it
// believes, how patient it is, how it ends, and what it tells.

import { randomBytes } from 'node:crypto';
import {
  isNetwork,
  isOrigin,
  isReachable,
  jsonSecret,
  list,
  oneOf,
  plainName,
  type Setting,
  text,
  whole,
  yesNo,
} from './kinds.ts';

const minute = 60_000;

export const serverSettings = {
  port: whole('PORT', 'the port to listen on; 0 takes a free one', 3000, 0, 65_535),
  host: {
    name: 'HOST',
    says: 'the address to listen on',
    allowed: 'an IP address or host name',
    fallback: '127.0.0.1',
    secret: false,
    parse: (given) => (/^[A-Za-z0-9.:-]{1,253}$/.test(given) ? given : undefined),
    absent: () => '127.0.0.1',
  } satisfies Setting<string>,
  replica: plainName('REPLICA', 'the name of this server', 's1'),
  incarnation: plainName('INCARNATION', 'this life of the server', {
    says: '4 random hex digits',
    from: () => randomBytes(2).toString('hex'),
  }),
  trustProxy: list(
    'TRUST_PROXY',
    'whose X-Forwarded fields are believed: the gateway, which ends TLS',
    'an IP address, a network (/8 at the widest, /16 in IPv6), or loopback, linklocal, uniquelocal',
    isNetwork,
  ),
  allowedOrigins: list(
    'ALLOWED_ORIGINS',
    'other origins whose pages may send what changes something; preflights (CORS) are for a gateway',
    'an origin like https://shop.example',
    isOrigin,
  ),
  secureCookies: yesNo('SECURE_COOKIES', 'false only for plain HTTP on loopback', true),
  hazards: oneOf(
    'HAZARDS',
    'when a service may lose what it acknowledges (synchronous_commit=off, eviction, none on disk), ' +
      'or passwords and cookies are protected too little for a server that others reach',
    {
      says: 'refuse; warn on loopback without TRUST_PROXY',
      from: (given) =>
        isReachable(given('HOST') ?? '127.0.0.1', given('TRUST_PROXY')) ? 'refuse' : 'warn',
    },
    ['refuse', 'warn', 'ignore'] as const,
  ),
  keepAliveMs: whole(
    'KEEP_ALIVE_MS',
    'how long an idle connection stays open; longer than the gateway keeps it',
    72_000,
    1_000,
    10 * minute,
  ),
  requestTimeoutMs: whole(
    'REQUEST_TIMEOUT_MS',
    'how long a client may take to send a request',
    30_000,
    100,
    10 * minute,
  ),
  drainMs: whole(
    'DRAIN_MS',
    'at the end: how long to go on taking requests, no longer ready, while the gateway turns away',
    2_000,
    0,
    minute,
  ),
  endDeadlineMs: whole(
    'END_DEADLINE_MS',
    'at the end, after DRAIN_MS: what is not finished after so long is broken off',
    5_000,
    100,
    10 * minute,
  ),
  hashMemoryKib: whole(
    'PASSWORD_HASH_MEMORY_KIB',
    'memory that hashing one password takes (Argon2id)',
    19_456,
    64,
    1_048_576,
  ),
  hashPasses: whole('PASSWORD_HASH_PASSES', 'passes over that memory (Argon2id)', 2, 1, 64),
  loginFailuresMax: whole(
    'LOGIN_FAILURES_MAX',
    'wrong passwords per hour for one account from one network; five times that from all strangers',
    10,
    1,
    1_000_000,
  ),
  adminUsers: list(
    'ADMIN_USERS',
    'users who are administrators whatever the database says; register them before',
    'a user name',
    (name) => name.length >= 1 && name.length <= 64,
  ),
  auditFolder: {
    ...text(
      'AUDIT_FOLDER',
      'where security events are logged, in a chain; the log is called REPLICA',
    ),
    allowed: 'a folder',
    fallback: 'none: they are lines of the process log',
  },
  auditKey: jsonSecret(
    'AUDIT_KEY',
    'signs the heads of the audit log',
    'an Ed25519 private key as a JSON Web Key (RFC 8037)',
  ),
  auditAnchor: {
    ...text(
      'AUDIT_ANCHOR',
      'where the heads of the audit log are kept, out of reach of its writer',
    ),
    allowed: 'a folder, best on another volume, or a URL that begins with postgres://',
    fallback: 'nowhere',
    // A URL holds a password.
    secret: true,
  },
  auditRetainMs: whole(
    'AUDIT_RETAIN_MS',
    'how long the audit log is kept, once its head is anchored; 0 is for ever',
    0,
    0,
    3_650 * 24 * 60 * minute,
  ),
  auditField: yesNo(
    'AUDIT_FIELD',
    'say in x-audit who was served, for a gateway that logs it and shows it to no client',
    false,
  ),
  apiDocs: yesNo('API_DOCS', 'serve /openapi.json and /docs', false),
  traces: yesNo('TRACES', 'make spans, for the OpenTelemetry provider that the process has', false),
  logLevel: oneOf('LOG_LEVEL', 'how much is logged', 'info', [
    'debug',
    'info',
    'warn',
    'error',
    'silent',
  ] as const),
} as const;
