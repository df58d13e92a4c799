// Verdicts as they form: sign, word and the promise in plain words; its name and its numbers for
// whoever asks. What was never put to the test is named last, and is no pass.

import { properties, type Verdict } from '../../../src/core/verdict.ts';

const marks = {
  HOLDS: { glyph: '✓', word: 'kept', tone: 'known' },
  VIOLATED: { glyph: '✗', word: 'broken', tone: 'nobody' },
} as const;

export function Verdicts({ verdicts }: { readonly verdicts: readonly Verdict[] }) {
  const promises = verdicts.filter(({ property }) => !('diagnostic' in properties[property]));
  const judged = promises.filter(({ outcome }) => outcome in marks);
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
        <details>
          <summary>Not put to the test</summary>
          <ul class="label">
            {open.map(({ property }) => (
              <li key={property}>
                <span aria-hidden="true">? </span>
                {properties[property].says}
              </li>
            ))}
          </ul>
        </details>
      )}
    </div>
  );
}

function One({ verdict }: { readonly verdict: Verdict }) {
  const { property, outcome, finding } = verdict;
  const { glyph, word, tone } = marks[outcome === 'HOLDS' ? outcome : 'VIOLATED'];
  return (
    <li class={`verdict ${tone}`}>
      <span class="outcome">
        <span aria-hidden="true">{glyph}</span> {word}
      </span>
      <span class="law">{properties[property].says}</span>
      <details class="finding">
        <summary>In numbers</summary>
        {property} {outcome}: {finding}
      </details>
    </li>
  );
}
