// Passwords, as Argon2id hashes in PHC strings (RFC 9106), each with its own salt and with the cost
// at which it was made. Hashing is meant to be expensive, so only a few run at once and only a few
// more may wait: beyond that a server says that it is overloaded, while it can still say anything.

import { argon2, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { OperatingError } from '../core/errors.ts';
import { limits } from '../core/limits.ts';

const argon2Async = promisify(argon2);

/** What one hash costs, and how many there are at once. */
export interface Hashing {
  readonly memoryKib: number;
  readonly passes: number;
  readonly lanes: number;
  readonly runningMax: number;
  readonly waitingMax: number;
}

/** OWASP Password Storage Cheat Sheet; two at once leave Node's four threads something to do. */
export const hashingDefaults: Hashing = {
  memoryKib: 19 * 1024,
  passes: 2,
  lanes: 1,
  runningMax: 2,
  waitingMax: 64,
};

/** Of those who wait, newcomers are one in so many: users who log in always find a place. */
const newcomersShare = 4;

const saltBytes = 16;
const hashBytes = 32;
const phc = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/;

type Cost = Pick<Hashing, 'memoryKib' | 'passes' | 'lanes'>;

/**
 * The password as it is hashed: one spelling of composed characters, whatever the keyboard (NFC, as
 * in RFC 8265 section 4.2). undefined when no user can have it. U+0000 is a character like others.
 */
export function readPassword(text: string): Buffer | undefined {
  if (text.length > 4 * limits.passwordCharsMax || !text.isWellFormed()) return undefined;
  const composed = text.normalize('NFC');
  const chars = [...composed].length;
  const fits = chars >= limits.passwordCharsMin && chars <= limits.passwordCharsMax;
  return fits ? Buffer.from(composed) : undefined;
}

export class Passwords {
  readonly #hashing: Hashing;
  readonly #prefix: string;
  #decoy = '';
  #running = 0;
  #newcomers = 0;
  readonly #waiting: Array<{ readonly from: string | undefined; readonly go: () => void }> = [];

  private constructor(hashing: Hashing) {
    const { memoryKib, passes, lanes } = hashing;
    this.#hashing = hashing;
    this.#prefix = `$argon2id$v=19$m=${memoryKib},t=${passes},p=${lanes}$`;
  }

  static async prepare(hashing: Hashing): Promise<Passwords> {
    const passwords = new Passwords(hashing);
    passwords.#decoy = await passwords.hash(randomBytes(hashBytes));
    return passwords;
  }

  /** @throws OperatingError `overloaded`, sooner for a newcomer, who registers */
  async hash(password: Buffer, whose: 'user' | 'newcomer' = 'user'): Promise<string> {
    const salt = randomBytes(saltBytes);
    const job = () => work(password, salt, hashBytes, this.#hashing);
    const hash = await (whose === 'user' ? this.#inTurn(job) : this.#inNewcomersTurn(job));
    return `${this.#prefix}${b64(salt)}$${b64(hash)}`;
  }

  /** Was this hash made at another cost than hashes are made now? */
  isOutdated(stored: string): boolean {
    return !stored.startsWith(this.#prefix);
  }

  /**
   * Without a hash, for a user that there is not, the work is the same and the answer is no.
   *
   * @throws OperatingError `overloaded`, sooner for a network from which many wait
   */
  async verify(password: Buffer, stored: string | undefined, network?: string): Promise<boolean> {
    const [, memoryKib, passes, lanes, salt, hash] = phc.exec(stored ?? this.#decoy) ?? [];
    if (salt === undefined || hash === undefined) throw new Error('a stored hash is no PHC string');
    const cost = { memoryKib: Number(memoryKib), passes: Number(passes), lanes: Number(lanes) };
    const theirs = Buffer.from(hash, 'base64');
    const salted = Buffer.from(salt, 'base64');
    const mine = await this.#inTurn(() => work(password, salted, theirs.length, cost), network);
    return timingSafeEqual(mine, theirs);
  }

  async #inNewcomersTurn<T>(job: () => Promise<T>): Promise<T> {
    const { runningMax, waitingMax } = this.#hashing;
    if (this.#newcomers >= runningMax + waitingMax / newcomersShare) throw overloaded();
    this.#newcomers += 1;
    try {
      return await this.#inTurn(job);
    } finally {
      this.#newcomers -= 1;
    }
  }

  async #inTurn<T>(job: () => Promise<T>, network?: string): Promise<T> {
    if (this.#running < this.#hashing.runningMax) this.#running += 1;
    else await this.#wait(network);
    try {
      return await job();
    } finally {
      // A turn is handed on, not given back, so that nobody can slip in between.
      const next = this.#waiting.shift();
      if (next === undefined) this.#running -= 1;
      else next.go();
    }
  }

  /**
   * From one network as many may wait as places are free, so that it always leaves some to others
   * (dynamic queue length thresholds; Choudhury and Hahne, 1998).
   */
  #wait(from: string | undefined): Promise<void> {
    const free = this.#hashing.waitingMax - this.#waiting.length;
    const own = from === undefined ? 0 : this.#waiting.filter((each) => each.from === from).length;
    if (free === 0 || own >= free) throw overloaded();
    return new Promise((go) => this.#waiting.push({ from, go }));
  }
}

function overloaded(): OperatingError {
  return new OperatingError('overloaded', { retryAfterSeconds: 1 });
}

function work(message: Buffer, nonce: Buffer, tagLength: number, cost: Cost): Promise<Buffer> {
  const { memoryKib: memory, passes, lanes: parallelism } = cost;
  return argon2Async('argon2id', { message, nonce, tagLength, memory, passes, parallelism });
}

function b64(bytes: Buffer): string {
  return bytes.toString('base64').replaceAll('=', '');
}
