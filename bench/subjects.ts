// What is compared: the limit, our servers as they are shipped, and the libraries that people use
// for the same purpose, each set up as its own documentation says.

import { newTokenKey } from '../src/keys/token-key.ts';

export interface Subject {
  readonly name: string;
  /** A module that serves `POST /login` and `GET /dashboard`, and sends `{ t: 'ready', url }`. */
  readonly entry: string;
  readonly env: Readonly<Record<string, string>>;
}

export interface Services {
  readonly databaseUrl: string;
  readonly redisUrl: string | undefined;
}

export const limit = peer('node:http, a constant', 'constant');

export function ours(
  name: string,
  { databaseUrl }: Pick<Services, 'databaseUrl'>,
  env: Subject['env'],
): Subject {
  const loopback = { PORT: '0', SECURE_COOKIES: 'false', API_DOCS: 'false' };
  return {
    name: `sessionlab, ${name}`,
    entry: 'src/server/main.ts',
    env: { DATABASE_URL: databaseUrl, ...loopback, ...env },
  };
}

export function peer(name: string, file: string, env: Subject['env'] = {}): Subject {
  return { name, entry: `bench/peers/${file}.ts`, env };
}

/** The limit comes first. */
export async function subjects(services: Services): Promise<readonly [Subject, ...Subject[]]> {
  const own = (name: string, env: Subject['env']) => ours(name, services, env);
  const session = { STRATEGY: 'session' };
  const [eddsa, hs256] = await Promise.all([newTokenKey('EdDSA'), newTokenKey('HS256')]);
  const withRedis = (url: string) => [
    own('cached', { ...session, STORE: 'cached', SESSION_STORE_URL: url }),
    own('redis', { ...session, STORE: 'redis', SESSION_STORE_URL: url }),
    peer('@fastify/session, redis', 'fastify-session', { REDIS_URL: url }),
    peer('express-session, connect-redis', 'express-session', { REDIS_URL: url }),
  ];
  return [
    limit,
    peer('fastify, a constant', 'fastify-constant'),
    own('token', { STRATEGY: 'token', STORE: 'postgres', TOKEN_KEY: eddsa }),
    peer('@fastify/jwt, HS256, cache', 'fastify-jwt', { TOKEN_KEY: hs256, CACHE: 'true' }),
    peer('fastify with jose, HS256', 'fastify-jose', { TOKEN_KEY: hs256 }),
    peer('fastify with jose, EdDSA', 'fastify-jose', { TOKEN_KEY: eddsa }),
    peer('iron-session', 'iron-session'),
    own('memory', { ...session, STORE: 'memory' }),
    peer('@fastify/session, memory', 'fastify-session'),
    peer('express-session, memory', 'express-session'),
    own('postgres', { ...session, STORE: 'postgres' }),
    ...(services.redisUrl === undefined ? [] : withRedis(services.redisUrl)),
  ];
}
