// Where Chromium is: on PATH, under one of the names that systems give it.

import { findProgram } from './valkey.ts';

const names = ['chromium', 'chromium-browser', 'google-chrome'];

/** Its path; undefined when it is nowhere. */
export function findChromium(): string | undefined {
  return names.map((name) => findProgram(name)).find((program) => program !== undefined);
}
