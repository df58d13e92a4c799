// Play, pause, forward, back, step. Time runs slower than it did, or nobody would see anything, and
// nobody waits through a pause in which nothing happened.

import { useComputed, useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { ReplayState } from './replay-state.ts';

const speeds = [0.02, 0.1, 0.5, 1] as const;
const tickMs = 40;
/** At most this long nothing happens, on the clock of whoever watches. */
const idleMsMax = 600;

export function Player({ replay }: { readonly replay: ReplayState }) {
  const isPlaying = useSignal(false);
  const speed = useSignal<number>(0.1);
  usePlaying(replay, isPlaying, speed);
  const isOver = useComputed(() => replay.position.value >= replay.length);
  const passed = replay.passed.value;
  const step = (by: number) => {
    isPlaying.value = false;
    replay.goTo(replay.passed.peek() + by);
  };
  return (
    <section class="dock player" aria-label="Replay">
      <div class="dock-inside">
        <button type="button" class="button" disabled={passed === 0} onClick={() => step(-1)}>
          ‹ Step back
        </button>
        <button
          type="button"
          class="button first plays"
          onClick={() => {
            if (isOver.value) replay.seek(1);
            isPlaying.value = !isPlaying.value;
          }}
        >
          {isPlaying.value ? 'Pause' : isOver.value ? 'Play again' : 'Play'}
        </button>
        <button type="button" class="button" disabled={isOver.value} onClick={() => step(1)}>
          Step ›
        </button>
        <label class="moment">
          <span class="unseen">Moment</span>
          <input
            type="range"
            min="0"
            max={replay.stops}
            step="1"
            value={passed}
            aria-valuetext={`${passed} of ${replay.stops}, at ${seconds(replay)} seconds`}
            onInput={({ currentTarget }) => {
              isPlaying.value = false;
              replay.goTo(currentTarget.valueAsNumber);
            }}
          />
        </label>
        <output class="small">
          {seconds(replay)} s · {passed} of {replay.stops}
        </output>
        <label>
          <span class="label">speed </span>
          <select
            value={speed.value}
            onChange={({ currentTarget }) => {
              speed.value = Number(currentTarget.value);
            }}
          >
            {speeds.map((each) => (
              <option key={each} value={each}>
                {each === 1 ? 'as it was' : `1/${Math.round(1 / each)}`}
              </option>
            ))}
          </select>
        </label>
      </div>
    </section>
  );
}

function seconds(replay: ReplayState): string {
  return (replay.timeAt(replay.position.value - 1) / 1000).toFixed(2);
}

interface Value<T> {
  value: T;
}

function usePlaying(replay: ReplayState, isPlaying: Value<boolean>, speed: Value<number>): void {
  const runs = isPlaying.value;
  useEffect(() => {
    if (!runs) return;
    let now = replay.timeAt(replay.position.peek() - 1);
    const timer = setInterval(() => {
      const position = replay.position.peek();
      now = Math.max(now + tickMs * speed.value, replay.timeAt(position) - idleMsMax * speed.value);
      let next = position;
      while (next < replay.length && replay.timeAt(next) <= now) next += 1;
      replay.seek(next);
      if (next >= replay.length) isPlaying.value = false;
    }, tickMs);
    return () => clearInterval(timer);
  }, [replay, runs]);
}
