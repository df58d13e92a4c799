// The embedded gateway. What it does with requests is in the folder `node`.

import { programPath } from '../core/program.ts';
import { startProcess } from './child.ts';
import type { Gateway } from './gateway.ts';

/** Found from a bundle, too, of which this becomes another part. */
const PROGRAM = programPath('../gateways/node/process', import.meta.url);

export const node: Gateway = {
  says: 'the embedded reverse proxy, a Node process',
  lacks: { 'client-limits': 'bounding single clients is left to nginx' },
  missing: () => undefined,
  start: (options) => startProcess(PROGRAM, options),
};
