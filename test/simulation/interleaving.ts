// One interleaving: somebody logs in, and then many requests of theirs are under way at once on two
// servers: slow writes, touches, refreshes, a step-up; and an ending among them, now and then when
// the idle limit has just passed. From the moment the ending is acknowledged, no credential of that
// login, not even one that was handed out by a request in flight, may be accepted again. A
// self-contained credential is first let expire.

import { OperatingError } from '../../src/core/errors.ts';
import type { Random } from '../../src/core/random.ts';
import type { RevocationLog } from '../../src/revocations/revocation-log.ts';
import type { SessionStore } from '../../src/stores/store.ts';
import type { Issue, Recogniser } from '../../src/strategies/strategy.ts';
import { Client, HandClock, lifetimes, newUser } from '../strategies/strategy.contract.ts';
import { remote } from './remote-store.ts';
import { Scheduler } from './scheduler.ts';

export interface Protocol {
  /** Opens what the sessions live in, before a wire is put before it. */
  openStore(): Promise<SessionStore>;
  openLog(): Promise<RevocationLog> | undefined;
  start(
    store: SessionStore,
    clock: HandClock,
    revocations: RevocationLog | undefined,
  ): Promise<Recogniser>;
  /** True when an access credential lives on until it expires, by design. */
  readonly expiresOnly: boolean;
}

const requests = ['write', 'write', 'touch', 'refresh', 'refresh', 'step-up', 'look'] as const;
const endings = ['logout', 'logout-everywhere', 'from-another-device', 'by-administrator'] as const;

export interface Explored {
  /** False when the wire lost the ending, or nobody was there who could ask for it. */
  readonly acknowledged: boolean;
  /** What went wrong, in words. */
  readonly violations: readonly string[];
}

export async function interleave(protocol: Protocol, random: Random): Promise<Explored> {
  const scheduler = new Scheduler(random);
  const clock = new HandClock();
  const store = await protocol.openStore();
  const log = await protocol.openLog();
  const atHome = await protocol.start(store, clock, log);
  const far = remote(store, scheduler, random);
  const farLog = log && remote(log, scheduler, random);
  const servers = [
    await protocol.start(far, clock, farLog),
    await protocol.start(far, clock, farLog),
  ];
  const user = newUser();
  const first = new Client().take(await atHome.begin(user, {}));
  const other = new Client().take(await atHome.begin(user, {}));
  const held = [first];
  const idleLimit = clock.now() + lifetimes.idleMs;
  let acknowledged = false;
  const violations: string[] = [];

  const hand = (holder: Client, issue: Issue) => held.push(holder.copy().take(issue));
  async function request(kind: (typeof requests)[number]): Promise<void> {
    for (let waits = random.below(6); waits > 0; waits -= 1) await scheduler.turn();
    const client = random.pick(held);
    const server = random.pick(servers);
    const isLate = acknowledged;
    if (kind === 'refresh') {
      const refreshed = await server.refresh(client.headers, client.refreshToken);
      if (refreshed.outcome !== 'ok') return;
      hand(client, refreshed.issue);
      if (isLate) violations.push('a refresh begun after the ending succeeded');
      return;
    }
    clock.pass(kind === 'touch' ? lifetimes.idleMs / 10 : 1_000);
    const recognition = await server.recognise(client.headers);
    if (recognition.kind !== 'recognised') return;
    if (isLate && !protocol.expiresOnly) violations.push(`a ${kind} after the ending was accepted`);
    const { session } = recognition;
    if (kind === 'write') {
      const changed = await server.change(session, [{ op: 'increment', field: 'n', by: 1 }]);
      if (changed.outcome === 'ok') hand(client, changed.issue);
    } else if (kind === 'step-up') {
      const risen = await server.stepUp(session, client.headers);
      if (risen.outcome === 'ok') hand(client, risen.issue);
    }
  }

  async function end(kind: (typeof endings)[number]): Promise<void> {
    for (let waits = random.below(8); waits > 0; waits -= 1) await scheduler.turn();
    const server = random.pick(servers);
    const mine = await server.recognise(first.headers);
    const theirs = await server.recognise(other.headers);
    // The idle limit may strike before the ending arrives, and after what is under way was sent.
    if (random.below(3) === 0) clock.pass(Math.max(0, idleLimit - clock.now()));
    // It counts also with a credential that was replaced meanwhile, and when it finds nothing.
    if (kind === 'logout') await server.leave(first.headers);
    else if (kind === 'by-administrator') await server.endUser(user.id, 'ended-by-admin');
    else {
      if (mine.kind !== 'recognised' || theirs.kind !== 'recognised') return;
      const { session } = mine;
      if (kind === 'logout-everywhere') await server.endAll(session);
      else if (!(await server.endOne(theirs.session, session.handle))) return;
    }
    acknowledged = true;
  }

  const kinds = Array.from({ length: 3 + random.below(4) }, () => random.pick(requests));
  for (const kind of kinds) void request(kind).catch(expectOutage);
  void end(random.pick(endings)).catch(expectOutage);
  await scheduler.run();
  if (!acknowledged) return { acknowledged, violations };

  if (protocol.expiresOnly) clock.pass(lifetimes.accessTokenMs + 1);
  // First all are shown, for a refresh with an old one ends what should have ended before.
  for (const client of held) {
    const { kind } = await atHome.recognise(client.headers);
    if (kind === 'recognised') violations.push('a credential of an ended login is accepted');
  }
  for (const client of held) {
    const refreshed = await atHome.refresh(client.headers, client.refreshToken);
    if (refreshed.outcome === 'ok') violations.push('an ended login was refreshed');
  }
  return { acknowledged, violations };
}

/** Anything else than an outage, or another request that was first, is a mistake of ours. */
function expectOutage(error: unknown): void {
  if (error instanceof OperatingError && /^(store|revocation)-|^session-conflict$/.test(error.code))
    return;
  throw error;
}
