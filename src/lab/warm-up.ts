// The first requests of a fresh process open its connections and compile its code, which on a busy
// machine can outlast a time limit. Orchestrators send a new server no users before it has warmed
// up, and neither does the lab: it logs somebody in and out twice at once, off the record.

const atOnce = 2;
const giveUpMs = 20_000;

export interface Visitor {
  readonly username: string;
  readonly password: string;
}

/** Resolves when the server has served several visitors at once. */
export async function warmUp(url: string, visitor: Visitor): Promise<void> {
  const signal = AbortSignal.timeout(giveUpMs);
  while (!(await visit(url, visitor, signal)).every(Boolean)) signal.throwIfAborted();
}

function visit(url: string, visitor: Visitor, signal: AbortSignal): Promise<boolean[]> {
  return Promise.all(Array.from({ length: atOnce }, () => comeAndGo(url, visitor, signal)));
}

async function comeAndGo(url: string, visitor: Visitor, signal: AbortSignal): Promise<boolean> {
  const ask = (path: string, init: RequestInit) => fetch(`${url}${path}`, { ...init, signal });
  const login = await ask('/login', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(visitor),
  });
  const { accessToken } = (await login.json()) as { accessToken?: string };
  const cookie = login.headers.getSetCookie().map((line) => line.split(';')[0]);
  const headers = {
    cookie: cookie.join('; '),
    ...(accessToken && { authorization: `Bearer ${accessToken}` }),
  };
  const look = await ask('/me', { headers });
  await look.body?.cancel();
  const logout = await ask('/logout', { method: 'POST', headers });
  return login.ok && look.ok && logout.ok;
}
