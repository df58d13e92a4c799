// What a recorded run shows of itself as a lane: the history says who answered, what broke, and
// which login was made where. What a process remembered was not recorded, so a server is shown with
// the logins that it made in this life and that have not ended.

import type { ClientView, LaneView, LinkState, Remembered } from '../../../src/api/contract.ts';
import type { SessionSeen, Stage, Trouble } from '../../../src/api/stage.ts';
import type { HistoryEvent } from '../../../src/core/history.ts';
import { type AnswerName, answers } from '../../../src/scenarios/scenario.ts';
import { storeOf } from '../stage/way.ts';

const shownMax = 24;

const links: Readonly<Record<string, LinkState>> = {
  'cut-link': 'cut',
  'slow-link': 'slow',
  'store-down': 'refusing',
  'store-restart': 'refusing',
};

/** Everybody of the run, from its beginning on, so that nothing jumps while it is replayed. */
export function castOf(events: readonly HistoryEvent[]): readonly ClientView[] {
  const cast = new Map<string, ClientView>();
  for (const event of events) {
    if (event.t !== 'invoke' || cast.has(event.client)) continue;
    cast.set(event.client, { name: event.client, user: event.user, sess: null });
  }
  return [...cast.values()];
}

export function recordedView(id: string, stage: Stage, cast: readonly ClientView[]): LaneView {
  const { run } = stage;
  const answer = (run?.answer ?? 'memory') as AnswerName;
  const live = [...stage.sessions.values()].filter(({ state }) => state !== 'ended');
  const isMemory = answers[answer]?.store === 'memory';
  const isToken = run?.selfContained === true;
  const kind = storeOf(answer);
  const inStore = isMemory ? [] : live.map(remembered);
  return {
    id: 'a',
    answer,
    says: '',
    policy: run?.policy ?? '',
    state: 'done',
    gatewayUrl: '',
    servers: [...stage.servers.values()]
      .filter(({ state }) => state !== 'removed')
      .map(({ name, incarnation, state }) => {
        const made = isMemory ? live.filter((each) => isMadeBy(each, name, incarnation)) : [];
        return {
          ...{ name, incarnation, pid: null, state: state === 'removed' ? 'down' : state },
          link: 'whole',
          storeLink: kind === null ? null : linkOf(stage.troubles, name),
          remembers: made.slice(-shownMax).map(remembered),
          remembersInAll: made.length,
        };
      }),
    store:
      kind === null
        ? null
        : {
            kind,
            state: linkOf(stage.troubles, 'store'),
            remembers: isToken ? [] : inStore.slice(-shownMax),
            remembersInAll: isToken ? 0 : inStore.length,
          },
    clients: cast.map((client) => ({ ...client, sess: carriedBy(client.name, stage) })),
    perSecond: 0,
    experiment: null,
    run: id,
  };
}

function isMadeBy(session: SessionSeen, server: string, incarnation: number): boolean {
  return session.server === server && session.incarnation === incarnation;
}

function remembered({ name, user }: SessionSeen): Remembered {
  return { handle: name, user };
}

function carriedBy(client: string, stage: Stage): string | null {
  let carried: string | null = null;
  for (const session of stage.sessions.values()) {
    if (session.client === client && session.state !== 'ended') carried = session.name;
  }
  return carried;
}

function linkOf(troubles: readonly Trouble[], target: string): LinkState {
  const trouble = troubles.findLast(
    (each) => each.to === null && each.target.includes(target) && each.kind in links,
  );
  return links[trouble?.kind ?? ''] ?? 'whole';
}
