// How the server logs: JSON lines by pino. Bodies are never logged. Header fields are logged by
// nobody here, and should a line hold them some day, those that carry credentials are blanked.

import type { Writable } from 'node:stream';
import { type Config, servedBy } from './config.ts';

const credentialFields = [
  'authorization',
  'cookie',
  'set-cookie',
  'x-session-id',
  'authentication-info',
  'password',
  'accessToken',
  'refreshToken',
];

export function createLogOptions(config: Config, stream: Writable | undefined) {
  const paths = credentialFields.flatMap((field) =>
    ['', '*', '*.*'].map((depth) => `${depth}["${field}"]`),
  );
  return {
    level: config.logLevel,
    base: { server: servedBy(config) },
    redact: { paths, censor: '[redacted]' },
    ...(stream && { stream }),
  };
}
