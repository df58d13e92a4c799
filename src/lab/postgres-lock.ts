// The lock that a migration takes: while it is held every statement on the table of sessions waits.

import { Client } from 'pg';

/** Resolves when it is held; disposing gives it back. */
export async function lockSessions(url: string): Promise<AsyncDisposable> {
  const client = new Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  await client.query('BEGIN; LOCK TABLE sessions IN ACCESS EXCLUSIVE MODE');
  return { [Symbol.asyncDispose]: () => client.end() };
}
