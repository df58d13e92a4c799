// What a visit keeps in every framework: it follows what is done with the session, caches keep none
// of its credentials, the scheme counts where a framework knows it, and an outage logs nobody out.

import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import express from 'express';
import Fastify from 'fastify';
import { describe, expect, onTestFinished, test } from 'vitest';
import * as connect from '../../src/adapters/connect.ts';
import * as fastify from '../../src/adapters/fastify.ts';
import type { Visit } from '../../src/adapters/visit.ts';
import { withSessions } from '../../src/adapters/web.ts';
import { OperatingError } from '../../src/core/errors.ts';
import { memory } from '../../src/stores/memory.ts';
import type { SessionStore } from '../../src/stores/store.ts';
import * as strategies from '../../src/strategies/index.ts';
import type { Issue, Recogniser } from '../../src/strategies/strategy.ts';
import { Client, startOn } from '../strategies/strategy.contract.ts';

type Page = (visit: Visit) => Promise<object>;
interface Served {
  readonly host: string;
  ask(headers: Record<string, string>): Promise<Response>;
}

/** The page as `POST /`, in each framework; behind a proxy on this machine, which is trusted. */
const frameworks: Record<string, (recogniser: Recogniser, page: Page) => Promise<Served>> = {
  async fastify(recogniser, page) {
    const app = Fastify({ trustProxy: 'loopback' });
    app.register(fastify.sessions, { recogniser });
    app.post('/', async ({ visit }) => page(visit));
    const url = await app.listen({ port: 0, host: '127.0.0.1' });
    onTestFinished(() => app.close());
    return { host: new URL(url).host, ask: (headers) => fetch(url, { method: 'POST', headers }) };
  },
  async express(recogniser, page) {
    const app = express().set('trust proxy', 'loopback').use(connect.sessions(recogniser));
    app.post('/', async (request, response) => {
      response.json(await page(connect.visitOf(request)));
    });
    const server = app.listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    return { host, ask: (headers) => fetch(`http://${host}`, { method: 'POST', headers }) };
  },
  async web(recogniser, page) {
    const serve = withSessions(recogniser, async (_, visit) => Response.json(await page(visit)));
    const host = 'shop.example';
    const urlOf = (proto = 'http') => `${proto}://${host}`;
    return {
      host,
      ask: (headers) =>
        serve(new Request(urlOf(headers['x-forwarded-proto']), { method: 'POST', headers })),
    };
  },
};

const alice = { id: '1', name: 'alice' };
const bob = { id: '2', name: 'bob' };
const set = (field: string) => [{ op: 'set', field, value: 1 }] as const;

// biome-ignore lint/suspicious/noExplicitAny: bodies are looked into by the assertions
const bodyOf = async (answer: Response): Promise<any> => answer.json();

/** What is in the header fields is newer than what is in the body. */
function take(client: Client, { headers }: Response, body: Issue['body'] = {}): void {
  const cookies = headers.getSetCookie().map((each) => ['set-cookie', each] as const);
  const info = headers.get('authentication-info');
  client.take({ headers: [], body });
  client.take({ headers: info ? [['authentication-info', info]] : cookies, body: {} });
}

const grounds = Object.keys(frameworks).flatMap((framework) =>
  (['session', 'token', 'sealed-cookie'] as const).map((strategy) => ({ framework, strategy })),
);

describe.each(grounds)('$framework, $strategy:', ({ framework, strategy }) => {
  async function open(page: Page, wrap = (store: SessionStore) => store) {
    const store = wrap(await memory.open({ timeoutMs: 1_000 }));
    const recogniser = await startOn(strategies[strategy], store);
    const client = new Client().take(await recogniser.begin(alice, {}));
    const served = await frameworks[framework]?.(recogniser, page);
    if (served === undefined) throw new Error(framework);
    return { recogniser, client, ...served };
  }

  test('a visit follows its logins and logouts, and what comes after acts on the new session', async () => {
    const { recogniser, client, ask } = await open(async (visit) => {
      const body = await visit.logIn(bob);
      await visit.change(set('one'));
      const fields = await visit.change(set('two'));
      return { body, fields, name: visit.login.userName, seen: visit.session?.fields };
    });
    const answer = await ask(client.headers);
    const { body, ...said } = await bodyOf(answer);
    const both = { one: 1, two: 1 };
    expect(said).toEqual({ name: 'bob', fields: both, seen: both });
    take(client, answer, body);
    expect(await recogniser.recognise(client.headers)).toMatchObject({
      session: { userName: 'bob', fields: both },
    });
  });

  test('who was logged in and out by one request is nobody', async () => {
    const { recogniser, client, ask } = await open(async (visit) => {
      const body = await visit.logIn(bob);
      const token = visit.csrfToken;
      await visit.logOut();
      return { body, token, session: visit.session ?? null, after: visit.csrfToken ?? null };
    });
    const answer = await ask(client.headers);
    const { token, session, after } = await bodyOf(answer);
    expect([session, after, token === undefined]).toEqual([null, null, strategy === 'token']);
    expect(await recogniser.list({ userId: bob.id })).toEqual([]);
  });

  test('an answer that hands out a credential is for no cache', async () => {
    const { client, ask } = await open(async (visit) => ({ body: await visit.logIn(bob) }));
    expect((await ask(client.headers)).headers.get('cache-control')).toBe('no-store');
  });

  test('an outage is 503 and leaves the cookie alone', async () => {
    let isOut = false;
    const { client, ask } = await open(
      async (visit) => ({ name: visit.session?.userName, fields: await visit.change(set('one')) }),
      (store) =>
        new Proxy(store, {
          get: (target, name) => {
            if (isOut) throw new OperatingError('store-unavailable');
            const verb: unknown = Reflect.get(target, name);
            return typeof verb === 'function' ? verb.bind(target) : verb;
          },
        }),
    );
    isOut = true;
    const answer = await ask(client.headers);
    // What carries its session needs no store.
    expect(answer.status).toBe(strategy === 'session' ? 503 : 200);
    if (strategy !== 'session') return;
    expect(answer.headers.get('retry-after')).toBe('1');
    expect(answer.headers.getSetCookie()).toEqual([]);
    isOut = false;
    expect((await ask(client.headers)).status).toBe(200);
  });

  test('a page of ours over plain HTTP is none of ours where we are known to have TLS', async () => {
    const { client, ask, host } = await open(async () => ({}));
    const from = async (proto: string) => {
      const fields = { origin: `http://${host}` };
      return (await ask({ ...client.headers, ...fields, 'x-forwarded-proto': proto })).status;
    };
    expect([await from('http'), await from('https')]).toEqual([200, 403]);
  });
});
