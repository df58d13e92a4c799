// An experiment to choose: its question, the answers it is put to, and, before it runs, what one
// expects. Who does not want to guess can run it all the same.

import { useSignal } from '@preact/signals';
import type { Choices } from '../../../src/api/contract.ts';
import type { AnswerName } from '../../../src/scenarios/scenario.ts';
import { ChapterLink } from '../chapter-link.tsx';
import { chapterTitle } from '../chapters.ts';
import { choices } from '../live.ts';
import { give } from '../orders.ts';
import { type Guess, prediction } from './prediction.ts';
import { isOfCourse } from './words.ts';

const lanesMax = 4;
const first = 'two-servers';

type ScenarioChoice = Choices['scenarios'][number];

export function Experiment({ onDone }: { readonly onDone: () => void }) {
  const name = useSignal(first);
  const all = choices.value;
  if (all === null) return null;
  const scenario = all.scenarios.find((each) => each.name === name.value) ?? all.scenarios[0];
  if (scenario === undefined) return null;
  return (
    <div class="panel">
      <label>
        <span class="label">experiment</span>
        <select
          value={scenario.name}
          onChange={({ currentTarget }) => {
            name.value = currentTarget.value;
          }}
        >
          {byChapter(all.scenarios).map(([chapter, scenarios]) => (
            <optgroup key={chapter} label={chapterTitle(chapter)}>
              {scenarios.map((each) => (
                <option key={each.name} value={each.name}>
                  {each.title}
                </option>
              ))}
            </optgroup>
          ))}
        </select>
      </label>
      <Asked key={scenario.name} scenario={scenario} onDone={onDone} />
    </div>
  );
}

function byChapter(scenarios: readonly ScenarioChoice[]) {
  const groups = Map.groupBy(scenarios, ({ chapter }) => chapter);
  return [...groups].toSorted(([one], [other]) => one.localeCompare(other));
}

interface AskedProps {
  readonly scenario: ScenarioChoice;
  readonly onDone: () => void;
}

function Asked({ scenario, onDone }: AskedProps) {
  const missing = new Set(
    choices.value?.answers.filter((each) => each.missing).map((each) => each.name),
  );
  const can = scenario.answers.filter((answer) => !missing.has(answer));
  const answers = useSignal<readonly AnswerName[]>(
    can.filter((answer) => isOfCourse(answer)).slice(0, lanesMax),
  );
  const guesses = useSignal<Partial<Record<AnswerName, Guess>>>({});
  const isGuessed = answers.value.every((answer) => guesses.value[answer] !== undefined);
  const run = (withGuesses: boolean) => {
    prediction.value = withGuesses ? { scenario: scenario.name, guesses: guesses.value } : null;
    void give({ do: 'experiment', scenario: scenario.name, answers: answers.value }).then((did) => {
      if (did.ok) onDone();
    });
  };
  const toggle = (answer: AnswerName) => {
    answers.value = answers.value.includes(answer)
      ? answers.value.filter((each) => each !== answer)
      : can.filter((each) => each === answer || answers.value.includes(each));
  };
  return (
    <>
      <p class="asks big">{scenario.question}</p>
      <fieldset class="row">
        <legend class="label">under</legend>
        {can.map((answer) => (
          <label key={answer} class="check">
            <input
              type="checkbox"
              checked={answers.value.includes(answer)}
              disabled={!answers.value.includes(answer) && answers.value.length >= lanesMax}
              onChange={() => toggle(answer)}
            />
            <code>{answer}</code>
          </label>
        ))}
      </fieldset>
      <div class="guesses">
        <p>What do you expect?</p>
        {answers.value.map((answer) => (
          <Guesses
            key={answer}
            answer={answer}
            guess={guesses.value[answer]}
            onGuess={(guess) => {
              guesses.value = { ...guesses.value, [answer]: guess };
            }}
          />
        ))}
      </div>
      <div class="row">
        <button
          type="button"
          class="button first"
          disabled={!isGuessed || answers.value.length === 0}
          onClick={() => run(true)}
        >
          Run it
        </button>
        <button
          type="button"
          class="button plain"
          disabled={answers.value.length === 0}
          onClick={() => run(false)}
        >
          Run without a guess
        </button>
        <span class="push">
          <ChapterLink chapter={scenario.chapter} />
        </span>
      </div>
    </>
  );
}

interface GuessProps {
  readonly answer: AnswerName;
  readonly guess: Guess | undefined;
  readonly onGuess: (guess: Guess) => void;
}

function Guesses({ answer, guess, onGuess }: GuessProps) {
  const option = (value: Guess, word: string) => (
    <label class="check">
      <input
        type="radio"
        name={`guess-${answer}`}
        checked={guess === value}
        onChange={() => onGuess(value)}
      />
      {word}
    </label>
  );
  return (
    <fieldset class="row">
      <legend class="unseen">{answer}</legend>
      <code class="of">{answer}</code>
      {option('holds', 'every promise holds')}
      {option('breaks', 'something breaks')}
    </fieldset>
  );
}
