// Where one plays: the lanes side by side, what can be chosen above them, what people do below.

import { useSignal } from '@preact/signals';
import { Dock } from './controls/dock.tsx';
import { Experiment } from './controls/experiment.tsx';
import { LanePicker } from './controls/lane-picker.tsx';
import { Outcome } from './controls/outcome.tsx';
import { Lane } from './lane.tsx';
import type { LaneState } from './lane-state.ts';
import { line } from './live.ts';
import { Voice } from './voice.tsx';

const question = 'Alice logs in on one server. How does another know that she is the same person?';

type Panel = 'lanes' | 'experiment';

export function Sandbox({ lanes }: { readonly lanes: readonly LaneState[] }) {
  const panel = useSignal<Panel | null>(null);
  const toggle = (which: Panel, word: string) => (
    <button
      type="button"
      class="button"
      aria-expanded={panel.value === which}
      onClick={() => {
        panel.value = panel.value === which ? null : which;
      }}
    >
      {word}
    </button>
  );
  const close = () => {
    panel.value = null;
  };
  return (
    <div class="sandbox">
      <div class="question">
        <h1 class="asks">{question}</h1>
        <div class="row">
          {toggle('lanes', 'Choose answers')}
          {toggle('experiment', 'Run an experiment')}
        </div>
      </div>
      {panel.value === 'lanes' && <LanePicker onDone={close} />}
      {panel.value === 'experiment' && <Experiment onDone={close} />}
      <Outcome />
      <LaneColumns lanes={lanes} />
      <Voice lanes={lanes} />
      <Dock />
    </div>
  );
}

interface ColumnsProps {
  readonly lanes: readonly LaneState[];
  readonly isBrief?: boolean;
}

export function LaneColumns({ lanes, isBrief = false }: ColumnsProps) {
  if (lanes.length === 0) {
    const says = line.value === 'broken' ? 'The lab does not answer.' : 'The lab is opening …';
    return <p class="empty quiet">{says}</p>;
  }
  return (
    <div class={`lanes lanes-${lanes.length}`}>
      {lanes.map((lane) => (
        <Lane key={`${lane.view.peek().id} ${lane.number}`} shown={lane} isLive isBrief={isBrief} />
      ))}
    </div>
  );
}
