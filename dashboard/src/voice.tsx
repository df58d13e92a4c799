// Tells whoever does not see the stage what became of requests: the newest that did not go as one
// would wish, at most one every two seconds, or nothing would be understood.

import { useSignal, useSignalEffect } from '@preact/signals';
import { useRef } from 'preact/hooks';
import type { Shown } from './lane-state.ts';
import { spoken } from './measures/log.tsx';

const pauseMs = 2_000;

export function Voice({ lanes }: { readonly lanes: readonly Shown[] }) {
  const said = useSignal('');
  const lastAt = useRef(0);
  useSignalEffect(() => {
    const sentences = lanes.flatMap((lane) => {
      const last = lane.stage.value.arrived.at(-1);
      return last === undefined ? [] : [`${lane.view.peek().answer}: ${spoken(last)}`];
    });
    const now = performance.now();
    if (now - lastAt.current < pauseMs) return;
    lastAt.current = now;
    said.value = sentences.join(' ');
  });
  return (
    <p class="unseen" role="log" aria-label="what happened" aria-live="polite">
      {said.value}
    </p>
  );
}
