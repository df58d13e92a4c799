// A log of endings in Redis. What Redis acknowledges it can lose (a failover, a restart without
// persistence), so two things stand beside it. With `replicas`, nothing counts before so many have
// it: no ending, and no answer either, because a primary that was cut off knows nothing of the
// endings that another one takes. And each server holds what it has learned: on a new connection,
// or when the version has gone back, it reads everything, gives back what it holds and the log has
// lost, and until that is done its view is not fresh. So a log that has lost its memory gets it
// back from any server that was there.

import Type, { type Static } from 'typebox';
import { Compile } from 'typebox/compile';
import { OperatingError } from '../core/errors.ts';
import { type RedisAddress, redisAddress } from '../core/redis-address.ts';
import { available, durably, FollowedLog, pushed, type Source } from './followed-log.ts';
import { RedisLine } from './redis-line.ts';
import type { RevocationOptions, Revocations, Spared } from './revocation-log.ts';
import type { Kept, View } from './view.ts';

const pageMax = 1_000;

/** What scripts and messages carry: `s:` or `u:` and an id, until when, and a user's value. */
const member = (kind: string) => Type.String({ pattern: `^${kind}:` });
const Until = Type.String({ pattern: '^\\d+$' });
const Entry = Type.Union([
  Type.Tuple([member('s'), Until, Type.Literal('')]),
  Type.Tuple([member('u'), Until, Type.String({ minLength: 1 })]),
]);
type Entry = readonly [member: string, until: string, value: string];
const entryForm = Compile(Entry);

const Value = Type.Object({ epoch: Type.Number(), except: Type.Optional(Type.String()) });
type Value = Static<typeof Value>;
const valueForm = Compile(Value);

type Page = readonly [origin: string, latest: number, last: number, entries: readonly Entry[]];

class RedisSource implements Source {
  readonly #view: View;
  readonly #line: RedisLine;
  /** The version up to which the log was read, on which connection. */
  #version = 0;
  #readOn = 0;
  #origin = '';

  constructor(address: RedisAddress, { timeoutMs, replicas = 0 }: RevocationOptions, view: View) {
    this.#view = view;
    this.#line = new RedisLine({
      address,
      timeoutMs,
      replicas,
      onMessage: (message) => {
        const entry = pushed(message, entryForm);
        if (entry && (entry[2] === '' || pushed(entry[2], valueForm))) view.learn(keptIn(entry));
      },
    });
  }

  async endSession(sessionId: string, until: number): Promise<void> {
    const args = [this.#line.channel, `s:${sessionId}`, until];
    await durably(this.#line.ask((to) => to.endSession(args)));
  }

  async endUser(userId: string, until: number, spared?: Spared): Promise<number> {
    const { id, epoch } = spared ?? { id: '', epoch: 0 };
    const args = [this.#line.channel, `u:${userId}`, until, id, epoch];
    return Number(await durably(this.#line.ask((to) => to.endUser(args))));
  }

  async find(userId: string, sessionId?: string): Promise<readonly Kept[]> {
    const members = [`u:${userId}`, ...(sessionId === undefined ? [] : [`s:${sessionId}`])];
    const found = await available(this.#line.ask((to) => to.find(members)));
    return (found as Entry[]).map(keptIn);
  }

  poll(): Promise<void> {
    return available(this.#readNew());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#line[Symbol.dispose]();
  }

  async #readNew(): Promise<void> {
    const connection = await this.#line.connection();
    const readOn = this.#readOn;
    // Until it has succeeded; after any failure everything is read anew.
    this.#readOn = 0;
    const goesOn = connection === readOn && (await this.#readOnwards());
    if (!goesOn) await this.#readAll();
    if (connection !== (await this.#line.connection())) throw new Error('it broke off meanwhile');
    this.#readOn = connection;
  }

  async #readAll(): Promise<void> {
    const held = [...this.#view.endings()].map(entryOf);
    const there = new Set<string>();
    this.#version = 0;
    this.#origin = '';
    await this.#readOnwards((member) => there.add(member));
    // Of a user it may know an older ending; which is newer is for the script to say.
    const lost = held.filter(([member]) => member.startsWith('u:') || !there.has(member));
    for (let at = 0; at < lost.length; at += pageMax) {
      const args = [this.#line.channel, ...lost.slice(at, at + pageMax).flat()];
      await this.#line.ask((to) => to.giveBack(args));
    }
  }

  /** False when it is another log, or behind what was read of it: it has lost something. */
  async #readOnwards(saw: (member: string) => void = () => undefined): Promise<boolean> {
    for (;;) {
      const reply = await this.#line.ask((to) => to.since([this.#version, pageMax]));
      const [origin, latest, last, entries] = reply as Page;
      this.#origin ||= origin;
      if (origin !== this.#origin || latest < this.#version) return false;
      for (const entry of entries) {
        saw(entry[0]);
        this.#view.learn(keptIn(entry));
      }
      this.#version = last;
      if (entries.length < pageMax) return true;
    }
  }
}

function keptIn([member, until, value]: Entry): Kept {
  const subject = member.slice(2);
  if (member.startsWith('s:')) return { kind: 'session', sessionId: subject, until: Number(until) };
  const { epoch, except }: Value = JSON.parse(value);
  return { kind: 'user', userId: subject, until: Number(until), epoch, ...(except && { except }) };
}

function entryOf(ending: Kept): Entry {
  const until = String(ending.until);
  if (ending.kind === 'session') return [`s:${ending.sessionId}`, until, ''];
  const { userId, epoch, except } = ending;
  return [`u:${userId}`, until, JSON.stringify({ epoch, except })];
}

function addressIn({ url = '' }: RevocationOptions): RedisAddress {
  const address = redisAddress(url);
  if (address.topology === 'standalone') return address;
  const detail =
    'The log of endings in Redis takes redis:// or rediss://; or set REVOCATIONS=postgres';
  throw new OperatingError('store-unavailable', { detail });
}

export const redis: Revocations = {
  says: 'in Redis, which pushes each ending to every server',
  lossWindow:
    'with replicas, nothing while one of them lives and takes over; with none, what Redis loses when it crashes or fails over, except what any server that lives on has learned',
  shared: true,
  claims: {
    revocation: {
      holds: true,
      because: 'an ending counts once Redis has it, and as many replicas as are asked for',
    },
    'no-resurrection': { holds: true, because: 'what a server has learned it does not forget' },
    'fails-closed': { holds: true, because: 'a server with too old a view asks, or refuses' },
  },
  async open(options) {
    const address = addressIn(options);
    return FollowedLog.open(options, (view) => new RedisSource(address, options, view));
  },
};
