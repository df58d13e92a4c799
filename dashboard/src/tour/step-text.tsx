// One step in words: what it is about, what one expects, what happened, and why.

import { useEffect } from 'preact/hooks';
import { marks } from '../../../src/api/stage.ts';
import { ChapterLink } from '../chapter-link.tsx';
import { markWords } from '../fate.tsx';
import { lanes } from '../live.ts';
import { addresses, rememberVisit } from '../route.ts';
import { isStill } from '../theme.ts';
import { type Measured, type TourStep, tour } from '../tour.ts';
import { useStep } from './use-step.ts';

/** Where the stage of the tour stands. */
export const stageId = 'tour-stage';
const resultId = 'tour-result';

interface Props {
  readonly at: number;
  readonly step: TourStep;
}

export function StepText({ at, step }: Props) {
  const { phase, guess, act, trouble, measured, repeat } = useStep(step);
  const isDone = phase.value === 'done';
  useEffect(() => {
    if (phase.value === 'running') show(stageId);
    if (phase.value === 'done') show(resultId);
  }, [phase.value]);
  return (
    <article class="step-text" aria-label={`Step ${at} of ${tour.length}`}>
      <div class="told stack">
        <p class="label">
          Step {at} of {tour.length}
        </p>
        <h1 class="asks">{step.title}</h1>
        {step.says.map((each) => (
          <p key={each}>{each}</p>
        ))}
        <Question
          step={step}
          guess={guess.value}
          isLocked={phase.value === 'running' || isDone}
          onGuess={(option) => {
            guess.value = option;
          }}
        />
        <div class="row" aria-live="polite">
          {phase.value === 'setting' && <p class="quiet small">The servers are starting …</p>}
          {(phase.value === 'asking' || phase.value === 'setting') && (
            <button
              type="button"
              class="button first"
              disabled={guess.value === null || phase.value === 'setting'}
              onClick={() => {
                phase.value = 'running';
              }}
            >
              See what happens
            </button>
          )}
          {phase.value === 'running' && <p class="act">{act.value} …</p>}
          {phase.value === 'stopped' && <p class="trouble">✗ {trouble.value}</p>}
        </div>
      </div>
      {isDone && measured.value !== null && (
        <Result step={step} guess={guess.value} measured={measured.value} />
      )}
      <Onward
        at={at}
        isDone={isDone}
        canRepeat={isDone || phase.value === 'stopped'}
        onRepeat={repeat}
      />
    </article>
  );
}

interface QuestionProps {
  readonly step: TourStep;
  readonly guess: string | null;
  readonly isLocked: boolean;
  readonly onGuess: (option: string) => void;
}

function Question({ step, guess, isLocked, onGuess }: QuestionProps) {
  return (
    <fieldset class="asked" disabled={isLocked}>
      <legend class="asks big">{step.question}</legend>
      {Object.entries(step.options).map(([option, text]) => (
        <label key={option} class="option">
          <input
            type="radio"
            name="guess"
            checked={guess === option}
            onChange={() => onGuess(option)}
          />
          {text}
        </label>
      ))}
    </fieldset>
  );
}

interface ResultProps {
  readonly step: TourStep;
  readonly guess: string | null;
  readonly measured: Measured;
}

function Result({ step, guess, measured }: ResultProps) {
  const right = step.settle(measured);
  const isRight = guess === right;
  return (
    <section class="result" id={resultId} aria-label="What happened" role="status">
      <dl class={isRight ? 'agrees' : 'differs'}>
        <div>
          <dt class="label">you expected</dt>
          <dd>{step.options[guess ?? ''] ?? 'nothing'}</dd>
        </div>
        <div>
          <dt class="label">measured</dt>
          {step.lanes.map(({ answer }, n) => (
            <dd key={answer}>
              {step.lanes.length > 1 && <code>{lanes.value[n]?.view.value.answer} </code>}
              {marks
                .filter((mark) => measured[answer][mark] > 0)
                .map((mark) => (
                  <span key={mark} class={`counted ${markWords[mark].looks}`}>
                    <span aria-hidden="true">{markWords[mark].glyph}</span> {measured[answer][mark]}{' '}
                    {markWords[mark].word}
                  </span>
                ))}
            </dd>
          ))}
        </div>
      </dl>
      <p class="judged">
        {isRight
          ? '✓ As you expected.'
          : right
            ? `Not as you expected. ${step.options[right]}.`
            : 'None of these.'}
      </p>
      {step.because.map((each) => (
        <p key={each}>{each}</p>
      ))}
      <p class="small">
        <ChapterLink chapter={step.chapter} /> has the whole story.
      </p>
    </section>
  );
}

interface OnwardProps {
  readonly at: number;
  readonly isDone: boolean;
  readonly canRepeat: boolean;
  readonly onRepeat: () => void;
}

function Onward({ at, isDone, canRepeat, onRepeat }: OnwardProps) {
  const isLast = at === tour.length;
  return (
    <div class="row onward">
      {at > 1 && (
        <a class="button plain" href={addresses.tour(at - 1)}>
          ‹ Back
        </a>
      )}
      {canRepeat && (
        <button type="button" class="button plain" onClick={onRepeat}>
          Again
        </button>
      )}
      <a
        class={`button push ${isDone ? 'first' : ''}`}
        href={isLast ? addresses.sandbox : addresses.tour(at + 1)}
        onClick={() => {
          if (isLast) rememberVisit();
        }}
      >
        {isLast ? 'To the sandbox ›' : isDone ? 'Next ›' : 'Skip this step ›'}
      </a>
    </div>
  );
}

/** Where text and stage do not fit beside one another, goes where something is to be seen. */
function show(id: string): void {
  const element = document.getElementById(id);
  if (element === null) return;
  const { top, bottom } = element.getBoundingClientRect();
  const isSeen = top >= 0 && (bottom <= innerHeight || top < innerHeight / 2);
  if (isSeen) return;
  element.scrollIntoView({ block: 'start', behavior: isStill.value ? 'auto' : 'smooth' });
}
