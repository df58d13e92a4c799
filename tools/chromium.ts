// Where Chromium is: on PATH, under one of the names that systems give it, or among the
// applications of macOS.

import { delimiter } from 'node:path';
import { findProgram } from './valkey.ts';

const names = ['chromium', 'chromium-browser', 'google-chrome', 'Google Chrome', 'Chromium'];
const folders = [
  ...(process.env.PATH ?? '').split(delimiter),
  '/Applications/Google Chrome.app/Contents/MacOS',
  '/Applications/Chromium.app/Contents/MacOS',
];

/** Its path; undefined when it is nowhere. */
export function findChromium(): string | undefined {
  return names.map((name) => findProgram(name, folders)).find((program) => program !== undefined);
}
