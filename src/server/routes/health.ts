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
      required: ['store'],
      properties: {
        store: part,
        accounts: part,
        revocations: { type: 'string', enum: ['ok', 'stale'] },
      },
    },
    breaker: { type: 'string', enum: ['closed', 'open', 'half-open'] },
    revocationsAgeMs: { type: 'integer' },
  },
} as const;

const tags = ['health'];

export function healthRoutes(app: App, { config, store, accounts, revocations }: Parts): void {
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

  /** Past the bound nobody is recognised without asking the log. */
  function viewOfEndings() {
    if (revocations === undefined) return undefined;
    const ageMs = Math.round(Math.min(revocations.ageMs(), Number.MAX_SAFE_INTEGER));
    return { ageMs, state: ageMs > config.revocationStalenessMs ? 'stale' : 'ok' } as const;
  }

  app.get(
    '/health',
    { schema: { summary: 'How are its parts?', tags, response: { 200: health } } },
    async () => {
      const [storeState, accountsState] = await Promise.all([
        stateOf(store.ping()),
        accounts && stateOf(accounts.ping()),
      ]);
      const view = viewOfEndings();
      const breaker = store.breaker?.();
      const parts = {
        store: storeState,
        ...(accountsState && { accounts: accountsState }),
        ...(view && { revocations: view.state }),
      };
      return {
        status: Object.values(parts).every((each) => each === 'ok') ? 'ok' : 'degraded',
        parts,
        ...(breaker && { breaker }),
        ...(view && { revocationsAgeMs: view.ageMs }),
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
