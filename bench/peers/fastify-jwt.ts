// fastify with @fastify/jwt, which verifies with fast-jwt; with its cache where CACHE is true.

import { createPrivateKey, createPublicKey } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import jwt from '@fastify/jwt';
import { fastify } from 'fastify';
import { dashboard, ready } from './answer.ts';

const jwk = JSON.parse(process.env.TOKEN_KEY ?? '');
const key = { key: jwk, format: 'jwk' } as const;
const secret =
  jwk.kty === 'oct'
    ? Buffer.from(jwk.k, 'base64url')
    : {
        private: createPrivateKey(key).export({ type: 'pkcs8', format: 'pem' }),
        public: createPublicKey(key).export({ type: 'spki', format: 'pem' }),
      };
const algorithm = jwk.kty === 'oct' ? 'HS256' : 'EdDSA';

const app = fastify();
await app.register(jwt, {
  secret,
  sign: { algorithm, expiresIn: '1h' },
  verify: { algorithms: [algorithm], ...(process.env.CACHE === 'true' && { cache: true }) },
});
app.post('/login', (_request, reply) => {
  reply.send({ accessToken: app.jwt.sign({ sub: 'alice' }) });
});
app.get('/dashboard', { onRequest: (request) => request.jwtVerify() }, (_request, reply) => {
  reply.send(dashboard);
});
await app.listen({ port: 0, host: '127.0.0.1' });
ready((app.server.address() as AddressInfo).port);
