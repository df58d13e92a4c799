// Every row of hostile bytes, to a real gateway: what becomes of it, that nothing hidden in it is
// carried out, and that whoever comes next, on the same connection or on another, gets an answer of
// their own.

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Gateway, RunningGateway } from '../../src/gateways/gateway.ts';
import { ask } from './asking.ts';
import { costly, type Hostile, hostile } from './hostile.ts';
import { TestServer } from './upstream.ts';

/** Longer than it takes to answer at once, shorter than a client may be slow. */
const patience = { timeout: 5_000, interval: 5 };

export function hostileContract(name: string, gateway: Gateway): void {
  describe(`${name}: hostile bytes`, () => {
    const server = new TestServer('s1');
    let running: RunningGateway;
    let canaries = 0;

    beforeAll(async () => {
      await server.start();
      running = await gateway.start({
        groups: [
          { name: 'servers', policy: 'round-robin', upstreams: [{ name: 's1', url: server.url }] },
        ],
        routes: [{ path: '/', group: 'servers' }],
        listen: { port: 0 },
        seed: 'hostile',
        answerTimeoutMs: 10_000,
      });
    });
    afterAll(async () => {
      await running[Symbol.asyncDispose]();
      await server.kill();
    });

    test.each(hostile.map((row) => [row.family, row.name, row] as const))(
      '%s: %s',
      async (...given) => {
        const row = given[2];
        server.seen.length = 0;
        await using line = await Line.open(running.url);
        line.say(row.bytes);
        await vi.waitFor(
          () => expect(line.isClosed || line.statuses.length > 0).toBe(true),
          patience,
        );
        judge(row, line, server);

        const canary = `/canary-${++canaries}`;
        const before = line.statuses.length;
        line.say(`GET ${canary} HTTP/1.1\r\nHost: a\r\n\r\n`);
        await vi.waitFor(() => {
          expect(line.isClosed || line.statuses.length > before).toBe(true);
        }, patience);
        if (line.statuses.length > before) {
          expect(line.statuses.slice(before)).toEqual([200]);
          expect(line.heard).toContain(`"url":"${canary}"`);
        }
        const fresh = await ask(`${running.url}${canary}-fresh`);
        expect([fresh.status, JSON.parse(fresh.body)]).toMatchObject([
          200,
          { url: `${canary}-fresh` },
        ]);
        expect(server.seen.map(({ url }) => url)).not.toContain('/smuggled');
      },
    );

    test('a hundred who send what is costly to read keep nobody waiting', async () => {
      const lines = await Promise.all(Array.from({ length: 100 }, () => Line.open(running.url)));
      for (const line of lines) line.say(costly);
      const line = await Line.open(running.url);
      line.say('GET /canary HTTP/1.1\r\nHost: a\r\n\r\n');
      await vi.waitFor(() => expect(line.statuses).toEqual([200]), patience);
      for (const each of [...lines, line]) await each[Symbol.asyncDispose]();
    });
  });
}

function judge(row: Hostile, line: Line, server: TestServer): void {
  const statuses = line.statuses;
  expect(statuses.length).toBeLessThanOrEqual(1);
  const [status = 400] = statuses;
  const seen = server.seen.filter(({ url }) => !url.startsWith('/canary'));
  if (status === 200) {
    expect(row.forwardedAs, 'it was forwarded').toBeDefined();
    expect(seen.map(({ url }) => url)).toEqual([row.forwardedAs]);
    if (row.hidden) expect(JSON.stringify(seen)).not.toMatch(row.hidden);
  } else {
    expect(status).toBeGreaterThanOrEqual(400);
    // A server may have read the beginning of what proved to be malformed later.
    expect(seen.every(({ url }) => url === '/')).toBe(true);
    expect(line.heard).not.toMatch(/nginx\/\d|node\.js|s3cret/i);
  }
}

/** One connection, and all that was heard on it. */
class Line implements AsyncDisposable {
  readonly #socket: Socket;
  heard = '';
  isClosed = false;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => {
      this.heard += text;
    });
    socket.on('error', () => undefined);
    socket.on('end', () => {
      this.isClosed = true;
    });
    socket.on('close', () => {
      this.isClosed = true;
    });
  }

  static async open(url: string): Promise<Line> {
    const { hostname, port } = new URL(url);
    const socket = connect({ host: hostname, port: Number(port) });
    await once(socket, 'connect');
    return new Line(socket);
  }

  /** Of every answer, in their order; what is told on the way (100 Continue) is no answer. */
  get statuses(): readonly number[] {
    const all = [...this.heard.matchAll(/HTTP\/1\.[01] (\d{3}) /g)].map(([, code]) => Number(code));
    return all.filter((code) => code >= 200);
  }

  say(bytes: string): void {
    if (this.#socket.writable) this.#socket.write(bytes, 'latin1');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.destroy();
  }
}
