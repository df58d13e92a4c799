// A lane of a hundred servers, as a lab would tell of it, without the processes: the page hears a
// history that is made up here, as fast as a test asks for it. What is tested with it is what the
// page costs; that it shows what happened is tested with real lanes.

import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { LaneView, ServerView, Told } from '../../src/api/contract.ts';
import { Live } from '../../src/api/live.ts';
import type { PageFiles } from '../../src/api/page-files.ts';
import type { HistoryEvent, Invocation, RunHeader } from '../../src/core/history.ts';
import { lifetimes } from '../../src/core/limits.ts';

export const servers = 100;
const tellEveryMs = 40;
const people = ['alice', 'bob', 'carol', 'dave', 'erin', 'frank'];
const clients = people.flatMap((user) => [user, `${user} 2`].map((name) => ({ name, user })));
/** Whose turn it is logs in anew, now and then. */
const loginEvery = 17;
/** Requests, until servers are asked again what they remember. */
const viewEvery = 40;

export class Crowd implements AsyncDisposable {
  readonly #files: PageFiles;
  readonly #live = new Live();
  readonly #server = createServer((request, answer) => {
    void this.#answer(request.url ?? '/').then(({ type, body }) => {
      answer.writeHead(body === undefined ? 404 : 200, { 'content-type': type });
      if (body !== undefined && 'pipe' in body) body.pipe(answer);
      else answer.end(body);
    });
  });
  readonly #logins = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;
  #nowMs = 0;
  /** How many requests the page was told of. */
  told = 0;

  constructor(files: PageFiles) {
    this.#files = files;
  }

  async listen(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** From now on as many are sent, told as a lane tells them; 0 ends it. */
  stream(perSecond: number): void {
    clearInterval(this.#timer);
    const each = (perSecond * tellEveryMs) / 1_000;
    if (each > 0) this.#timer = setInterval(() => this.send(each, perSecond), tellEveryMs);
  }

  /** So many more requests at once, which took as long as they would at this rate. */
  send(requests: number, perSecond: number): void {
    const events: HistoryEvent[] = this.told === 0 ? [header] : [];
    for (let n = 0; n < requests; n += 1) events.push(...this.#request(1_000 / perSecond));
    this.#live.tell({ tell: 'history', lane: 'a', events });
    if (this.told % viewEvery === 0) this.#live.tell({ tell: 'lane', lane: this.#view() });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stream(0);
    this.#live[Symbol.dispose]();
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #answer(path: string) {
    const all: Told = { tell: 'all', lanes: [this.#view()], stages: {}, verdicts: {} };
    if (path === '/lab/events') return { type: 'text/event-stream', body: this.#live.open(all) };
    if (path === '/lab/choices') return { type: 'application/json', body: Buffer.from(choices) };
    const { type = 'text/plain', body } = (await this.#files.read(path)) ?? {};
    return { type, body };
  }

  /** What servers remember is other each time, so that the page has it all to draw anew. */
  #view(): LaneView {
    const at = (n: number) => (this.told + n) % 9;
    return {
      ...{ id: 'a', answer: 'postgres', says: 'in PostgreSQL', policy: 'round-robin' },
      ...{ state: 'ready', gatewayUrl: '', perSecond: 200, experiment: null, run: '' },
      servers: names.map((name, n): ServerView => {
        const links = { link: 'whole', storeLink: 'whole' } as const;
        const state = { incarnation: 1, pid: n, state: 'up' } as const;
        return { name, ...state, ...links, remembers: [], remembersInAll: at(n) };
      }),
      store: { kind: 'postgres', state: 'whole', remembers: [], remembersInAll: at(0) },
      clients: clients.map(({ name, user }) => ({ name, user, sess: this.#login(name) })),
    };
  }

  #login(name: string): string | null {
    const times = this.#logins.get(name);
    return times === undefined ? null : `${name}.${times}`;
  }

  #request(tookMs: number): readonly HistoryEvent[] {
    const i = this.told;
    this.told += 1;
    this.#nowMs += tookMs;
    const client = clients[i % clients.length] ?? { name: '', user: '' };
    const { name, user } = client;
    const asked = { t: 'invoke', i, client: name, user, lane: 0, cred: null } as const;
    const when = { to: 'gateway', tPlan: this.#nowMs, tInv: this.#nowMs } as const;
    const answer = { i, server: `s${(i % servers) + 1}#1`, tEnd: this.#nowMs + 4 + (i % 7) };
    const sess = this.#login(name);
    if (sess === null || i % loginEvery === 0) {
      this.#logins.set(name, (this.#logins.get(name) ?? 0) + 1);
      const login: Invocation = { ...asked, ...when, f: 'login', sess };
      const set = { sess: this.#login(name) ?? '', set: 'hash', seen: { user } };
      return [login, { ...answer, t: 'ok', status: 201, ...set }];
    }
    const question: Invocation = { ...asked, ...when, f: 'whoami', sess };
    // Some are taken for nobody, and some find the store out.
    if (i % 20 === 7) return [question, { ...answer, t: 'fail', status: 503 }];
    const seen = { user: i % 10 === 3 ? null : user };
    return [question, { ...answer, t: 'ok', status: 200, seen }];
  }
}

const choices = JSON.stringify({ answers: [], policies: [], scenarios: [], people });
const names = Array.from({ length: servers }, (_, n) => `s${n + 1}`);
const header: RunHeader = {
  ...{ t: 'run', id: 'crowd', scenario: 'by-hand', answer: 'postgres', seed: 'crowd' },
  ...{ servers: names, policy: 'round-robin', lifetimes, selfContained: false },
};
