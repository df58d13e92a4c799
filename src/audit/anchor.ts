// Where heads are kept outside the log: a folder, best on a volume that the log's writer can only
// append to, or a table in PostgreSQL. What a head vouches for can then be neither rewritten nor
// cut off unseen, as long as the anchor is beyond the reach of whoever has the log.

import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { makeFolder, syncFolder } from '../core/durable-folder.ts';
import type { SignedHead } from './head.ts';
import { type Line, linesOf } from './segments.ts';

export interface Anchor extends AsyncDisposable {
  /** Resolves when the head is durable. Rejects with whatever kept it from that. */
  put(head: SignedHead): Promise<void>;
  /** Smallest first. */
  heads(log: string): Promise<readonly SignedHead[]>;
  /** The largest. */
  newest(log: string): Promise<SignedHead | undefined>;
  /** The names of all logs that it vouches for. */
  logs(): Promise<readonly string[]>;
}

/** @param where a folder, or the URL of a PostgreSQL; opening asks nobody. */
export function openAnchor(where: string): Anchor {
  return /^postgres(ql)?:/.test(where) ? new PostgresAnchor(where) : new FolderAnchor(where);
}

const suffix = '.heads.ndjson';

class FolderAnchor implements Anchor {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async put(head: SignedHead): Promise<void> {
    await makeFolder(this.#folder);
    await using handle = await open(this.#file(head.log), 'a', 0o600);
    // The line feed before it parts it from what a killed process may have left.
    await handle.appendFile(`\n${JSON.stringify(head)}\n`);
    await handle.sync();
    await syncFolder(this.#folder);
  }

  async heads(log: string): Promise<readonly SignedHead[]> {
    const lines = await Array.fromAsync(linesOf(this.#file(log))).catch(ifMissing<Line[]>([]));
    const heads = lines.flatMap(({ bytes }) => parseHead(bytes.toString(), log) ?? []);
    return heads.toSorted((a, b) => a.size - b.size);
  }

  /** Heads are put in their order, but for those that retire; half a million in a year. */
  async newest(log: string): Promise<SignedHead | undefined> {
    const end = await endOf(this.#file(log)).catch(ifMissing(''));
    const heads = end.split('\n').flatMap((line) => parseHead(line, log) ?? []);
    return heads.findLast(({ retires }) => !retires) ?? (await this.heads(log)).at(-1);
  }

  async logs(): Promise<readonly string[]> {
    const names = await readdir(this.#folder).catch(ifMissing<string[]>([]));
    const ours = names.filter((name) => name.endsWith(suffix));
    return ours.map((name) => name.slice(0, -suffix.length)).toSorted();
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  #file(log: string): string {
    return join(this.#folder, log + suffix);
  }
}

const endBytes = 16 * 1024;

async function endOf(file: string): Promise<string> {
  await using handle = await open(file);
  const { size } = await handle.stat();
  const position = Math.max(0, size - endBytes);
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(endBytes), { position });
  return buffer.toString('utf8', 0, bytesRead);
}

/** The head on a line; undefined when there is none, or one of another log. */
function parseHead(line: string, log: string): SignedHead | undefined {
  try {
    const head: Partial<SignedHead> | null = JSON.parse(line);
    const isOurs = head?.log === log;
    const isHead = isOurs && Number.isSafeInteger(head.size) && typeof head.hash === 'string';
    return isHead ? (head as SignedHead) : undefined;
  } catch {
    return undefined;
  }
}

function ifMissing<T>(value: T) {
  return (cause: unknown): T => {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return value;
    throw cause;
  };
}

const timeoutMs = 2_000;
const undefinedTable = '42P01';
const columns = 'log, size::float8 as size, hash, made_at as time, retires, signature';

class PostgresAnchor implements Anchor {
  readonly #pool: pg.Pool;

  constructor(connectionString: string) {
    this.#pool = new pg.Pool({
      ...{ connectionString, max: 1, allowExitOnIdle: true },
      ...{ connectionTimeoutMillis: timeoutMs, query_timeout: timeoutMs },
    });
    this.#pool.on('error', () => undefined);
  }

  async put({ log, size, hash, time, retires = false, signature }: SignedHead): Promise<void> {
    // Whoever writes may have the right to insert and none to create.
    await this.#pool.query(
      `insert into audit_heads (log, size, hash, made_at, retires, signature)
       values ($1, $2, $3, $4, $5, $6)`,
      [log, size, hash, time, retires, signature],
    );
  }

  async heads(log: string): Promise<readonly SignedHead[]> {
    return this.#select(`select ${columns} from audit_heads where log = $1 order by size`, [log]);
  }

  async newest(log: string): Promise<SignedHead | undefined> {
    const query = `select ${columns} from audit_heads where log = $1 order by size desc limit 1`;
    return (await this.#select<SignedHead>(query, [log])).at(0);
  }

  async logs(): Promise<readonly string[]> {
    const rows = await this.#select<{ log: string }>('select distinct log from audit_heads', []);
    return rows.map(({ log }) => log).toSorted();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pool.end();
  }

  async #select<Row extends object = SignedHead>(query: string, values: readonly unknown[]) {
    const ask = () => this.#pool.query<Row>(query, [...values]);
    const { rows } = await ask().catch(async (cause: unknown) => {
      if (!(cause instanceof pg.DatabaseError && cause.code === undefinedTable)) throw cause;
      // Another may be making it at this moment, or have to.
      await this.#createTable().catch(() => undefined);
      return ask();
    });
    return rows;
  }

  async #createTable(): Promise<void> {
    await this.#pool.query(`
      create table if not exists audit_heads (
        log text not null,
        size bigint not null,
        hash text not null,
        made_at text not null,
        retires boolean not null default false,
        signature text,
        noted_at timestamptz not null default now()
      );
      create index if not exists audit_heads_of on audit_heads (log, size)`);
  }
}
