// What would make PostgreSQL forget an ending that it has acknowledged, asked once at the start.

import { Client } from 'pg';
import { unavailable } from './outage.ts';

const timeoutMs = 5_000;
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
    const { rows } = await client.query('SHOW synchronous_commit');
    if (rows[0]?.synchronous_commit !== 'off') return [];
    return [
      'PostgreSQL acknowledges before it has written (synchronous_commit off): its crash may undo ' +
        'endings and registrations; set synchronous_commit to on',
    ];
  } catch (cause) {
    throw unavailable(cause);
  } finally {
    await client.end().catch(() => undefined);
  }
}
