// The store that all servers ask, where there is one, and what it remembers.

import { useContext } from 'preact/hooks';
import type { LaneId, StoreView } from '../../../src/api/contract.ts';
import { give, underWay } from '../orders.ts';
import { Chips } from './chips.tsx';
import { nodes } from './layout.ts';
import { isPicked, OnStageContext } from './selection.ts';

export const linkWords = {
  whole: '',
  slow: 'the way is slow',
  cut: 'cut off, in silence',
  refusing: 'refuses connections',
} as const;

/** A token proves itself: the store knows only whose may be replaced by a fresh one. */
export function storeVerb(answer: string): string {
  return answer.startsWith('token') ? 'can renew' : 'remembers';
}

export function Store() {
  const on = useContext(OnStageContext);
  const store = on?.view.value.store;
  if (on === null || store === null || store === undefined) return null;
  const picked = isPicked(on.picked.value, 'store');
  const verb = storeVerb(on.view.value.answer);
  return (
    <div class="column store-place">
      <div class={`node store ${store.state}`} data-node={nodes.store}>
        <button
          type="button"
          class="head"
          aria-pressed={picked}
          onClick={() => {
            on.picked.value = picked ? null : { kind: 'store' };
          }}
        >
          <span class="name">{store.kind}</span>
          <span class="state">{linkWords[store.state]}</span>
        </button>
        <Chips
          remembers={store.remembers}
          inAll={store.remembersInAll}
          most={6}
          verb={verb}
          nothing={
            on.view.value.experiment === null ? `${verb} nobody` : 'not listed in an experiment'
          }
        />
        {on.orders !== undefined && !on.isBrief && <StoreAction lane={on.orders} store={store} />}
      </div>
    </div>
  );
}

interface ActionProps {
  readonly lane: LaneId;
  readonly store: StoreView;
}

/** What one looks for first; the rest is under its name. */
function StoreAction({ lane, store }: ActionProps) {
  const isWhole = store.state === 'whole';
  return (
    <div class="actions">
      <button
        type="button"
        class="button"
        disabled={underWay.value > 0}
        onClick={() => void give({ do: isWhole ? 'cut' : 'heal', lane, link: 'store' })}
      >
        {isWhole ? 'Cut' : 'Heal'}
        <span class="unseen"> the store</span>
      </button>
    </div>
  );
}

/** Where a store would stand. */
export function NoStore() {
  const on = useContext(OnStageContext);
  const isToken = on?.view.value.answer.startsWith('token') === true;
  return (
    <div class="column store-place">
      <p class="no-store label">{isToken ? 'no store is asked' : 'nothing is shared'}</p>
    </div>
  );
}
