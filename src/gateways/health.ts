// What a gateway knows of the health of its servers, and how it finds out. A server is new and
// trusted, `ready`, `unready` (it answers, but not that it is ready, or it is slow) or `down` (it
// refuses connections). When no server is ready the unready ones are asked all the same: a store
// that is out makes every server unready at once, and an empty pool would turn a partial outage
// into a whole one (Envoy calls this the panic threshold).

import { get } from 'node:http';

const CHECK_INTERVAL_MS = 250;
const CHECK_TIMEOUT_MS = 1_000;
/**
 * One late answer on a busy machine must not move every client that sticks to a server; a server
 * that says itself that it is not ready (503) is believed at once, for it may be about to leave.
 */
const FAILURES_MAX = 2;

export interface Checked {
  readonly url: URL;
  health: 'ready' | 'unready' | 'down';
  failures: number;
  isBeingChecked: boolean;
}

type Finding = 'good' | 'bad' | 'closing' | 'refused';

/** A server that nothing is known of. */
export function unchecked(url: URL): Checked {
  return { url, health: 'ready', failures: 0, isBeingChecked: false };
}

/** Who may be asked, in the order given. */
export function askable<Server extends Checked>(servers: readonly Server[]): readonly Server[] {
  const ready = servers.filter((server) => server.health === 'ready');
  return ready.length > 0 ? ready : servers.filter((server) => server.health === 'unready');
}

/** Checks them over and over; ends with the returned function. */
export function startChecking(
  servers: () => Iterable<Checked>,
  onChange: () => void = () => undefined,
): () => void {
  const timer = setInterval(() => {
    for (const server of servers()) if (!server.isBeingChecked) void check(server, onChange);
  }, CHECK_INTERVAL_MS);
  return () => clearInterval(timer);
}

async function check(server: Checked, onChange: () => void): Promise<void> {
  const before = server.health;
  server.isBeingChecked = true;
  const finding = await ask(new URL('/health/ready', server.url));
  server.isBeingChecked = false;
  if (finding === 'good') {
    server.failures = 0;
    server.health = 'ready';
  } else if (finding === 'refused') {
    server.health = 'down';
  } else {
    server.failures += 1;
    if (finding === 'closing' || server.failures >= FAILURES_MAX) server.health = 'unready';
  }
  if (server.health !== before) onChange();
}

function ask(url: URL): Promise<Finding> {
  return new Promise((resolve) => {
    let isTooLate = false;
    const request = get(url, { agent: false }, (answer) => {
      answer.resume();
      if (answer.statusCode === 200) resolve('good');
      else resolve(answer.statusCode === 503 ? 'closing' : 'bad');
    });
    const timer = setTimeout(() => {
      isTooLate = true;
      request.destroy();
    }, CHECK_TIMEOUT_MS);
    request.on('error', () => resolve(isTooLate ? 'bad' : 'refused'));
    request.on('close', () => clearTimeout(timer));
  });
}
