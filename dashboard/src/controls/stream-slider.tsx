// How many requests a second are sent by themselves, by all who are logged in, in turns. Steps that
// grow, because 1 and 5 differ more than 150 and 200.

import { useSignal } from '@preact/signals';

const steps = [0, 1, 2, 5, 10, 20, 50, 100, 200];

interface Props {
  readonly perSecond: number;
  readonly isOpen: boolean;
  readonly onChange: (perSecond: number) => void;
}

export function StreamSlider({ perSecond, isOpen, onChange }: Props) {
  const sliding = useSignal<number | null>(null);
  const shown = sliding.value ?? perSecond;
  return (
    <label class="stream">
      <span class="label">stream</span>
      <input
        type="range"
        min="0"
        max={steps.length - 1}
        step="1"
        disabled={!isOpen}
        value={stepOf(shown)}
        aria-valuetext={`${shown} requests a second`}
        onInput={({ currentTarget }) => {
          sliding.value = steps[Number(currentTarget.value)] ?? 0;
        }}
        onChange={({ currentTarget }) => {
          sliding.value = null;
          onChange(steps[Number(currentTarget.value)] ?? 0);
        }}
      />
      <output class="small">{shown} /s</output>
    </label>
  );
}

function stepOf(perSecond: number): number {
  const at = steps.findIndex((step) => step >= perSecond);
  return at < 0 ? steps.length - 1 : at;
}
