import { join } from 'node:path';
import { defineConfig } from 'vitest/config';
import SlowestFirst from './test/support/slowest-first.ts';

// For the workers and most of what they start: hundreds of processes run the same sources.
process.env.NODE_COMPILE_CACHE ??= join(import.meta.dirname, 'node_modules/.cache/compiled');

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/backing.ts'],
    reporters: ['default', './test/support/count-reporter.ts'],
    pool: 'forks',
    // One more than the cores of a small machine: many tests wait for a clock or a process.
    maxWorkers: 3,
    sequence: { sequencer: SlowestFirst },
    // For what cannot come about any more: whatever can, may take its time on a busy machine.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 20_000, interval: 20 } },
  },
});
