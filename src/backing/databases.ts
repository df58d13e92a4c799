// The few things done to a PostgreSQL server as a whole: make a database, drop some.
import { Client, escapeIdentifier } from 'pg';

/** Lends one connection for one piece of work. */
export async function withClient<T>(url: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return await work(client);
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** A new database, empty or a copy of a template that nobody is connected to; returns its URL. */
export async function createDatabase(
  serverUrl: string,
  name: string,
  template?: string,
): Promise<string> {
  const copy = template === undefined ? '' : ` TEMPLATE ${escapeIdentifier(template)}`;
  const create = `CREATE DATABASE ${escapeIdentifier(name)}${copy}`;
  await withClient(serverUrl, (client) => client.query(create));
  const url = new URL(serverUrl);
  url.pathname = encodeURIComponent(name);
  return url.href;
}

export async function dropDatabases(serverUrl: string, names: readonly string[]): Promise<void> {
  await withClient(serverUrl, async (client) => {
    for (const name of names) {
      await client.query(`DROP DATABASE IF EXISTS ${escapeIdentifier(name)} WITH (FORCE)`);
    }
  });
}
