// Which answers stand side by side: one to four, each with its policy and its number of servers.

import { useSignal } from '@preact/signals';
import type { Choices, LaneWish } from '../../../src/api/contract.ts';
import type { AnswerName } from '../../../src/scenarios/scenario.ts';
import { choices, lanes } from '../live.ts';
import { give } from '../orders.ts';
import { chosen } from './sandbox-lanes.ts';
import { answerWords, isOfCourse, policyWords } from './words.ts';

const lanesMax = 4;

export function LanePicker({ onDone }: { readonly onDone: () => void }) {
  const wishes = useSignal<readonly LaneWish[]>(
    lanes.value.map((lane) => {
      const { answer, policy, servers } = lane.view.peek();
      return { answer, policy, servers: Math.max(1, servers.length) };
    }),
  );
  const change = (at: number, part: Partial<LaneWish>) => {
    wishes.value = wishes.value.map((wish, n) => (n === at ? { ...wish, ...part } : wish));
  };
  const add = () => {
    wishes.value = [...wishes.value, { answer: 'memory', policy: 'round-robin', servers: 2 }];
  };
  return (
    <form
      class="panel"
      aria-label="Answers side by side"
      onSubmit={(event) => {
        event.preventDefault();
        void give({ do: 'open', lanes: wishes.value }).then((did) => {
          if (!did.ok) return;
          chosen.value = wishes.value;
          onDone();
        });
      }}
    >
      <ol class="wishes">
        {wishes.value.map((wish, at) => (
          <li key={`${at} of ${wishes.value.length}`}>
            <WishRow wish={wish} onChange={(part) => change(at, part)} />
            <button
              type="button"
              class="button plain"
              disabled={wishes.value.length < 2}
              aria-label={`Remove lane ${at + 1}`}
              onClick={() => {
                wishes.value = wishes.value.filter((_, n) => n !== at);
              }}
            >
              ✕
            </button>
            <p class="label says">{saysOf(wish.answer)}</p>
          </li>
        ))}
      </ol>
      <div class="row">
        <button type="submit" class="button first">
          Open
        </button>
        <button
          type="button"
          class="button"
          disabled={wishes.value.length >= lanesMax}
          onClick={add}
        >
          Add a lane
        </button>
        <p class="label">What is there now ends: its servers, its sessions.</p>
      </div>
    </form>
  );
}

function saysOf(answer: AnswerName): string {
  return choices.value?.answers.find(({ name }) => name === answer)?.says ?? '';
}

/** 'affinity (sticky-cookie)' */
function labelOf(name: string, words: Readonly<Record<string, string>>): string {
  return words[name] === undefined ? name : `${words[name]} (${name})`;
}

interface RowProps {
  readonly wish: LaneWish;
  readonly onChange: (part: Partial<LaneWish>) => void;
}

function WishRow({ wish, onChange }: RowProps) {
  const all = choices.value;
  const [course = [], more = []] = [true, false].map((is) =>
    (all?.answers ?? []).filter(({ name }) => isOfCourse(name) === is),
  );
  const option = ({ name, missing }: Choices['answers'][number]) => (
    <option key={name} value={name} disabled={missing !== undefined} title={missing}>
      {labelOf(name, answerWords)}
      {missing === undefined ? '' : ', missing here'}
    </option>
  );
  return (
    <>
      <label>
        <span class="label">answer</span>
        <select
          value={wish.answer}
          onChange={({ currentTarget }) => onChange({ answer: currentTarget.value as AnswerName })}
        >
          <optgroup label="the three answers">{course.map(option)}</optgroup>
          <optgroup label="more">{more.map(option)}</optgroup>
        </select>
      </label>
      <label>
        <span class="label">policy</span>
        <select
          value={wish.policy}
          onChange={({ currentTarget }) => onChange({ policy: currentTarget.value })}
        >
          {all?.policies.map(({ name, says }) => (
            <option key={name} value={name} title={says}>
              {labelOf(name, policyWords)}
            </option>
          ))}
        </select>
      </label>
      <label>
        <span class="label">servers</span>
        <input
          type="number"
          min="1"
          max="100"
          required
          value={wish.servers}
          onInput={({ currentTarget }) => onChange({ servers: currentTarget.valueAsNumber || 1 })}
        />
      </label>
    </>
  );
}
