// One lane: its answer and where the memory is, the stage, what was said last, and underneath what
// is measured, judged and logged.

import { useComputed, useSignal } from '@preact/signals';
import { useEffect, useMemo } from 'preact/hooks';
import { ServerCount } from './controls/server-count.tsx';
import { FateMark, wordsOf } from './fate.tsx';
import type { Shown } from './lane-state.ts';
import { choices } from './live.ts';
import { Charts } from './measures/chart.tsx';
import { Log } from './measures/log.tsx';
import { Numbers } from './measures/numbers.tsx';
import { Strips } from './measures/strips.tsx';
import { Verdicts } from './measures/verdicts.tsx';
import { give, underWay } from './orders.ts';
import { addresses } from './route.ts';
import { lastWordsOf, type OnStage, type Picked } from './stage/selection.ts';
import { StageView } from './stage/stage-view.tsx';

const logMax = 10;
const tickMs = 1_000;
/** Where one scrolls: what is long is opened on demand. */
const isNarrow = matchMedia('(max-width: 759px)');

interface Props {
  readonly shown: Shown;
  /** Whether it can be played with. */
  readonly isLive: boolean;
  /** Shorter: no measures unless asked for. */
  readonly isBrief?: boolean;
}

export function Lane({ shown, isLive, isBrief = false }: Props) {
  const { view } = shown;
  const picked = useSignal<Picked | null>(null);
  const lastWords = useComputed(() => lastWordsOf(shown.stage.value));
  const isOpen = useComputed(
    () => isLive && view.value.state === 'ready' && view.value.experiment === null,
  );
  const on = useMemo<OnStage>(
    () => ({
      ...{ view, stage: shown.stage, lastWords, picked, isBrief },
      get orders() {
        return isOpen.value ? view.value.id : undefined;
      },
    }),
    [shown],
  );
  const { answer, state, trouble, notice } = view.value;
  return (
    <article class={`lane ${state}`} aria-label={`lane ${answer}`}>
      <div class="lane-top">
        <Head shown={shown} canOrder={isOpen.value} />
        {state === 'failed' && (
          <p class="trouble" role="alert">
            ✗ {trouble ?? 'This lane failed.'}
          </p>
        )}
        {state === 'ready' && notice !== undefined && (
          <p class="trouble" role="status">
            ! {notice}.
          </p>
        )}
      </div>
      <Caption shown={shown} />
      <div class="stage-place">
        <StageView shown={shown} on={on} />
      </div>
      <Measures shown={shown} isLive={isLive} isBrief={isBrief} />
    </article>
  );
}

const stateWords = {
  starting: 'starting its processes …',
  ready: '',
  done: 'done',
  failed: 'failed',
} as const;

function Head({ shown, canOrder }: { readonly shown: Shown; readonly canOrder: boolean }) {
  const { id, answer, says, state, servers, experiment } = shown.view.value;
  const kept = says || choices.value?.answers.find(({ name }) => name === answer)?.says || '';
  return (
    <header class="lane-head">
      <h2 class="mono">{answer}</h2>
      <p class="quiet small">{kept === '' ? 'as recorded' : `Sessions: ${kept}`}</p>
      <div class="row push">
        <span class="label">
          {stateWords[state] || (experiment ? 'the experiment runs …' : '')}
        </span>
        {canOrder && <ServerCount view={shown.view.value} />}
        {canOrder && (
          <button
            type="button"
            class="button add"
            disabled={underWay.value > 0 || servers.length >= 100}
            onClick={() => void give({ do: 'add-server', lane: id })}
          >
            +<span class="unseen"> server</span>
          </button>
        )}
      </div>
    </header>
  );
}

function Caption({ shown }: { readonly shown: Shown }) {
  const last = shown.stage.value.arrived.at(-1);
  if (last === undefined) {
    return <p class="caption quiet">No request was sent yet.</p>;
  }
  const { word, looks } = wordsOf(last);
  return (
    <p class={`caption ${looks}`}>
      <FateMark arrived={last} />
      <span>
        <strong>
          {last.client}, {word}
          {last.server === null ? '' : ` by ${last.server}`}.
        </strong>{' '}
        {last.why}.
      </span>
    </p>
  );
}

interface MeasuresProps {
  readonly shown: Shown;
  readonly isLive: boolean;
  readonly isBrief: boolean;
}

function Measures({ shown, isLive, isBrief }: MeasuresProps) {
  const stage = shown.stage.value;
  const now = useNow(shown, isLive);
  const isShort = isBrief || isNarrow.matches;
  return (
    <div class="measures-place">
      <div class={`measures ${isBrief ? 'brief' : ''}`}>
        <Strips arrived={stage.arrived} />
        <Numbers stage={stage} isBrief={isBrief} />
        {!isBrief && <Charts stage={stage} now={now} />}
        {!isBrief && (
          <details open={!isShort}>
            <summary>{isLive ? 'Verdicts' : 'Verdicts at the end'}</summary>
            <Verdicts verdicts={shown.verdicts.value} />
          </details>
        )}
        <details open={!isShort}>
          <summary>Log</summary>
          <Log arrived={stage.arrived} most={logMax} />
          {isLive && shown.view.value.run !== '' && (
            <p class="small">
              <a href={addresses.run(shown.view.value.run)}>All of it, under a slider</a>
            </p>
          )}
        </details>
      </div>
    </div>
  );
}

/** The run's clock goes on while nothing happens, so that curves move on; for a minute, then rests. */
function useNow(shown: Shown, isLive: boolean): number {
  const tick = useSignal(0);
  useEffect(() => {
    if (!isLive) return;
    const timer = setInterval(() => {
      if (performance.now() - shown.heardAt < 62_000) tick.value += 1;
    }, tickMs);
    return () => clearInterval(timer);
  }, [shown, isLive]);
  void tick.value;
  const { now } = shown.stage.value;
  if (!isLive || shown.view.value.state !== 'ready') return now;
  return now + performance.now() - shown.heardAt;
}
