#!/usr/bin/env node
// The command line. Each command is a file of its own; this one puts them together and decides how
// the process ends: 0 as expected, 1 not, 2 a verdict is missing, 3 the lab itself failed, 64 the
// command was wrong, 130 interrupted.

import { enableCompileCache } from 'node:module';

enableCompileCache();
const { run } = await import('./program.ts');
await run(process.argv);
