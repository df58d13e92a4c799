// The tour: on one side what it is about, a question and, after the experiment, what one expected
// beside what was measured; on the other side the stage where it happens.

import { lanes } from '../live.ts';
import { addresses, rememberVisit } from '../route.ts';
import { LaneColumns } from '../sandbox.tsx';
import { tour } from '../tour.ts';
import { Voice } from '../voice.tsx';
import { StepText, stageId } from './step-text.tsx';

export function TourView({ step: number }: { readonly step: number }) {
  const at = Math.min(number, tour.length);
  const step = tour[at - 1];
  if (step === undefined) return null;
  return (
    <div class="tour">
      <nav class="steps" aria-label="Steps of the tour">
        <ol>
          {tour.map(({ title }, n) => (
            <li key={title}>
              <a
                href={addresses.tour(n + 1)}
                title={title}
                aria-label={`Step ${n + 1}: ${title}`}
                {...(n + 1 === at && { 'aria-current': 'step' as const })}
              >
                {n + 1}
              </a>
            </li>
          ))}
        </ol>
        <a class="small push" href={addresses.sandbox} onClick={rememberVisit}>
          Skip the tour
        </a>
      </nav>
      <div class={`tour-columns of-${step.lanes.length}`}>
        <StepText key={at} at={at} step={step} />
        <div class="tour-stage" id={stageId}>
          <LaneColumns lanes={lanes.value} isBrief />
        </div>
      </div>
      <Voice lanes={lanes.value} />
    </div>
  );
}
