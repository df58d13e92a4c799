// The numbers of a lane: who was known, how fast, and what became of the logins.

import { quantile } from '../../../src/api/latency.ts';
import { entitled, type Stage } from '../../../src/api/stage.ts';
import { markWords } from '../fate.tsx';
import { inMs } from './chart.tsx';

interface Props {
  readonly stage: Stage;
  /** Who was known, and nothing else. */
  readonly isBrief: boolean;
}

export function Numbers({ stage, isBrief }: Props) {
  const { known, intruded, barred } = stage.tally;
  const all = entitled(stage.tally);
  const share = isBrief ? `${known} of ${all}` : percent(known, all);
  return (
    <dl class="numbers">
      <Figure
        name="known"
        value={all === 0 ? '–' : share}
        title="of the requests that had a right to it; a login has to show nothing"
      />
      {barred > 0 && (
        <Figure
          name={markWords.barred.word}
          value={`${barred}`}
          title="what they presented had ended, or was forged"
        />
      )}
      {intruded > 0 && (
        <Figure
          name={markWords.intruded.word}
          value={`${intruded}`}
          title="though what they presented had ended, or was forged"
          tone="nobody"
        />
      )}
      {!isBrief && <Details stage={stage} />}
    </dl>
  );
}

function Details({ stage }: { readonly stage: Stage }) {
  const { alive, flapping, lost } = stage.sessionCounts;
  const lags = [...stage.sessions.values()].flatMap(({ acceptedAfterEndMs }) =>
    acceptedAfterEndMs === null ? [] : [acceptedAfterEndMs],
  );
  const middle = quantile(stage.latencies, 0.5);
  return (
    <>
      <Figure name="requests" value={`${stage.arrivals}`} title="that ended, logins among them" />
      <Figure
        name="median"
        value={middle === null ? '–' : inMs(middle)}
        title="half of all requests were answered within this time"
      />
      <Figure name="logins alive" value={`${alive}`} title="known whenever they were shown" />
      {flapping > 0 && (
        <Figure
          name="logins flapping"
          value={`${flapping}`}
          title="known by one server and refused by another"
          tone="nobody"
        />
      )}
      {lost > 0 && (
        <Figure
          name="logins lost"
          value={`${lost}`}
          title="known by nobody any more, though nobody logged out"
          tone="nobody"
        />
      )}
      {lags.length > 0 && (
        <Figure
          name="accepted after logout"
          value={inMs(Math.max(...lags))}
          title="for so long a server let somebody in after the logout"
          tone="nobody"
        />
      )}
    </>
  );
}

interface FigureProps {
  readonly name: string;
  readonly value: string;
  /** What it means. */
  readonly title: string;
  readonly tone?: string;
}

function Figure({ name, value, title, tone = '' }: FigureProps) {
  return (
    <div class={tone} title={title}>
      <dt class="label">{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

function percent(part: number, whole: number): string {
  return `${Math.round((100 * part) / whole)} %`;
}
