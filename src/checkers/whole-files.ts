// P22: an acknowledged file is there and whole, for its owner alone. No two files have the same
// content here, so a digest tells which was sent. A file that was acknowledged before its owner
// asks must be in each list once, and come as it was sent; what else is shown must be whole and the
// asker's own, for an upload that broke off may have been finished. How often that was so is
// measured, as transfers that nobody disturbs show little.

import type { Invocation, SeenFile } from '../core/history.ts';
import type { Witness } from '../core/verdict.ts';
import type { Checker, Checking, Exchange, Observation } from './checker.ts';
import { ruling } from './engine/ruling.ts';
import { count, line } from './engine/wording.ts';

interface Sent {
  readonly name: string;
  readonly owner: string;
  readonly bytes: number;
  readonly sha256: string;
  /** Sends that have stored it, or may have. */
  perhaps: number;
  /** The first acknowledgement, and the id that it gave. */
  receipt: Exchange | undefined;
  id: string | undefined;
}

/** What is wrong with what an operation showed. */
interface Wrong {
  readonly because: string;
  readonly sent?: Sent | undefined;
}

export const wholeFiles: Checker = {
  property: 'whole-files',
  chapter: 'docs/concepts/00-week-one.md',
  start: () => new WholeFiles(),
};

class WholeFiles implements Checking {
  readonly #byName = new Map<string, Sent>();
  readonly #byDigest = new Map<string, Sent>();
  /** Of each user, in the order of the acknowledgements. */
  readonly #acknowledged = new Map<string, Sent[]>();
  /** Of operations under way: how many of their user's files had been acknowledged. */
  readonly #before = new Map<number, number>();
  readonly #tally = { sends: 0, brokenOff: 0, resumed: 0, repeated: 0, pried: 0 };
  #decisive = 0;
  #broken = 0;
  #witness: Witness | null = null;

  invoke(invocation: Invocation): void {
    const { f, i, user } = invocation;
    if (f === 'list' || f === 'fetch') this.#before.set(i, this.#filesOf(user).length);
    if (f === 'send') this.#sentBy(invocation).perhaps += 1;
  }

  observe(observation: Observation): void {
    const { invocation, completion, tookFor } = observation;
    const { f, i, user } = invocation;
    const seen = completion.seen?.files;
    if (f === 'send') this.#send(this.#sentBy(invocation), observation);
    const acknowledged = this.#filesOf(user).slice(0, this.#before.get(i) ?? 0);
    this.#before.delete(i);
    if (tookFor !== 'somebody' || completion.seen?.user !== user || seen === undefined) return;
    if (f === 'list') this.#list(observation, seen, acknowledged);
    if (f === 'fetch') this.#fetch(observation, seen, acknowledged);
  }

  #filesOf(user: string): Sent[] {
    const files = this.#acknowledged.get(user) ?? [];
    this.#acknowledged.set(user, files);
    return files;
  }

  #sentBy({ user: owner, key: name = '', val: bytes = 0, sha256 = '' }: Invocation): Sent {
    const known = this.#byName.get(name);
    if (known !== undefined) return known;
    const nothingYet = { perhaps: 0, receipt: undefined, id: undefined };
    const sent = { name, owner, bytes, sha256, ...nothingYet };
    this.#byName.set(name, sent);
    this.#byDigest.set(sha256, sent);
    return sent;
  }

  #send(sent: Sent, observation: Observation): void {
    const { completion, tookFor } = observation;
    if (completion.t === 'fail' || tookFor === 'nobody') sent.perhaps -= 1;
    this.#tally.sends += 1;
    if (completion.t !== 'ok') this.#tally.brokenOff += 1;
    const [receipt] = completion.seen?.files ?? [];
    if (tookFor !== 'somebody' || receipt === undefined) return;
    if ((completion.from ?? 0) > 0 && sent.receipt === undefined) this.#tally.resumed += 1;
    if (sent.receipt !== undefined) this.#tally.repeated += 1;
    const wrong = wrongReceipt(sent, receipt);
    if (wrong !== undefined) this.#judge(observation, wrong);
    if (sent.receipt !== undefined) return;
    sent.receipt = observation;
    sent.id = receipt.id;
    this.#filesOf(sent.owner).push(sent);
  }

  #list(asked: Observation, seen: readonly SeenFile[], acknowledged: readonly Sent[]): void {
    for (const sent of acknowledged) {
      const times = seen.filter((file) => file.sha256 === sent.sha256).length;
      const because = times === 0 ? `${sent.name} is not there` : `${sent.name} is there twice`;
      this.#judge(asked, times === 1 ? undefined : { because, sent });
    }
    const expected = new Set(acknowledged.map(({ sha256 }) => sha256));
    for (const file of seen) {
      if (!expected.has(file.sha256)) this.#judge(asked, this.#stranger(file, asked));
    }
  }

  #fetch(asked: Observation, [file]: readonly SeenFile[], acknowledged: readonly Sent[]): void {
    const { key = '', user } = asked.invocation;
    const sent = this.#byName.get(key);
    if (sent?.owner !== user) this.#tally.pried += 1;
    if (file !== undefined) this.#judge(asked, this.#stranger(file, asked));
    else if (sent?.owner !== user) this.#judge(asked, undefined);
    else if (acknowledged.includes(sent)) {
      this.#judge(asked, { because: `${key} is not there`, sent });
    }
  }

  /** What is wrong with showing this file to who asked. */
  #stranger({ bytes, sha256 }: SeenFile, { invocation }: Exchange): Wrong | undefined {
    const sent = this.#byDigest.get(sha256);
    const { f, key, user } = invocation;
    if (sent === undefined) {
      const meant = f === 'fetch' ? this.#byName.get(key ?? '') : undefined;
      return { because: `nobody sent what was shown, ${count(bytes)} bytes`, sent: meant };
    }
    if (sent.owner !== user) return { because: `${sent.name} belongs to ${sent.owner}`, sent };
    if (sent.perhaps === 0) return { because: `no upload of ${sent.name} can have ended`, sent };
    return f === 'fetch' && key !== sent.name
      ? { because: `${key} was asked for, and ${sent.name} came`, sent }
      : undefined;
  }

  #judge(observation: Observation, wrong: Wrong | undefined): void {
    this.#decisive += 1;
    if (wrong === undefined) return;
    this.#broken += 1;
    const receipt = wrong.sent?.receipt;
    const before = receipt === undefined || receipt === observation ? [] : [line(receipt)];
    this.#witness ??= { events: [...before, line(observation)], because: wrong.because };
  }

  verdict() {
    const sent = [...this.#byName.values()];
    const acknowledged = sent.filter(({ receipt }) => receipt !== undefined).length;
    const measures = { files: sent.length, acknowledged, ...this.#tally };
    const lacks = 'no file was acknowledged and looked for';
    const counts = { broken: this.#broken, decisive: this.#decisive, witness: this.#witness };
    return ruling('whole-files', { ...counts, lacks }, measures, () => {
      const of = `${count(this.#broken)} of ${count(this.#decisive)} looks wrong`;
      const { sends, brokenOff, resumed } = this.#tally;
      const cuts = `${count(brokenOff)} of ${count(sends)} sends broken off`;
      return `${count(acknowledged)} files acknowledged, ${of}; ${cuts}, ${count(resumed)} resumed`;
    });
  }
}

function wrongReceipt(sent: Sent, receipt: SeenFile): Wrong | undefined {
  if (receipt.sha256 !== sent.sha256 || receipt.bytes !== sent.bytes) {
    return { because: `the receipt is not for ${sent.name} as it was sent`, sent };
  }
  return sent.id === undefined || sent.id === receipt.id
    ? undefined
    : { because: `two files were made of one upload of ${sent.name}`, sent };
}
