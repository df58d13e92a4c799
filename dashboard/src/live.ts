// What the lab tells, as it happens: one stream of server-sent events, folded into the state of the
// lanes. A stream that breaks is opened again by the browser, and begins with everything.

import { signal } from '@preact/signals';
import {
  type Choices,
  type LaneId,
  paths,
  type RecordedRun,
  type Told,
} from '../../src/api/contract.ts';
import { LaneState } from './lane-state.ts';
import { authorization } from './orders.ts';

export const lanes = signal<readonly LaneState[]>([]);
export const choices = signal<Choices | null>(null);
export const line = signal<'opening' | 'open' | 'broken'>('opening');

export function listen(): void {
  const source = new EventSource(paths.events);
  source.addEventListener('open', () => {
    line.value = 'open';
    void askForChoices();
  });
  source.addEventListener('error', () => {
    line.value = 'broken';
  });
  source.addEventListener('tell', (event: MessageEvent<string>) => {
    take(JSON.parse(event.data) as Told);
  });
}

function laneOf(id: LaneId): LaneState | undefined {
  return lanes.value.find((lane) => lane.view.peek().id === id);
}

export async function recordedRuns(): Promise<readonly RecordedRun[]> {
  return (await (await ask(paths.runs)).json()) as RecordedRun[];
}

/** Fails when the lab has nothing there. */
export async function ask(path: string): Promise<Response> {
  const answer = await fetch(path, { headers: authorization() });
  if (!answer.ok) throw new Error(`${path} was answered with ${answer.status}`);
  return answer;
}

async function askForChoices(): Promise<void> {
  choices.value = (await (await ask(paths.choices)).json()) as Choices;
}

function take(told: Told): void {
  if (told.tell === 'all') {
    lanes.value = told.lanes.map((view) => {
      const lane = new LaneState(view);
      lane.begin(told.stages[view.id]);
      lane.verdicts.value = told.verdicts[view.id] ?? [];
      return lane;
    });
  } else if (told.tell === 'lane') {
    const lane = laneOf(told.lane.id);
    if (lane !== undefined) lane.view.value = told.lane;
  } else if (told.tell === 'history') {
    laneOf(told.lane)?.hear(told.events);
  } else {
    const lane = laneOf(told.lane);
    if (lane !== undefined) lane.verdicts.value = told.verdicts;
  }
}
