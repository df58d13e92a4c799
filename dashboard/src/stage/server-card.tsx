// One server: whether it lives, what it remembers, what it said last, and what can be done to it.

import { useContext } from 'preact/hooks';
import type { LaneView, LinkState, ServerView } from '../../../src/api/contract.ts';
import { type Arrived, marks, type Tally } from '../../../src/api/stage.ts';
import { FateMark, wordsOf } from '../fate.tsx';
import { give, underWay } from '../orders.ts';
import { Chips } from './chips.tsx';
import { nodes } from './layout.ts';
import { isPicked, OnStageContext } from './selection.ts';
import { linkWords } from './store.tsx';

/** Why nothing can be listed of what it remembers. */
export function nothingIn({ state }: ServerView, { answer }: LaneView): string {
  if (state === 'up') return 'remembers nobody';
  if (state === 'paused') return 'cannot be asked now';
  return answer === 'memory' ? 'what it knew is gone' : 'it kept nobody: nothing is lost';
}

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
        nothing={nothingIn(server, on.view.value)}
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

/** Logins are no question of who is known. */
function Answered({ tally }: { readonly tally: Tally }) {
  const wrong = tally.nobody + tally.another + tally.intruded;
  const open = tally.refused + tally.lost;
  return (
    <span class="answered">
      <Count glyph="✓" says="answered rightly" count={tally.known + tally.barred} looks="known" />
      <Count glyph="✗" says="answered wrongly" count={wrong} looks={wrong > 0 ? 'nobody' : ''} />
      {open > 0 && <Count glyph="!" says="could not answer" count={open} looks="refused" />}
    </span>
  );
}

interface CountProps {
  readonly glyph: string;
  readonly says: string;
  readonly count: number;
  readonly looks: string;
}

function Count({ glyph, says, count, looks }: CountProps) {
  return (
    <span class={looks} title={says}>
      <span aria-hidden="true">{glyph}</span>
      <span class="unseen">{says}:</span> {count}
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
    <p class={`last-word ${wordsOf(arrived).looks}`} title={arrived.why}>
      <FateMark arrived={arrived} /> {arrived.why}
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
      class="button"
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

function total(tally: Tally): number {
  return marks.reduce((sum, mark) => sum + tally[mark], 0);
}
