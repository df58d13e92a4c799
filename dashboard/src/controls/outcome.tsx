// An experiment while it runs and when it is done: what was guessed and what was measured side by
// side, what the course expects, and where to read on.

import type { LaneView } from '../../../src/api/contract.ts';
import { properties, type Verdict } from '../../../src/core/verdict.ts';
import { ChapterLink } from '../chapter-link.tsx';
import { lanes } from '../live.ts';
import { addresses } from '../route.ts';
import { prediction } from './prediction.ts';

export function Outcome() {
  const views = lanes.value.map((lane) => lane.view.value);
  const experiment = views.find((view) => view.experiment !== null)?.experiment;
  if (experiment === undefined || experiment === null) return null;
  return (
    <section class="panel outcome" aria-label={`Experiment: ${experiment.title}`}>
      <div class="stack">
        <p class="label">experiment · seed {experiment.seed}</p>
        <h2>{experiment.title}</h2>
        <p class="asks big">{experiment.question}</p>
        <p class="small">
          <ChapterLink chapter={experiment.chapter} /> says why.
        </p>
      </div>
      <div class="scroll">
        <table>
          <thead>
            <tr>
              <th scope="col">answer</th>
              <th scope="col">you expected</th>
              <th scope="col">measured</th>
              <th scope="col">the course expects</th>
            </tr>
          </thead>
          <tbody>
            {lanes.value.map((lane) => (
              <Row key={lane.number} view={lane.view.value} verdicts={lane.verdicts.value} />
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function Row({ view, verdicts }: { view: LaneView; verdicts: readonly Verdict[] }) {
  const { answer, state, experiment, run, trouble } = view;
  const guess =
    prediction.value?.scenario === experiment?.scenario
      ? prediction.value?.guesses[answer]
      : undefined;
  const broken = verdicts.filter(
    ({ outcome, property }) => outcome === 'VIOLATED' && !('diagnostic' in properties[property]),
  );
  const isDone = state === 'done';
  const measured = broken.length > 0 ? 'breaks' : 'holds';
  const isRight = isDone && guess === measured;
  return (
    <tr>
      <th scope="row">
        <code>{answer}</code>
      </th>
      <td>{guess === undefined ? '–' : guess === 'holds' ? 'all holds' : 'something breaks'}</td>
      <td>
        {state === 'failed' && <span class="verdict-word refused">✗ {trouble}</span>}
        {!isDone && state !== 'failed' && <span class="quiet">under way …</span>}
        {isDone && broken.length === 0 && (
          <span class="verdict-word known">✓ every promise holds</span>
        )}
        {isDone &&
          broken.map(({ property, finding }) => (
            <span key={property} class="verdict-word nobody">
              ✗ {property}: {finding}
            </span>
          ))}
        {isRight && <span>You were right.</span>}
      </td>
      <td>
        {isDone &&
          (experiment?.asExpected ? '✓ just this' : `✗ ${experiment?.surprises?.join('; ')}`)}
        {isDone && (
          <>
            {' '}
            <a href={addresses.run(run)}>Replay</a>
          </>
        )}
      </td>
    </tr>
  );
}
