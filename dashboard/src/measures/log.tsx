// What happened, request by request, in words: the same that moves on the stage, for reading.

import { type Arrived, type Mark, markOf } from '../../../src/api/stage.ts';
import { FateMark, wordsOf } from '../fate.tsx';
import { personClass } from '../people.ts';

interface Props {
  readonly arrived: readonly Arrived[];
  readonly most: number;
}

const verbs: Readonly<Record<Arrived['f'], string>> = {
  login: 'logs in',
  whoami: 'asks',
  put: 'adds to the cart',
  read: 'reads the cart',
  refresh: 'refreshes',
  logout: 'logs out',
  'logout-everywhere': 'logs out everywhere',
  replay: 'replays',
  forge: 'forges',
  send: 'sends a file',
  list: 'lists files',
  fetch: 'fetches a file',
};

/** What the verb says already. */
const plain: ReadonlySet<Mark> = new Set(['known', 'login']);

export function Log({ arrived, most }: Props) {
  if (arrived.length === 0) return <p class="quiet small">Nothing was sent yet.</p>;
  return (
    <ol class="log" reversed>
      {arrived
        .slice(-most)
        .reverse()
        .map((each) => (
          <li key={each.i} class={wordsOf(each).looks}>
            <FateMark arrived={each} />
            <span class="said">
              <span class={`who ${personClass(each.user, each.client)}`}>{each.client}</span>{' '}
              {verbs[each.f]}
              {each.server !== null && (
                <>
                  {' '}
                  <span class="mono">{each.server}</span>
                </>
              )}
              <span class="word">{plain.has(markOf(each)) ? '' : `: ${wordsOf(each).word}`}</span>
              <span class="why">{each.why}</span>
            </span>
            <span class="label time">{(each.endedAt / 1000).toFixed(1)} s</span>
          </li>
        ))}
    </ol>
  );
}

/** One sentence for the ear: 'alice, answered by s2: taken for nobody. s2 has no session ...' */
export function spoken(each: Arrived): string {
  const by = each.server === null ? '' : `, answered by ${each.server}`;
  return `${each.client}${by}: ${wordsOf(each).word}. ${each.why}.`;
}
