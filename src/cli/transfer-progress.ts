// What a person sees while files travel: on a terminal a bar for each file under way and one for
// all, redrawn in place on stderr; elsewhere nothing but the lines of what has ended. Those go to
// stdout, failures to stderr.

import { createLogUpdate } from 'log-update';
import type { TransferProgress } from '../transfer/client.ts';
import { printable } from '../transfer/printable.ts';
import { bar, size } from './bar.ts';
import { type Outcome, outcomeLine } from './transfer-outcome.ts';

const redrawMs = 100;
const nameCharsMax = 40;

export interface Plan {
  readonly files: number;
  /** null: not known before the end. */
  readonly bytes: number | null;
  readonly isJson: boolean;
  /** 'sent', 'received'. */
  readonly done: string;
  /** stdout is where the file goes. */
  readonly isPiped?: boolean;
}

export class TransferBoard implements Disposable {
  readonly #plan: Plan;
  readonly #draw = createLogUpdate(process.stderr);
  readonly #timer: NodeJS.Timeout | undefined;
  readonly #startedAt = performance.now();
  readonly #underWay = new Map<string, TransferProgress>();
  /** Of files that have ended. */
  #bytes = 0;
  /** What was there already, which took no time. */
  #resumed = 0;
  #succeeded = 0;
  #failed = 0;

  constructor(plan: Plan) {
    this.#plan = plan;
    const isLive = process.stderr.isTTY === true && !plan.isJson;
    if (isLive) this.#timer = setInterval(() => this.#draw(this.#frame()), redrawMs);
  }

  get failed(): number {
    return this.#failed;
  }

  note(path: string, progress: TransferProgress): void {
    this.#underWay.set(path, progress);
  }

  ended(outcome: Outcome): void {
    const last = this.#underWay.get(outcome.path);
    this.#underWay.delete(outcome.path);
    this.#resumed += last?.resumed ?? 0;
    if (this.#timer) this.#draw.clear();
    const line = outcomeLine(outcome, this.#plan.isJson);
    if ('error' in outcome) {
      this.#failed += 1;
      this.#bytes += last?.done ?? 0;
      if (this.#plan.isJson) console.log(line);
      else console.error(line);
    } else {
      this.#succeeded += 1;
      this.#bytes += outcome.file.bytes;
      if (this.#plan.isPiped) console.error(line);
      else console.log(line);
    }
  }

  /** To a person, beside the bars. */
  say(text: string): void {
    if (this.#timer) this.#draw.clear();
    console.error(text);
  }

  /** Said where there was more than one file. */
  summary(): string | undefined {
    const { files, isJson, done } = this.#plan;
    if (isJson || files < 2) return undefined;
    const seconds = (performance.now() - this.#startedAt) / 1000;
    const how = `${size(this.#bytes)} in ${seconds.toFixed(1)} s`;
    const failures = this.#failed > 0 ? `, ${this.#failed} failed` : '';
    return `${this.#succeeded} of ${files} ${done}${failures} · ${how}`;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    if (this.#timer) this.#draw.clear();
  }

  #frame(): string {
    const { files, bytes, done: word } = this.#plan;
    const under = [...this.#underWay];
    const done = under.reduce((sum, [, each]) => sum + each.done, this.#bytes);
    const resumed = under.reduce((sum, [, each]) => sum + each.resumed, this.#resumed);
    const seconds = (performance.now() - this.#startedAt) / 1000;
    const rate = (done - resumed) / seconds;
    const head = [
      `${amount(done, bytes)}`,
      ...(files > 1 ? [`${this.#succeeded + this.#failed} of ${files} ${word}`] : []),
      `${size(Math.max(rate, 0))}/s`,
      ...(bytes !== null && rate > 0 ? [`${Math.ceil((bytes - done) / rate)} s left`] : []),
    ].join(' · ');
    if (files < 2) return head;
    return [
      head,
      ...under.map(([path, each]) => `  ${amount(each.done, each.bytes)}  ${cut(path)}`),
    ].join('\n');
  }
}

function amount(done: number, bytes: number | null): string {
  if (bytes === null) return size(done);
  const share = bytes === 0 ? 1 : done / bytes;
  const percent = `${Math.floor(share * 100)} %`.padStart(5);
  return `${bar(share)} ${percent}  ${size(done)} of ${size(bytes)}`;
}

function cut(name: string): string {
  const chars = [...printable(name)];
  return chars.length <= nameCharsMax
    ? chars.join('')
    : `…${chars.slice(1 - nameCharsMax).join('')}`;
}
