// nginx as a gateway: a process of ours writes its configuration, runs it and looks after the
// health of the servers. What that process does is in the folder `nginx`. A stream that is still
// open when it is stopped is cut after the drain and leaves no line in the access log: nginx writes
// a line when an answer ends, and workers that are ended write none.

import { OperatingError } from '../core/errors.ts';
import { programPath } from '../core/program.ts';
import { startProcess } from './child.ts';
import type { Gateway } from './gateway.ts';
import { nginxProgram } from './nginx/program.ts';

/** Found from a bundle, too, of which this becomes another part. */
const PROGRAM = programPath('../gateways/nginx/process', import.meta.url);

export const nginx: Gateway = {
  says: 'a real nginx from 1.22, run by a process of ours that writes its configuration',
  lacks: {
    pages: 'all answers get the policy of the gateway',
    unchecked: 'every server is looked after',
  },
  missing: () => (nginxProgram() ? undefined : 'There is no nginx here: run `npm run setup`.'),

  async start(options) {
    const detail = this.missing();
    if (detail !== undefined) throw new OperatingError('gateway-unavailable', { detail });
    return startProcess(PROGRAM, options);
  },
};
