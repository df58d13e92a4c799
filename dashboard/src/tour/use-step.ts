// How far one is with a step of the tour: the stage is set, one is asked, it is carried out, it is
// done; or it was stopped by something. Leaving the step ends what it has begun.

import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { Measured, TourStep } from '../tour.ts';
import { conduct, Interrupted, setStage } from './conduct.ts';

export type Phase = 'setting' | 'asking' | 'running' | 'done' | 'stopped';

export function useStep(step: TourStep) {
  const phase = useSignal<Phase>('setting');
  const guess = useSignal<string | null>(null);
  const act = useSignal('');
  const trouble = useSignal('');
  const measured = useSignal<Measured | null>(null);
  const round = useSignal(0);

  const attempt = async (work: () => Promise<void>, signal: AbortSignal) => {
    try {
      await work();
    } catch (error) {
      if (signal.aborted) return;
      trouble.value = error instanceof Interrupted ? error.message : String(error);
      phase.value = 'stopped';
    }
  };
  useEffect(() => {
    const leaving = new AbortController();
    phase.value = 'setting';
    void attempt(async () => {
      await setStage(step, leaving.signal);
      phase.value = 'asking';
    }, leaving.signal);
    return () => leaving.abort();
  }, [round.value, step]);
  useEffect(() => {
    if (phase.value !== 'running') return;
    const leaving = new AbortController();
    void attempt(async () => {
      measured.value = await conduct(
        step,
        (says) => {
          act.value = says;
        },
        leaving.signal,
      );
      phase.value = 'done';
    }, leaving.signal);
    return () => leaving.abort();
  }, [phase.value === 'running']);

  const repeat = () => {
    measured.value = null;
    round.value += 1;
  };
  return { phase, guess, act, trouble, measured, repeat };
}
