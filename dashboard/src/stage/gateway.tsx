// The one address that clients know, and the rule by which it chooses a server.

import { useContext } from 'preact/hooks';
import { nodes } from './layout.ts';
import { isPicked, OnStageContext } from './selection.ts';

/** For who meets them for the first time, in the tour. */
const policyWords: Readonly<Record<string, string>> = {
  'round-robin': 'the servers take turns',
  'sticky-cookie': 'each stays with one server',
};

export function Gateway() {
  const on = useContext(OnStageContext);
  if (on === null) return null;
  const { policy } = on.view.value;
  const picked = isPicked(on.picked.value, 'gateway');
  return (
    <div class="column gateway-place">
      <button
        type="button"
        class="node gateway"
        data-node={nodes.gateway}
        aria-pressed={picked}
        onClick={() => {
          on.picked.value = picked ? null : { kind: 'gateway' };
        }}
      >
        <span class="name">gateway</span>
        <span class="label">{policy}</span>
        {on.isBrief && <span class="small">{policyWords[policy]}</span>}
      </button>
    </div>
  );
}
