// Three questions, three answers. Live: the process runs. Ready: it takes requests, which an outage
// of a store does not change, or one outage would make the gateway throw out every server at once.
// Health: how its parts are, for people and alarms.

import type { App, Parts } from '../parts.ts';

const status = {
  type: 'object',
  required: ['status'],
  properties: { status: { type: 'string' } },
} as const;

const part = { type: 'string', enum: ['ok', 'unreachable'] } as const;

const health = {
  type: 'object',
  required: ['status', 'parts'],
  properties: {
    status: { type: 'string', enum: ['ok', 'degraded'] },
    parts: {
      type: 'object',
      required: ['store', 'accounts'],
      properties: { store: part, accounts: part },
    },
  },
} as const;

const tags = ['health'];

export function healthRoutes(app: App, { store, accounts }: Parts): void {
  app.get(
    '/health/live',
    { schema: { summary: 'Is the process alive?', tags, response: { 200: status } } },
    async () => ({ status: 'alive' }),
  );

  app.get(
    '/health/ready',
    {
      schema: {
        summary: 'Does it take requests?',
        tags,
        response: { 200: status, 503: status },
      },
    },
    async (_request, reply) => {
      if (!app.draining) return { status: 'ready' };
      return reply.code(503).send({ status: 'closing' });
    },
  );

  app.get(
    '/health',
    { schema: { summary: 'How are its parts?', tags, response: { 200: health } } },
    async () => {
      const [storeState, accountsState] = await Promise.all([
        stateOf(store.ping()),
        stateOf(accounts.ping()),
      ]);
      const well = storeState === 'ok' && accountsState === 'ok';
      return {
        status: well ? 'ok' : 'degraded',
        parts: { store: storeState, accounts: accountsState },
      } as const;
    },
  );
}

async function stateOf(ping: Promise<void>): Promise<'ok' | 'unreachable'> {
  return ping.then(
    () => 'ok' as const,
    () => 'unreachable' as const,
  );
}
