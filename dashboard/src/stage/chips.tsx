// What a memory holds: one chip per session, in the colour of its user.

import type { Remembered } from '../../../src/api/contract.ts';
import { personClass } from '../people.ts';

interface Props {
  readonly remembers: readonly Remembered[];
  readonly inAll?: number;
  readonly most: number;
  readonly nothing: string;
  /** What it does with them. */
  readonly verb?: string;
  /** With the handles. */
  readonly isFull?: boolean;
}

const handleLength = 6;

export function Chips(props: Props) {
  const { remembers, inAll = remembers.length, most, nothing, verb = 'remembers', isFull } = props;
  if (remembers.length === 0) return <p class="label nothing">{nothing}</p>;
  return (
    <div class="memory">
      <span class="label" aria-hidden="true">
        {verb}
      </span>
      <ul class="chips" aria-label={verb}>
        {remembers.slice(0, most).map(({ handle, user }) => (
          <li
            key={handle}
            class={`chip ${personClass(user)}`}
            title={`session ${handle} of ${user}`}
          >
            <span class="dot" aria-hidden="true" />
            {user}
            {isFull && <span class="handle">{handle.slice(0, handleLength)}</span>}
          </li>
        ))}
        {inAll > most && <li class="label more">and {inAll - most} more</li>}
      </ul>
    </div>
  );
}
