// Asks the services that keep sessions, endings and accounts, once and before the server serves,
// whether they would lose what they acknowledge: a Redis that evicts, a PostgreSQL that answers
// before it has written. HAZARDS says what follows from that.

import { type Config, ConfigError } from './config.ts';

/** Resolves to warnings. @throws ConfigError where HAZARDS=refuse and a hazard is known. */
export async function checkHazards(config: Config): Promise<readonly string[]> {
  if (config.hazards === 'ignore') return [];
  const found = (await Promise.all(services(config).map(hazardsOf))).flat();
  const known = new Set(found.flatMap(({ hazard, isKnown }) => (isKnown ? [hazard] : [])));
  if (config.hazards === 'warn' || known.size === 0) {
    return [...new Set(found.map(({ hazard }) => hazard))];
  }
  const cure = 'mend it, or take the risk by HAZARDS=warn';
  throw new ConfigError(
    [...known].map((hazard) => ({ name: 'HAZARDS', detail: `HAZARDS: ${hazard}; ${cure}` })),
  );
}

/** The URLs of all services that keep something, each once. */
function services(config: Config): string[] {
  const { databaseUrl, redisUrl, store, sessionStoreUrl, revocations, revocationsUrl } = config;
  const usual = { memory: undefined, none: undefined, postgres: databaseUrl, redis: redisUrl };
  const urls = [
    databaseUrl,
    store === 'memory' ? undefined : (sessionStoreUrl ?? { ...usual, cached: redisUrl }[store]),
    revocations === 'none' || revocations === 'memory'
      ? undefined
      : (revocationsUrl ?? usual[revocations]),
  ];
  return [...new Set(urls.filter((url) => url !== undefined))];
}

interface Found {
  readonly hazard: string;
  /** False where the service did not let us see. */
  readonly isKnown: boolean;
}

async function hazardsOf(url: string): Promise<Found[]> {
  if (!url.startsWith('redis')) {
    const { postgresHazards } = await import('../stores/postgres-hazards.ts');
    return (await postgresHazards(url)).map((hazard) => ({ hazard, isKnown: true }));
  }
  const { redisHazards, unseen } = await import('../stores/redis-hazards.ts');
  const hazards = await redisHazards(url);
  return hazards.map((hazard) => ({ hazard, isKnown: hazard !== unseen }));
}
