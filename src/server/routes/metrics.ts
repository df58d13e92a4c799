// What the server counted, for Prometheus. It names no user and no session.

import type { Meter } from '../meter.ts';
import type { App } from '../parts.ts';

export function metricsRoutes(app: App, meter: Meter): void {
  app.get(
    '/metrics',
    { schema: { summary: 'Prometheus metrics', tags: ['metrics'] } },
    async (_request, reply) => {
      const { type, text } = await meter.exposition();
      return reply.header('content-type', type).send(text);
    },
  );
}
