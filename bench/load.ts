// One round of one subject: as many requests as it answers in the given time over ten connections,
// with the CPU time that it spent on them.

import autocannon from 'autocannon';
import type { Running } from './running.ts';

export interface Round {
  readonly perSecond: number;
  /** CPU time of the server per request, in microseconds. */
  readonly cpuMicros: number;
}

const connections = 10;

type Headers = Readonly<Record<string, string>>;

/**
 * Requests carry the subject's own header fields, or each the next ones.
 *
 * @throws Error when any answer was not a 200: a wrong answer is fast.
 */
export async function measure(
  subject: Running,
  seconds: number,
  next: () => Headers = () => subject.headers,
): Promise<Round> {
  const isFixed = next() === subject.headers;
  const before = await subject.cpuMicros();
  const result = await autocannon({
    url: `${subject.url}/dashboard`,
    connections,
    duration: seconds,
    setupClient(client) {
      client.setHeaders({ ...next() });
      if (!isFixed) client.on('response', () => client.setHeaders({ ...next() }));
    },
  });
  const after = await subject.cpuMicros();
  if (result.non2xx > 0 || result.errors > 0) {
    throw new Error(`${subject.name}: ${result.non2xx} refusals, ${result.errors} errors`);
  }
  const requests = result['2xx'];
  return { perSecond: requests / result.duration, cpuMicros: (after - before) / requests };
}
