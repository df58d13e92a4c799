// What people can be told to do, in all lanes at once or in one, so that the same thing happens to
// every answer at the same time; and the command line that does what was done last.

import { computed, signal } from '@preact/signals';
import type { ClientView, LaneId, Order } from '../../../src/api/contract.ts';
import { choices, lanes } from '../live.ts';
import { give, type OrderInLane, underWay } from '../orders.ts';
import { initialOf, personClass, thief } from '../people.ts';
import { LastCommand } from './last-command.tsx';
import { StreamSlider } from './stream-slider.tsx';

const aim = signal<LaneId | null>(null);
const chosen = signal('alice');

/** One lane, or all; all again when the one is gone. */
const aimedAt = computed(() => {
  const views = lanes.value.map((lane) => lane.view.value);
  const one = views.filter(({ id }) => id === aim.value);
  return one.length > 0 ? one : views;
});

/** All who are there, in any lane that is meant; whoever may log in comes first. */
const clients = computed<readonly ClientView[]>(() => {
  const people = choices.value?.people ?? [];
  const known = new Map<string, ClientView>(
    people.map((user) => [user, { name: user, user, sess: null }]),
  );
  for (const client of aimedAt.value.flatMap((view) => view.clients)) {
    const before = known.get(client.name);
    if (before === undefined || before.sess === null) known.set(client.name, client);
  }
  return [...known.values()];
});

export function Dock() {
  const byHand = aimedAt.value.every(({ experiment }) => experiment === null);
  if (!byHand) return null;
  const isOpen = aimedAt.value.some(({ state }) => state === 'ready');
  return (
    <section class="dock" aria-label="What people do">
      <div class="dock-inside">
        <People />
        <Actions isOpen={isOpen} />
      </div>
      <div class="dock-inside">
        <StreamSlider
          perSecond={Math.max(0, ...aimedAt.value.map((view) => view.perSecond))}
          isOpen={isOpen}
          onChange={(perSecond) => order({ do: 'stream', perSecond })}
        />
        <Aim />
        <LastCommand />
      </div>
    </section>
  );
}

/** In the lanes that are meant. */
function order(what: OrderInLane): void {
  void give({ ...what, ...(aim.value !== null && { lane: aim.value }) } as Order);
}

function People() {
  return (
    <fieldset class="people">
      <legend class="unseen">Who</legend>
      {clients.value.map(({ name, user, sess }) => (
        <label
          key={name}
          class={`person ${personClass(user, name)} ${sess === null ? 'without' : ''}`}
        >
          <input
            type="radio"
            name="who"
            class="unseen"
            checked={chosen.value === name}
            onChange={() => {
              chosen.value = name;
            }}
          />
          <span class="face" aria-hidden="true">
            {initialOf(name)}
          </span>
          <span class="name">{name}</span>
        </label>
      ))}
    </fieldset>
  );
}

function Actions({ isOpen }: { readonly isOpen: boolean }) {
  const client = clients.value.find(({ name }) => name === chosen.value) ?? clients.value[0];
  if (client === undefined) return null;
  const { name, user } = client;
  const isIn = client.sess !== null;
  const button = (word: string, what: OrderInLane, can = isIn, isFirst = false) => (
    <button
      type="button"
      class={`button ${isFirst ? 'first' : ''}`}
      disabled={underWay.value > 0 || !isOpen || !can}
      onClick={() => order(what)}
    >
      {word}
    </button>
  );
  const who = { client: name };
  return (
    <fieldset class="row does">
      <legend class="unseen">What {name} does</legend>
      {name === thief ? (
        button('Replay what was stolen', { do: 'request', ...who }, isIn, true)
      ) : (
        <>
          {button('Log in', { do: 'log-in', ...who, user }, true, !isIn)}
          {button('Send one', { do: 'request', ...who }, isIn, isIn)}
          {button('Add to cart', { do: 'add-to-cart', ...who, item: 'apple' })}
          {button('Log out', { do: 'log-out', ...who })}
          {button('Log out everywhere', { do: 'log-out-everywhere', ...who })}
          {button('Steal', { do: 'steal', ...who })}
          {name === user && button('Second device', { do: 'log-in', client: `${name} 2`, user })}
        </>
      )}
    </fieldset>
  );
}

function Aim() {
  if (lanes.value.length < 2) return null;
  return (
    <label class="aim">
      <span class="label">in</span>
      <select
        value={aim.value ?? ''}
        onChange={({ currentTarget }) => {
          const lane = lanes.value.find(({ view }) => view.value.id === currentTarget.value);
          aim.value = lane?.view.value.id ?? null;
        }}
      >
        <option value="">every lane</option>
        {lanes.value.map(({ view }) => (
          <option key={view.value.id} value={view.value.id}>
            {view.value.answer}
          </option>
        ))}
      </select>
    </label>
  );
}
