// A transfer server in a process of its own, over a vault of its own, for whoever comes:
// server-process.ts <folder of the vault>. Asked for it, it says how much memory it has in use;
// what went wrong on its side it says unasked.

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { OperatingError } from '../../src/core/errors.ts';
import { anonymous } from '../../src/core/recognition.ts';
import { openTransferServer } from '../../src/transfer/server.ts';
import { openVault } from '../../src/transfer/vault.ts';

export type Told =
  | { readonly t: 'ready'; readonly url: string }
  | { readonly t: 'memory'; readonly bytes: number; readonly connections: number }
  | { readonly t: 'trouble'; readonly text: string };

const tell = (told: Told) => process.send?.(told);
const [folder = ''] = process.argv.slice(2);
const gibibyte = 1024 ** 3;
const limits = { bytesMax: gibibyte, userBytesMax: gibibyte, fileBytesMax: gibibyte };
const server = await openTransferServer({
  vault: await openVault({ folder, ...limits, mismatch: 'octet-stream' }),
  ...{ host: '127.0.0.1', port: 0, anonymous: true, fileBytesMax: gibibyte },
  ...{ helloMs: 500, idleMs: 500, totalMs: 5_000, rateMin: 1 },
  ...{ connectionsMax: 1_000, addressMax: 1_000 },
  surroundings: {
    identify: async () => anonymous('no-credential'),
    whileSessionLives: () => ({ used: () => undefined, [Symbol.dispose]: () => undefined }),
    canRecord: () => true,
    record: async () => undefined,
    note: () => undefined,
    trouble: (error) => {
      if (error instanceof OperatingError && error.code !== 'internal') return;
      tell({ t: 'trouble', text: error instanceof Error ? String(error.stack) : String(error) });
    },
    tally: { bytesIn: 0, bytesOut: 0, transfer: () => undefined },
  },
});

process.on('disconnect', () => process.exit());
process.on('message', () => {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  tell({ t: 'memory', bytes: heapUsed + arrayBuffers, connections: server.connections });
});
tell({ t: 'ready', url: server.url });
