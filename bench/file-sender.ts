// A process that sends files with our client, each over a connection of its own, as it is ordered,
// and says how long each took: from before the connection to the receipt. What it sent is removed
// again, after the time was taken.

import { connectTransfer } from '../src/transfer/client.ts';

export interface Order {
  readonly number: number;
  readonly port: number;
  readonly path: string;
}

export interface Sent {
  readonly t: 'sent';
  readonly number: number;
  readonly ms: number;
}

async function send({ number, port, path }: Order): Promise<Sent> {
  const startedMs = performance.now();
  await using client = await connectTransfer({ port, attempts: 1 });
  const { id } = await client.send(path, { name: `bench-${number}` });
  const ms = performance.now() - startedMs;
  await client.remove(id);
  return { t: 'sent', number, ms };
}

process.on('message', async (order: Order | 'cpu-time') => {
  if (order !== 'cpu-time') process.send?.(await send(order));
});
