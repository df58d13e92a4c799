// What somebody expects of an experiment, before it is run: for each answer, whether all its
// promises that are put to the test will hold. Kept until the next experiment, to be held against
// what was measured.

import { signal } from '@preact/signals';
import type { AnswerName } from '../../../src/scenarios/scenario.ts';

export type Guess = 'holds' | 'breaks';

export interface Prediction {
  readonly scenario: string;
  readonly guesses: Readonly<Partial<Record<AnswerName, Guess>>>;
}

export const prediction = signal<Prediction | null>(null);
