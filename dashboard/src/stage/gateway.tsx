// The one address that clients know, and the rule by which it chooses a server.

import { useContext } from 'preact/hooks';
import { nodes } from './layout.ts';
import { isPicked, OnStageContext } from './selection.ts';

export function Gateway() {
  const on = useContext(OnStageContext);
  if (on === null) return null;
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
        <span class="label">{on.view.value.policy}</span>
      </button>
    </div>
  );
}
