// The numbers of a lane: who was known, how fast, and what became of the logins.

import { quantile } from '../../../src/api/latency.ts';
import type { Stage } from '../../../src/api/stage.ts';
import { inMs } from './chart.tsx';

/** Those of requests that carried a credential or asked for one: all that ended. */
function endedIn({ tally }: Stage): number {
  return tally.known + tally.nobody + tally.another + tally.refused + tally.lost;
}

export function Numbers({ stage }: { readonly stage: Stage }) {
  const ended = endedIn(stage);
  const { alive, flapping, lost } = stage.sessionCounts;
  const lags = [...stage.sessions.values()].flatMap(({ acceptedAfterEndMs }) =>
    acceptedAfterEndMs === null ? [] : [acceptedAfterEndMs],
  );
  const middle = quantile(stage.latencies, 0.5);
  return (
    <dl class="numbers">
      <Figure name="known" value={ended === 0 ? '–' : percent(stage.tally.known, ended)} />
      <Figure name="requests" value={`${ended}`} />
      <Figure name="median" value={middle === null ? '–' : inMs(middle)} />
      <Figure name="logins alive" value={`${alive}`} />
      {flapping > 0 && <Figure name="logins flapping" value={`${flapping}`} tone="nobody" />}
      {lost > 0 && <Figure name="logins lost" value={`${lost}`} tone="nobody" />}
      {lags.length > 0 && (
        <Figure name="accepted after logout" value={inMs(Math.max(...lags))} tone="nobody" />
      )}
    </dl>
  );
}

interface FigureProps {
  readonly name: string;
  readonly value: string;
  readonly tone?: string;
}

function Figure({ name, value, tone = '' }: FigureProps) {
  return (
    <div class={tone}>
      <dt class="label">{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

function percent(part: number, whole: number): string {
  return `${Math.round((100 * part) / whole)} %`;
}
