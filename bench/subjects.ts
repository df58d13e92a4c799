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

const tokenKey = await newTokenKey();

export function subjects({ databaseUrl, redisUrl }: Services): readonly Subject[] {
  const ours = (name: string, env: Subject['env']): Subject => ({
    name: `sessionlab, ${name}`,
    entry: 'src/server/main.ts',
    env: {
      DATABASE_URL: databaseUrl,
      TOKEN_KEY: tokenKey,
      PORT: '0',
      SECURE_COOKIES: 'false',
      API_DOCS: 'false',
      ...env,
    },
  });
  const peer = (name: string, file: string, env: Subject['env'] = {}): Subject => ({
    name,
    entry: `bench/peers/${file}.ts`,
    env,
  });
  const withRedis = (url: string) => [
    ours('redis', { STRATEGY: 'session', STORE: 'redis', SESSION_STORE_URL: url }),
    ours('cached', { STRATEGY: 'session', STORE: 'cached', SESSION_STORE_URL: url }),
    peer('@fastify/session, redis', 'fastify-session', { REDIS_URL: url }),
    peer('express-session, connect-redis', 'express-session', { REDIS_URL: url }),
  ];
  return [
    peer('node:http, a constant', 'constant'),
    peer('fastify, a constant', 'fastify-constant'),
    ours('token', { STRATEGY: 'token', STORE: 'postgres' }),
    ours('memory', { STRATEGY: 'session', STORE: 'memory' }),
    peer('@fastify/session, memory', 'fastify-session'),
    peer('express-session, memory', 'express-session'),
    ours('postgres', { STRATEGY: 'session', STORE: 'postgres' }),
    ...(redisUrl === undefined ? [] : withRedis(redisUrl)),
  ];
}
