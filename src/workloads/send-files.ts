// Everybody sends files of very different sizes, each three times over: what broke off is gone on
// with, and what is stored already must give the same receipt. They list and fetch their own, and
// try to fetch those of a neighbour. Who is not known, or not any more, logs in again.

import type { Random } from '../core/random.ts';
import type { Step, Workload } from './workload.ts';

const filesPerUser = 5;
const bytesMin = 1_000;
/** Sizes are spread evenly over their logarithms, up to 2 MB. */
const bytesRange = 2_000;

export const sendFiles: Workload = {
  says: 'send files, each until it is surely there, and ask for them and for those of others',
  plan: ({ random, lengthMs, users }) =>
    Array.from({ length: users }, (_, index) => {
      const client = `c${index + 1}`;
      const neighbour = `c${((index + 1) % users) + 1}`;
      const own = random.fork(client);
      const lane = [login(own, lengthMs), ...files(own, lengthMs, client, neighbour)];
      return { client, user: `user${index + 1}`, lanes: [lane] };
    }),
};

function login(random: Random, lengthMs: number): Step {
  return { atMs: Math.round(random.next() * 0.1 * lengthMs), f: 'login' };
}

function files(
  random: Random,
  lengthMs: number,
  client: string,
  neighbour: string,
): readonly Step[] {
  const slice = lengthMs / (filesPerUser + 1);
  return Array.from({ length: filesPerUser }, (_, index) => {
    const start = (index + 0.7 + 0.3 * random.next()) * slice;
    const at = (part: number) => ({ atMs: Math.round(start + part * slice) });
    const key = `${client}-${index + 1}.txt`;
    const send = {
      f: 'send',
      key,
      val: Math.round(bytesMin * bytesRange ** random.next()),
    } as const;
    return [
      { ...at(0), ...send },
      { ...at(0.02), f: 'list' },
      { ...at(0.1), f: 'login', again: true },
      { ...at(0.1), ...send },
      { ...at(0.4), ...send },
      { ...at(0.5), f: 'fetch', key },
      { ...at(0.6), f: 'fetch', key: `${neighbour}-${index + 1}.txt` },
      { ...at(0.7), f: 'whoami' },
    ] as const satisfies Step[];
  }).flat();
}
