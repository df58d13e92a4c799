// Servers that the environment names: PostgreSQL by DATABASE_URL or PGHOST and its relatives,
// Redis by REDIS_URL. Each is asked once, so that a wrong address is reported at the start, by
// where it points and without its password, and not by a timeout in the middle of a run.
import { OperatingError } from '../core/errors.ts';
import { RedisConnection } from '../stores/redis-connection.ts';
import { withClient } from './databases.ts';

export interface Existing {
  readonly url: string;
  /** The variable that named it. */
  readonly origin: string;
}

const answerWithinMs = 5_000;

/** undefined when the environment names none. */
export async function existingPostgres(env: NodeJS.ProcessEnv): Promise<Existing | undefined> {
  const named = postgresOf(env);
  if (named === undefined) return undefined;
  try {
    await withClient(named.url, (client) => client.query('SELECT 1'));
  } catch (cause) {
    throw unavailable('PostgreSQL', named, cause);
  }
  return named;
}

/** undefined when the environment names none. */
export async function existingRedis(env: NodeJS.ProcessEnv): Promise<Existing | undefined> {
  if (!env.REDIS_URL) return undefined;
  const named = { url: env.REDIS_URL, origin: 'REDIS_URL' };
  try {
    using _ = await RedisConnection.open(named.url, answerWithinMs);
  } catch (cause) {
    throw unavailable('Redis', named, cause);
  }
  return named;
}

function postgresOf(env: NodeJS.ProcessEnv): Existing | undefined {
  if (env.DATABASE_URL) return { url: env.DATABASE_URL, origin: 'DATABASE_URL' };
  if (!env.PGHOST) return undefined;
  const isSocket = env.PGHOST.startsWith('/');
  const url = new URL(`postgresql://${isSocket ? 'localhost' : env.PGHOST}`);
  url.port = env.PGPORT ?? '';
  url.username = encodeURIComponent(env.PGUSER ?? env.USER ?? 'postgres');
  url.password = encodeURIComponent(env.PGPASSWORD ?? '');
  url.pathname = env.PGDATABASE ?? 'postgres';
  if (isSocket) url.searchParams.set('host', env.PGHOST);
  return { url: url.href, origin: 'PGHOST' };
}

/** Host, port and path of a URL, never its user or password. */
function whereOf(url: string): string {
  if (!URL.canParse(url)) return 'an address that is not a URL';
  const { host, pathname } = new URL(url);
  return `${host}${pathname}`;
}

/** Of Redis the store has said already where it is and why it cannot be used. */
function unavailable(kind: string, { url, origin }: Existing, cause: unknown): OperatingError {
  const code = cause instanceof Error && 'code' in cause ? ` (${cause.code})` : '';
  const what =
    cause instanceof OperatingError
      ? cause.message
      : `${kind} at ${whereOf(url)} cannot be used${code}`;
  return new OperatingError('backing-unavailable', {
    detail: `${what}: start it, correct ${origin}, or unset it to use a private one`,
    cause,
  });
}
