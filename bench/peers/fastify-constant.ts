// What the framework alone costs.

import type { AddressInfo } from 'node:net';
import { fastify } from 'fastify';
import { dashboard, ready } from './answer.ts';

const app = fastify();
app.post('/login', () => ({}));
app.get('/dashboard', () => dashboard);
await app.listen({ port: 0, host: '127.0.0.1' });
ready((app.server.address() as AddressInfo).port);
