// What an attack is: a row of data that says what is sent, what must come back, and which event the
// security officer must see. What holds for every attack is not in the rows but in the judgement:
// refusals with one code have one body, none of them sets a cookie or may be kept or leads
// elsewhere, and whoever was there before still is, with the same sessions and the same data.

import { expect } from 'vitest';
import type { ErrorCode } from '../../src/core/errors.ts';
import type { Noticed } from '../../src/core/security-event.ts';
import type * as strategies from '../../src/strategies/index.ts';
import type { Answer } from '../gateways/asking.ts';
import type { Ground } from './ground.ts';

export type StrategyName = keyof typeof strategies;
export const ways = ['direct', 'gateway'] as const;
export type Way = (typeof ways)[number];

/** Every family must be tried at least once. */
export const families = [
  ...['alg none', 'parts', 'HMAC with a public key', 'a key of its own', 'outbound packets'],
  ...['kid', 'kid floods', 'ECDSA values', 'base64', 'serializations', 'crit', 'type confusion'],
  ...['audience and issuer', 'times', 'duplicate members', 'encodings', 'depth', 'sizes'],
  ...['retired keys', 'two credentials', 'a credential elsewhere'],
  ...['fixation', 'never-issued ids', 'malformed ids', 'duplicate cookies', 'prefix tricks'],
  ...['oversize', 'signature confusion', 'replay after logout', 'logout in flight'],
  ...['logout against refresh', 'regenerate', 'idle and absolute edges', 'session limit races'],
  ...['cross-strategy ids', 'key-space confusion', 'corrupt store values', 'CSRF', 'CORS'],
  ...['caching', 'identity headers', 'enumeration', 'guessing', 'spraying', 'victim lock-out'],
  ...['throttle store down', 'password bytes', 'hashing capacity', 'look-alike names'],
  ...['mass assignment', 'JSON type confusion', 'default accounts', 'common passwords'],
  ...['open redirects', 'parallel registration'],
] as const;
export type Family = (typeof families)[number];

/** `401 not-authenticated`, or the status alone where there is no problem document. */
export type Outcome = `${number}` | `${number} ${ErrorCode}`;
/** Of every answer; or a few that each may have; or how many there must be of each. */
export type Expected = Outcome | readonly Outcome[] | Partial<Record<Outcome, number>>;
/** Kind and reason of a security event, as in `credential-refused malformed`. */
export type Event = Noticed['kind'] | `${Noticed['kind']} ${string}`;

export interface Attack {
  readonly name: string;
  readonly family: Family;
  /** Where it cannot be tried, and why. */
  readonly notOn?: Partial<Record<StrategyName, string>>;
  readonly send: (ground: Ground) => Promise<readonly Answer[]>;
  readonly expect: Expected | ((ground: Ground) => Expected);
  /** What every refusal among the answers is noted as. */
  readonly event?: Event | ((ground: Ground) => Event | undefined);
}

function outcomeOf({ status, fields, body }: Answer): Outcome {
  if (!fields['content-type']?.includes('problem+json')) return `${status}`;
  const { code } = JSON.parse(body) as { code: ErrorCode };
  return `${status} ${code}`;
}

export function judge(ground: Ground, attack: Attack, answers: readonly Answer[]): void {
  const expected = typeof attack.expect === 'function' ? attack.expect(ground) : attack.expect;
  const outcomes = answers.map(outcomeOf);
  expect(answers.length).toBeGreaterThan(0);
  if (typeof expected === 'string') expect(new Set(outcomes)).toEqual(new Set([expected]));
  else if (Array.isArray(expected)) {
    expect(outcomes.filter((outcome) => !expected.includes(outcome))).toEqual([]);
  } else expect(Object.fromEntries(counts(outcomes))).toEqual(expected);
  for (const answer of answers) judgeAnswer(ground, answer);
  const event = typeof attack.event === 'function' ? attack.event(ground) : attack.event;
  for (const answer of answers) judgeEvents(ground, answer);
  if (event === undefined) return;
  const refused = answers.filter(({ status }) => status >= 400);
  for (const answer of refused) expect(ground.eventsOf(answer)).toContain(event);
}

/** What the security officer hears of, whatever the attack. */
const alwaysNoted: Partial<Record<Outcome, RegExp>> = {
  '401 wrong-credentials': /^(login|step-up)-refused (unknown|wrong|account)-/,
  '401 session-ended': /^reuse-detected$/,
  '403 cross-site': /^csrf-refused$/,
  '403 not-allowed': /^access-refused$/,
  '429 too-many-attempts': /^throttled$/,
};

function judgeEvents(ground: Ground, answer: Answer): void {
  const pattern = alwaysNoted[outcomeOf(answer)];
  if (pattern === undefined) return;
  expect(ground.eventsOf(answer)).toContainEqual(expect.stringMatching(pattern));
}

function counts(outcomes: readonly Outcome[]): Map<Outcome, number> {
  const map = new Map<Outcome, number>();
  for (const outcome of outcomes) map.set(outcome, (map.get(outcome) ?? 0) + 1);
  return map;
}

function judgeAnswer(ground: Ground, answer: Answer): void {
  const { status, fields } = answer;
  const telling = Object.keys(fields).filter((name) =>
    /^(access-control-|location$|server$|x-powered-by$)/.test(name),
  );
  expect(telling).toEqual([]);
  expect([status < 300 || status >= 400, status === 500]).toEqual([true, false]);
  const outcome = outcomeOf(answer);
  expect(fields['cache-control']).toBe('no-store');
  if (status < 400) return;
  expect(fields).not.toHaveProperty('set-cookie');
  const { requestId, detail, ...problem } = JSON.parse(answer.body);
  expect(requestId).toBe(fields['x-request-id']);
  // A request that breaks a rule is told which one.
  const body = problem.code === 'invalid-request' ? problem : { ...problem, detail };
  expect(body).toEqual(ground.sameBody(`${outcome}, ${problem.type}`, body));
}
