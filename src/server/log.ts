// How the server logs: JSON lines by pino. The framework's own logging is off: it would make every
// request a logger of its own, at a tenth of the cost of an answer, for lines that are not written.
// Bodies are never logged. Header fields are logged by nobody here, and should a line hold them
// some day, those that carry credentials are blanked.

import type { Writable } from 'node:stream';
import { type Logger, pino } from 'pino';
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

export function openLog(config: Config, stream: Writable = process.stdout): Logger {
  const paths = credentialFields.flatMap((field) =>
    ['', '*', '*.*'].map((depth) => `${depth}["${field}"]`),
  );
  const options = {
    level: config.logLevel,
    base: { server: servedBy(config) },
    redact: { paths, censor: '[redacted]' },
  };
  return pino(options, stream);
}
