// Why a request ended as it did, in words for people, from the history alone: what is said here can
// be checked against the recorded lines. Where the history does not decide it, the sentence says no
// more than it shows.

import { type ErrorCode, errors } from '../core/errors.ts';
import type { RunHeader } from '../core/history.ts';
import { type Answer, type AnswerName, answers } from '../scenarios/scenario.ts';
import { expired } from './session-seen.ts';
import type { Arrived, ServerSeen, SessionSeen, Trouble } from './stage.ts';

/** What the history had told before the request was answered. */
export interface Known {
  readonly run: RunHeader | null;
  readonly sessions: ReadonlyMap<string, SessionSeen>;
  readonly servers: ReadonlyMap<string, ServerSeen>;
  readonly troubles: readonly Trouble[];
}

type Ended = Omit<Arrived, 'why'>;

interface Case {
  readonly ended: Ended;
  readonly known: Known;
  readonly session: SessionSeen | undefined;
  readonly answer: Answer | undefined;
  /** Who answered: 's2', or 'the gateway'. */
  readonly who: string;
  readonly store: string;
}

/** One sentence without a full stop: 's2 has no session alice.1: it was made on s1'. */
export function reasonOf(ended: Ended, known: Known): string {
  const answer: Answer | undefined = answers[known.run?.answer as AnswerName];
  const session = known.sessions.get(ended.sess ?? '');
  const who = ended.server ?? 'the gateway';
  const store = storeNames[answer?.store ?? ''] ?? 'the store';
  const it: Case = { ended, known, session, answer, who, store };
  return sentences[ended.fate](it);
}

const storeNames: Readonly<Record<string, string>> = {
  postgres: 'PostgreSQL',
  redis: 'Redis',
  cached: 'the store behind its cache',
};

const sentences: Readonly<Record<Arrived['fate'], (it: Case) => string>> = {
  known: whyKnown,
  nobody: whyNobody,
  another: ({ ended, who }) => `${who} took ${ended.user} for somebody else`,
  refused: whyRefused,
  lost: whyLost,
};

function whyKnown(it: Case): string {
  const { ended, session, who } = it;
  if (ended.f === 'login') return whereKept(it);
  if (ended.f === 'logout') return whatLogoutDid(it);
  if (ended.f === 'logout-everywhere') return `${who} ended every session of ${ended.user}`;
  if (ended.f === 'refresh') return `${who} replaced the credential by a fresh one`;
  if (ended.f === 'forge') return `${who} accepted what nobody ever issued`;
  if (ended.sessEndedAt !== null) return whyStillAccepted(it, ended.sessEndedAt);
  if (isToken(it)) {
    const endings = it.answer?.strategy === 'token-with-revocation';
    if (!endings) return `the token proves it: ${who} asked nobody`;
    return `the token proves it, and ${who} has heard of no ending`;
  }
  const name = ended.sess ?? 'the session';
  if (isMemory(it)) return `${who} made ${name} and remembers it`;
  const made = session?.server && session.server !== who ? `, made on ${session.server}` : '';
  return `${who} asked ${it.store}, which knows ${name}${made}`;
}

function whereKept(it: Case): string {
  const { ended, who, store } = it;
  const name = ended.began ?? 'the session';
  if (isToken(it)) return `${who} signed a token, which proves it to every server`;
  if (isMemory(it)) return `${who} made ${name} and keeps it in its own memory`;
  return `${who} made ${name} and put it into ${store}`;
}

function whatLogoutDid(it: Case): string {
  const { ended, who, store } = it;
  const name = ended.sess ?? 'the session';
  if (it.answer?.strategy === 'token') {
    return `the client dropped its token; a copy of it is good until it expires`;
  }
  if (isToken(it)) return `${who} wrote down that ${name} has ended, for every server to hear`;
  if (isMemory(it)) return `${who} was asked to forget ${name}`;
  return `${who} ended ${name} in ${store}`;
}

function whyStillAccepted(it: Case, at: number): string {
  const { ended, who } = it;
  const since = `${ended.sess} was ended at ${moment(at)}`;
  if (it.answer?.strategy === 'token') return `${since}, but nobody can call a token back`;
  if (isToken(it)) return `${since}, and ${who} had not heard of it yet`;
  if (isMemory(it)) return `${since} elsewhere: ${who} was not told, and still remembers it`;
  return `${since}, and ${who} accepted it all the same`;
}

function whyNobody(it: Case): string {
  const { ended, known, session, who, store } = it;
  if (ended.f === 'login') return 'the name or the password is wrong';
  if (ended.f === 'forge') return `${who} never issued this credential`;
  if (ended.sess === null) return `no credential came with it`;
  if (ended.sessEndedAt !== null && it.answer?.strategy === 'token') {
    return `the token of ${ended.sess} has expired, which is what ends it`;
  }
  if (ended.sessEndedAt !== null) return whyBarred(it, ended.sessEndedAt);
  if (session === undefined) return `${who} has no session ${ended.sess}`;
  if (session.endedAt !== null) return `${ended.sess} was just being ended`;
  if (expired(session, known.run, ended.startedAt)) return `${ended.sess} has expired`;
  if (isToken(it)) return `${who} does not accept the token`;
  if (isMemory(it)) return whereMemoryIs(it, session);
  const trouble = storeTrouble(known, (each) => forgetful.has(each.kind));
  const why = trouble ? `: ${troubleWords(trouble)} at ${moment(trouble.from)}` : '';
  return `${store} has no session ${session.name} any more${why}`;
}

function whyBarred(it: Case, at: number): string {
  const { ended, session, who, store } = it;
  const since = `${ended.sess} was ended at ${moment(at)}`;
  if (isToken(it)) return `${since}, and ${who} has heard of it`;
  if (!isMemory(it)) return `${since}: ${who} asked ${store}, which has it no more`;
  return `${since}: ${who} ${session?.server === who ? 'has forgotten it' : 'never had it'}`;
}

function whereMemoryIs({ ended, known, who }: Case, { name, server, incarnation }: SessionSeen) {
  const maker = known.servers.get(server ?? '');
  const isGone = maker?.state === 'down' || maker?.state === 'removed';
  const end = maker ? endOf(maker, known) : `${server} ended`;
  if (who === server && ended.incarnation !== incarnation) {
    return `${end} and its memory with it: the new ${server} has no session ${name}`;
  }
  const base = `${who} has no session ${name}: it was made on ${server}`;
  const isForgotten = isGone || (maker && maker.incarnation !== incarnation);
  return isForgotten ? `${base}; ${end} and its memory with it` : base;
}

function whyRefused(it: Case): string {
  const { ended, who, store } = it;
  const code = ended.problem as ErrorCode;
  if (code === 'store-unavailable') {
    return `${store} does not answer ${who}, so nobody is judged: ${ended.status}, and the credential stays`;
  }
  if (code === 'no-server') return `the gateway finds no server that is up${downList(it)}`;
  if (ended.status === null) return `${ended.to} is down: it refused the connection`;
  const summary = errors[code]?.summary;
  return summary ? `${who} refused it: ${lowerFirst(summary)}` : `${who} refused it`;
}

function whyLost(it: Case): string {
  const { ended, known, who } = it;
  const { status, problem } = ended;
  if (status === 502) return `a server broke off, and nobody knows how far it was${downList(it)}`;
  if (problem === 'ECONNREFUSED') return `${ended.to} is down: it refused the connection`;
  if (status === 504 || problem === 'timeout') {
    const trouble = known.troubles.findLast(({ to }) => to === null || to > ended.startedAt);
    const cause = trouble
      ? `: ${trouble.target} since ${moment(trouble.from)} (${trouble.kind})`
      : '';
    return `no answer came in time${cause}`;
  }
  if (status === null || problem === 'truncated') return 'the connection broke before the answer';
  const summary = errors[problem as ErrorCode]?.summary;
  return summary ? `${who}: ${lowerFirst(summary)}` : `${who} failed`;
}

/** ': s1 died at 3.2 s' */
function downList({ known }: Case): string {
  const down = [...known.servers.values()].filter(({ state }) => state === 'down');
  return down.length === 0 ? '' : `: ${down.map((each) => endOf(each, known)).join(', ')}`;
}

/** 's1 died at 3.2 s' */
function endOf({ name, forgotAt }: ServerSeen, { troubles }: Known): string {
  if (forgotAt === null) return `${name} ended`;
  const isCrash = troubles.some(({ kind, from }) => kind === 'crash' && from === forgotAt);
  return `${name} ${isCrash ? 'died' : 'ended'} at ${moment(forgotAt)}`;
}

/** After these the store has less than it had. */
const forgetful: ReadonlySet<string> = new Set(['store-restart', 'store-snapshot', 'failover']);

function storeTrouble(known: Known, is: (trouble: Trouble) => boolean): Trouble | undefined {
  return known.troubles.findLast((each) => each.target.includes('store') && is(each));
}

function troubleWords({ kind }: Trouble): string {
  return kind === 'failover' ? 'its replica took over' : 'it came back with less';
}

function isToken({ answer }: Case): boolean {
  return answer !== undefined && answer.strategy !== 'session';
}

function isMemory({ answer }: Case): boolean {
  return answer?.strategy === 'session' && answer.store === 'memory';
}

function moment(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
