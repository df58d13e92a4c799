// Verdicts as they form: sign, word and numbers. What was never put to the test is named last, and
// is no pass.

import { type Outcome, properties, type Verdict } from '../../../src/core/verdict.ts';

const marks: Readonly<Record<Outcome, { readonly glyph: string; readonly tone: string }>> = {
  HOLDS: { glyph: '✓', tone: 'known' },
  VIOLATED: { glyph: '✗', tone: 'nobody' },
  UNKNOWN: { glyph: '?', tone: 'refused' },
  'NOT TESTED': { glyph: '–', tone: 'refused' },
};

export function Verdicts({ verdicts }: { readonly verdicts: readonly Verdict[] }) {
  const promises = verdicts.filter(({ property }) => !('diagnostic' in properties[property]));
  const judged = promises.filter(({ outcome }) => outcome === 'HOLDS' || outcome === 'VIOLATED');
  const open = promises.filter((each) => !judged.includes(each));
  return (
    <div class="verdicts">
      {judged.length === 0 && <p class="quiet small">Nothing is decided yet.</p>}
      <ul>
        {judged.map((verdict) => (
          <One key={verdict.property} verdict={verdict} />
        ))}
      </ul>
      {open.length > 0 && (
        <p class="label">
          <span aria-hidden="true">? </span>not put to the test:{' '}
          {open.map(({ property }) => property).join(', ')}
        </p>
      )}
    </div>
  );
}

function One({ verdict }: { readonly verdict: Verdict }) {
  const { glyph, tone } = marks[verdict.outcome];
  const { says } = properties[verdict.property];
  return (
    <li class={`verdict ${tone}`}>
      <span class="outcome">
        <span aria-hidden="true">{glyph}</span> {verdict.outcome}
      </span>
      <span class="law">
        <strong>{verdict.property}</strong> <span class="quiet">{says}</span>
      </span>
      <span class="finding small">{verdict.finding}</span>
    </li>
  );
}
