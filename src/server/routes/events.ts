// A stream of events for as long as the session lives (server-sent events, as in the HTML Standard,
// 9.2): `ready`, then heartbeats, and `session-ended` at the end of the session. A stream that ends
// without that word may be opened again, elsewhere: the server closes, or cannot find out.

import { PassThrough } from 'node:stream';
import { OperatingError } from '../../core/errors.ts';
import type { App, Parts } from '../parts.ts';

const heartbeatMs = 15_000;
const streamsPerSessionMax = 4;

export function eventRoutes(app: App, { config }: Parts): void {
  const open = new Set<PassThrough>();
  // A connection that is silent for longer than this may be taken for dead on the way.
  const beatEveryMs = Math.min(heartbeatMs, config.requestTimeoutMs);
  app.addHook('preClose', async () => {
    for (const stream of open) stream.end();
  });

  app.get(
    '/events',
    {
      onRequest: app.authenticated,
      exposeHeadRoute: false,
      schema: { summary: 'Events, until the session ends (text/event-stream)', tags: ['sessions'] },
    },
    (request, reply) => {
      const { login } = request;
      if (app.sessionWatch.watchers(login) >= streamsPerSessionMax) {
        throw new OperatingError('overloaded', { retryAfterSeconds: 1 });
      }
      const stream = new PassThrough();
      const watch = app.sessionWatch.whileSessionLives(login, (how) => {
        stream.end(how === 'ended' ? event('session-ended', { handle: login.handle }) : '');
      });
      const heart = setInterval(() => stream.write(': alive\n\n'), beatEveryMs).unref();
      open.add(stream);
      stream.once('close', () => {
        clearInterval(heart);
        watch[Symbol.dispose]();
        open.delete(stream);
      });
      stream.write(event('ready', { handle: login.handle }));
      reply.header('content-type', 'text/event-stream').header('x-accel-buffering', 'no');
      return reply.send(stream);
    },
  );
}

function event(name: string, data: object): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}
