// Everybody logs in, looks around, logs out, and then presents the dead credential again: at once
// and at growing distances up to two seconds, on every server directly and through the gateway.
// Whoever stole the credential would do just that.

import type { Random } from '../core/random.ts';
import type { Step, Workload } from './workload.ts';

/** Milliseconds after the logout; a factor of about four apart, so that any lag is bracketed. */
const replayOffsetsMs = [0, 5, 20, 80, 320, 1_000, 2_000] as const;

export const logoutReplay: Workload = {
  says: 'log in, log out, and present the dead credential again on every server',
  plan: ({ random, servers, lengthMs, users }) =>
    Array.from({ length: users }, (_, index) => {
      const client = `c${index + 1}`;
      const own = random.fork(client);
      return { client, user: `user${index + 1}`, lanes: [visit(own, servers, lengthMs)] };
    }),
};

function visit(random: Random, servers: number, lengthMs: number): readonly Step[] {
  const last = Math.max(...replayOffsetsMs);
  const logoutAtMs = Math.round(Math.max(300, lengthMs - last) * (0.5 + random.next() / 2));
  const loginAtMs = Math.round(logoutAtMs * 0.3 * random.next());
  const look = (part: number): Step => ({
    atMs: Math.round(loginAtMs + (logoutAtMs - loginAtMs) * part),
    f: 'whoami',
  });
  return [
    { atMs: loginAtMs, f: 'login' },
    look(0.4),
    look(0.7),
    { atMs: logoutAtMs, f: 'logout' },
    ...replayOffsetsMs.flatMap((offset) => replays(servers, logoutAtMs + offset)),
  ];
}

/** The dead credential once through the gateway and once on each server. */
export function replays(servers: number, atMs: number): readonly Step[] {
  const direct = Array.from({ length: servers }, (_, server) => ({
    atMs,
    f: 'replay' as const,
    server,
  }));
  return [{ atMs, f: 'replay' }, ...direct];
}
