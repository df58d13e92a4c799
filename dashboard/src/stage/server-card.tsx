// One server: whether it lives, what it remembers, what it said last, and what can be done to it.

import { useContext } from 'preact/hooks';
import type { LinkState, ServerView } from '../../../src/api/contract.ts';
import type { Arrived, Tally } from '../../../src/api/stage.ts';
import { FateMark, toneOf } from '../fate.tsx';
import { give, underWay } from '../orders.ts';
import { Chips } from './chips.tsx';
import { nodes } from './layout.ts';
import { isPicked, OnStageContext } from './selection.ts';
import { linkWords } from './store.tsx';

/** Why nothing can be listed of what it remembers. */
export const emptyWords = {
  up: 'remembers nobody',
  paused: 'cannot be asked now',
  down: 'what it knew is gone',
} as const;

const ordinals = ['', 'first', 'second', 'third', 'fourth', 'fifth', 'sixth', 'seventh'];

export function lifeOf(incarnation: number): string {
  return `${ordinals[incarnation] ?? `${incarnation}th`} life`;
}

export function ServerCard({ server }: { readonly server: ServerView }) {
  const on = useContext(OnStageContext);
  if (on === null) return null;
  const { name } = server;
  const picked = isPicked(on.picked.value, 'server', name);
  const seen = on.stage.value.servers.get(name);
  return (
    <article class={`node server ${server.state}`} data-node={nodes.server(name)} aria-label={name}>
      <button
        type="button"
        class="head"
        aria-pressed={picked}
        onClick={() => {
          on.picked.value = picked ? null : { kind: 'server', name };
        }}
      >
        <span class="name">{name}</span>
        <span class="state">{stateOf(server, on.view.value.store?.state)}</span>
        {seen !== undefined && <Answered tally={seen.tally} />}
      </button>
      <Chips
        remembers={server.state === 'down' ? [] : server.remembers}
        inAll={server.state === 'down' ? 0 : server.remembersInAll}
        most={4}
        nothing={emptyWords[server.state]}
      />
      {server.state !== 'down' && (
        <LastWord
          arrived={on.lastWords.value.get(name)}
          isNew={seen === undefined || total(seen.tally) === 0}
        />
      )}
      {on.orders !== undefined && <CardActions server={server} />}
    </article>
  );
}

/** What is true of the whole store is said there, and not of each server. */
export function stateOf(
  { state, incarnation, link, storeLink }: ServerView,
  store: LinkState | undefined,
): string {
  const words = [
    state === 'up' ? '' : state,
    incarnation > 1 ? lifeOf(incarnation) : '',
    linkWords[link],
    storeLink === null || storeLink === 'whole' || storeLink === store
      ? ''
      : `store: ${linkWords[storeLink]}`,
  ];
  return words.filter((word) => word !== '').join(', ');
}

function Answered({ tally }: { readonly tally: Tally }) {
  const refused = total(tally) - tally.known;
  return (
    <span class="answered">
      <span class="known" title="knew who asked">
        <span aria-hidden="true">✓</span>
        <span class="unseen">knew who asked:</span> {tally.known}
      </span>
      <span class={refused > 0 ? 'nobody' : ''} title="did not">
        <span aria-hidden="true">✗</span>
        <span class="unseen">did not:</span> {refused}
      </span>
    </span>
  );
}

interface LastWordProps {
  readonly arrived: Arrived | undefined;
  readonly isNew: boolean;
}

/** Of long ago it is not known any more. */
function LastWord({ arrived, isNew }: LastWordProps) {
  if (arrived === undefined) {
    return <p class="last-word label">{isNew ? 'was asked nothing yet' : ''}</p>;
  }
  return (
    <p class={`last-word ${toneOf(arrived)}`} title={arrived.why}>
      <FateMark fate={arrived.fate} /> {arrived.why}
    </p>
  );
}

function CardActions({ server }: { readonly server: ServerView }) {
  const on = useContext(OnStageContext);
  if (on?.orders === undefined) return null;
  const lane = on.orders;
  const button = (order: 'kill' | 'pause' | 'resume' | 'start', word: string) => (
    <button
      type="button"
      class="button plain"
      disabled={underWay.value > 0}
      onClick={() => void give({ do: order, lane, server: server.name })}
    >
      {word}
      <span class="unseen"> {server.name}</span>
    </button>
  );
  if (server.state === 'down') return <div class="actions">{button('start', 'Start')}</div>;
  return (
    <div class="actions">
      {button('kill', 'Kill')}
      {server.state === 'paused' ? button('resume', 'Resume') : button('pause', 'Pause')}
    </div>
  );
}

function total({ known, nobody, another, refused, lost }: Tally): number {
  return known + nobody + another + refused + lost;
}
