// A log of endings in PostgreSQL. An ending is a row, acknowledged when its transaction is on disk
// (`synchronous_commit`), and is pushed to all servers by NOTIFY in the same transaction. A push can
// be lost, so each server also polls, and must not miss a row whose transaction committed late:
// rows carry the number of their transaction, and a snapshot of the database knows the oldest one
// that is still running (`pg_snapshot_xmin`). All below that are done, so the next poll begins there;
// what it reads twice changes nothing. Numbers of another database mean nothing (a failover, a
// restored backup): each new connection begins with everything.

import { Client, Pool, type QueryResult } from 'pg';
import Type, { type Static } from 'typebox';
import { Compile } from 'typebox/compile';
import { inTime } from '../core/deadline.ts';
import { available, durably, FollowedLog, pushed, type Source } from './followed-log.ts';
import { channel, makeTable, statements } from './postgres-table.ts';
import type { RevocationLog, RevocationOptions, Revocations, Spared } from './revocation-log.ts';
import type { Kept, View } from './view.ts';

const connectionsMax = 4;
const pageRowsMax = 1_000;
const endingsPerSweep = 64;

const Row = Type.Object({
  kind: Type.Union([Type.Literal('session'), Type.Literal('user')]),
  subject: Type.String(),
  epoch: Type.Number(),
  spared: Type.Union([Type.String(), Type.Null()]),
  until: Type.Number(),
});
type Row = Static<typeof Row>;
const rowForm = Compile(Row);

interface PageRow extends Row {
  /** Null in a page without rows. */
  readonly transaction: string | null;
  readonly position: string;
}

class PostgresSource implements Source {
  readonly #options: ConstructorParameters<typeof Client>[0] & object;
  readonly #pool: Pool;
  readonly #timeoutMs: number;
  readonly #view: View;
  #listening: Client | undefined;
  /** All that transactions before this one did has been read on this connection. */
  #position = '0';
  #endings = 0;

  constructor(connectionString: string, timeoutMs: number, view: View) {
    // Half for a connection, half for the answer: together no more than any question may take.
    const halfMs = Math.ceil(timeoutMs / 2);
    this.#options = { connectionString, connectionTimeoutMillis: halfMs, query_timeout: halfMs };
    this.#pool = new Pool({
      ...this.#options,
      max: connectionsMax,
      onConnect: async (client) => {
        await client.query(statements.commitDurably);
      },
    });
    this.#pool.on('error', () => undefined);
    this.#timeoutMs = timeoutMs;
    this.#view = view;
  }

  async endSession(sessionId: string, until: number): Promise<void> {
    await durably(this.#ask('endSession', [sessionId, until]));
    this.#sweepSometimes();
  }

  async endUser(userId: string, until: number, spared?: Spared): Promise<number> {
    const values = [userId, until, spared?.id ?? null, spared?.epoch ?? 0];
    const { rows } = await durably(this.#ask('endUser', values));
    this.#sweepSometimes();
    return rows[0]?.epoch ?? 0;
  }

  async find(userId: string, sessionId?: string): Promise<readonly Kept[]> {
    const { rows } = await available(this.#ask('find', [userId, sessionId ?? null]));
    return rows.map(keptIn);
  }

  async poll(): Promise<void> {
    await available(this.#readNew()).catch((failure: unknown) => {
      this.#drop(this.#listening);
      throw failure;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#drop(this.#listening);
    // A connection that was cut does not take its leave.
    await inTime(this.#timeoutMs, this.#pool.end()).catch(() => undefined);
  }

  #ask(verb: keyof typeof statements, values: unknown[]): Promise<QueryResult> {
    return this.#pool.query({ name: verb, text: statements[verb], values });
  }

  async #readNew(): Promise<void> {
    this.#listening ??= await this.#listen();
    const client = this.#listening;
    let after = [this.#position, '', ''];
    let position: string | undefined;
    for (;;) {
      const values = [...after, pageRowsMax];
      const { rows } = await client.query<PageRow>({ name: 'page', text: statements.page, values });
      // The first page decides: what commits while the others are read is for the next poll.
      position ??= rows[0]?.position ?? this.#position;
      const found = rows.filter(({ transaction }) => transaction !== null);
      for (const row of found) this.#view.learn(keptIn(row));
      const last = found[pageRowsMax - 1];
      if (last === undefined) break;
      after = [last.transaction ?? '', last.kind, last.subject];
    }
    if (client === this.#listening) this.#position = position;
  }

  /** Listens before it reads, so that nothing falls between. */
  async #listen(): Promise<Client> {
    const client = new Client(this.#options);
    client.on('error', () => this.#drop(client));
    client.on('end', () => this.#drop(client));
    client.on('notification', ({ payload }) => {
      const row = pushed(payload ?? '', rowForm);
      if (row) this.#view.learn(keptIn(row));
    });
    try {
      await client.connect();
      await client.query(`LISTEN ${channel}`);
    } catch (failure) {
      this.#drop(client);
      throw failure;
    }
    this.#position = '0';
    return client;
  }

  #drop(client: Client | undefined): void {
    if (client === this.#listening) this.#listening = undefined;
    void client?.end().catch(() => undefined);
  }

  /** Nobody waits for it, and the next one makes up for one that failed. */
  #sweepSometimes(): void {
    this.#endings += 1;
    if (this.#endings % endingsPerSweep === 1) this.#ask('sweep', []).catch(() => undefined);
  }
}

function keptIn({ kind, subject, epoch, spared, until }: Row): Kept {
  if (kind === 'session') return { kind, sessionId: subject, until };
  return { kind, userId: subject, epoch, until, ...(spared !== null && { except: spared }) };
}

async function openPostgres(options: RevocationOptions): Promise<RevocationLog> {
  const { url = 'postgresql://127.0.0.1:5432/postgres', timeoutMs } = options;
  await available(makeTable(url));
  return FollowedLog.open(options, (view) => new PostgresSource(url, timeoutMs, view));
}

export const postgres: Revocations = {
  says: 'in PostgreSQL, which pushes each ending to every server',
  lossWindow:
    'nothing while the disk lives; with a standby that takes over, what was not replicated, unless synchronous_standby_names makes a commit wait for it',
  shared: true,
  claims: {
    revocation: { holds: true, because: 'an ending is on disk before it is acknowledged' },
    'no-resurrection': { holds: true, because: 'what a server has learned it does not forget' },
    'fails-closed': { holds: true, because: 'a server with too old a view asks, or refuses' },
  },
  open: openPostgres,
};
