// How many servers a lane has: what is asked for is started, or stopped from the last one on.

import { useSignal } from '@preact/signals';
import type { LaneView } from '../../../src/api/contract.ts';
import { give, underWay } from '../orders.ts';

const serversMax = 100;

export function ServerCount({ view }: { readonly view: LaneView }) {
  const typed = useSignal<string | null>(null);
  const there = view.servers.length;
  const order = (servers: number) => {
    typed.value = null;
    const isOne = Number.isInteger(servers) && servers >= 1 && servers <= serversMax;
    if (isOne && servers !== there) void give({ do: 'set-servers', servers, lane: view.id });
  };
  return (
    <label class="label count">
      servers{' '}
      <input
        type="number"
        min="1"
        max={serversMax}
        disabled={underWay.value > 0}
        value={typed.value ?? String(there)}
        onInput={({ currentTarget }) => {
          typed.value = currentTarget.value;
        }}
        onChange={({ currentTarget }) => order(currentTarget.valueAsNumber)}
      />
    </label>
  );
}
