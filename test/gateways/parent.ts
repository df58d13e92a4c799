// A parent to be killed: starts the gateway that its argument names and tells where it is.

import * as gateways from '../../src/gateways/index.ts';

const gateway = new Map(Object.entries(gateways)).get(process.argv[2] ?? '');
const running = await gateway?.start({
  groups: [{ name: 'servers', policy: 'round-robin', upstreams: [] }],
  routes: [{ path: '/', group: 'servers' }],
  listen: { port: 0 },
  seed: 'parent',
  answerTimeoutMs: 1_000,
});
process.stdout.write(`${JSON.stringify({ url: running?.url, pid: running?.pid })}\n`);
setInterval(() => undefined, 1_000);
