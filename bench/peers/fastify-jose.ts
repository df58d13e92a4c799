// fastify with a hook of a few lines around jose, as its documentation has it.

import type { AddressInfo } from 'node:net';
import { fastify } from 'fastify';
import { importJWK, jwtVerify, SignJWT } from 'jose';
import { dashboard, ready } from './answer.ts';

const jwk = JSON.parse(process.env.TOKEN_KEY ?? '');
const alg = jwk.kty === 'oct' ? 'HS256' : 'EdDSA';
const { d: _, ...publicJwk } = jwk;
const signing = await importJWK(jwk, alg);
const verifying = await importJWK(publicJwk, alg);

const app = fastify();
app.post('/login', async () => {
  const token = new SignJWT({}).setProtectedHeader({ alg }).setSubject('alice');
  return { accessToken: await token.setIssuedAt().setExpirationTime('1h').sign(signing) };
});
app.addHook('onRequest', async ({ url, headers }) => {
  if (url !== '/dashboard') return;
  await jwtVerify(headers.authorization?.slice('Bearer '.length) ?? '', verifying, {
    algorithms: [alg],
  });
});
app.get('/dashboard', (_request, reply) => {
  reply.send(dashboard);
});
await app.listen({ port: 0, host: '127.0.0.1' });
ready((app.server.address() as AddressInfo).port);
