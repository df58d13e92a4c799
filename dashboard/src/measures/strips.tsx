// Each client's last requests in a line: who answered, and whether they were known. Where
// everything is to be seen at once: s1⚷ s2✗ s1✓. The newest is last for the eye and first in the
// document: whatever does not fit into the line is the oldest.

import type { Arrived } from '../../../src/api/stage.ts';
import { wordsOf } from '../fate.tsx';
import { personClass } from '../people.ts';

const clientsMax = 6;
const perClientMax = 14;

export function Strips({ arrived }: { readonly arrived: readonly Arrived[] }) {
  const strips = new Map<string, Arrived[]>();
  for (const each of arrived) {
    const strip = strips.get(each.client) ?? [];
    strip.push(each);
    strips.set(each.client, strip);
  }
  if (strips.size === 0 || strips.size > clientsMax) return null;
  return (
    <dl class="strips" aria-label="the last requests of each, newest first">
      {[...strips]
        .sort(([one], [other]) => one.localeCompare(other))
        .map(([client, all]) => (
          <div key={client}>
            <dt>
              <span class={`who ${personClass(all[0]?.user ?? client, client)}`}>{client}</span>
            </dt>
            {all
              .slice(-perClientMax)
              .reverse()
              .map((each) => (
                <dd key={each.i} class={wordsOf(each).looks} title={each.why}>
                  {each.server ?? '–'}
                  <span aria-hidden="true">{wordsOf(each).glyph}</span>
                  <span class="unseen"> {wordsOf(each).word}</span>
                </dd>
              ))}
          </div>
        ))}
    </dl>
  );
}
