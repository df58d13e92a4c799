// What would make PostgreSQL forget an ending that it has acknowledged, asked once at the start.

import { Client } from 'pg';
import { unavailable } from './outage.ts';

const timeoutMs = 5_000;
const dangers = {
  synchronous_commit: 'a crash of its machine may undo endings that were acknowledged',
  fsync: 'a crash of its machine may destroy the database',
  full_page_writes: 'a crash of its machine may damage pages',
};

/**
 * Sentences for the log; empty when nothing is known against it. Asked as the user and for the
 * database of the URL, because settings may differ by both.
 * @throws OperatingError `store-unavailable` when it does not answer.
 */
export async function postgresHazards(url: string): Promise<string[]> {
  const client = new Client({
    connectionString: url,
    connectionTimeoutMillis: timeoutMs,
    query_timeout: timeoutMs,
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
    const { rows } = await client.query<{ name: keyof typeof dangers }>(
      `SELECT name FROM pg_settings WHERE setting = 'off' AND name = ANY($1) ORDER BY name`,
      [Object.keys(dangers)],
    );
    return rows.map(({ name }) => `PostgreSQL runs with ${name}=off: ${dangers[name]}`);
  } catch (cause) {
    throw unavailable(cause);
  } finally {
    await client.end().catch(() => undefined);
  }
}
