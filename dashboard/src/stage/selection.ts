// What a person has picked on a stage, to see more of it and to do something with it.

import type { ReadonlySignal, Signal } from '@preact/signals';
import { createContext } from 'preact';
import type { LaneId, LaneView } from '../../../src/api/contract.ts';
import type { Arrived, Stage } from '../../../src/api/stage.ts';

export type Picked =
  | { readonly kind: 'server'; readonly name: string }
  | { readonly kind: 'client'; readonly name: string }
  | { readonly kind: 'gateway' }
  | { readonly kind: 'store' };

export interface OnStage {
  readonly view: ReadonlySignal<LaneView>;
  readonly stage: ReadonlySignal<Stage>;
  /** What each server answered last. */
  readonly lastWords: ReadonlySignal<ReadonlyMap<string, Arrived>>;
  readonly picked: Signal<Picked | null>;
  /** For who is here for the first time: as little as it takes, and a word on the rest. */
  readonly isBrief: boolean;
  /** The lane that takes orders; undefined for a recorded run, or while an experiment runs. */
  readonly orders: LaneId | undefined;
}

export const OnStageContext = createContext<OnStage | null>(null);

export function isPicked(picked: Picked | null, kind: Picked['kind'], name?: string): boolean {
  if (picked?.kind !== kind) return false;
  return !('name' in picked) || picked.name === name;
}

export function lastWordsOf(stage: Stage): ReadonlyMap<string, Arrived> {
  const words = new Map<string, Arrived>();
  for (const arrived of stage.arrived) {
    if (arrived.server !== null) words.set(arrived.server, arrived);
  }
  return words;
}
