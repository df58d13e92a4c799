// The runs that are recorded in the folder of results: listed, and read as they are asked for, so
// that what another program recorded a moment ago is there, too. A run is named by its folder and
// the folder of its lab; nothing else can be named.

import { createReadStream, existsSync, globSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';
import { type Judging, startJudging } from '../checkers/engine.ts';
import type { HistoryEvent, RunHeader } from '../core/history.ts';
import type { Verdict } from '../core/verdict.ts';
import { runReport } from '../lab/report.ts';
import type { RunResult } from '../lab/run.ts';
import type { RecordedRun } from './contract.ts';

const listedMax = 200;
/** Longer than the last few lines of any history. */
const tailBytes = 16 * 1024;
/** More than a page can hold is not sent: the rest is in the file. */
const historyBytesMax = 48 * 1024 * 1024;
export const runPattern = '^[A-Za-z0-9-]{1,64}\\.[A-Za-z0-9-]{1,128}$';

export class Recorded {
  readonly #results: string;

  constructor(results: string) {
    this.#results = results;
  }

  /** Newest first. What was opened to be played with, and was not, is left out. */
  async list(): Promise<readonly RecordedRun[]> {
    const files = globSync('*/*/history.ndjson', { cwd: this.#results });
    const runs = files.map((file) => {
      const { birthtime, size } = statSync(join(this.#results, file));
      return { folder: dirname(file), at: birthtime.toISOString(), size };
    });
    const newest = runs.toSorted((one, other) => (one.at < other.at ? 1 : -1)).slice(0, listedMax);
    const all = await Promise.all(newest.map((run) => this.#about(run)));
    return all.flatMap((run) => run ?? []);
  }

  /** As far as it is written; undefined when there is no such run. */
  history(id: string): Readable | undefined {
    const file = join(this.#folder(id), 'history.ndjson');
    if (!existsSync(file)) return undefined;
    return Readable.from(wholeLines(file));
  }

  async verdicts(id: string): Promise<readonly Verdict[] | undefined> {
    const result = await this.#result(id);
    if (result !== undefined) return result.verdicts;
    const file = join(this.#folder(id), 'history.ndjson');
    if (!existsSync(file)) return undefined;
    let judging: Judging | undefined;
    for await (const event of eventsIn(file)) {
      if (event.t === 'run') judging = startJudging(event);
      else judging?.take(event);
    }
    return judging?.verdicts() ?? [];
  }

  /** For people, as the command line prints it; undefined for what was played by hand. */
  async report(id: string): Promise<string | undefined> {
    const result = await this.#result(id);
    return result && stripVTControlCharacters(runReport(result));
  }

  #folder(id: string): string {
    return join(this.#results, ...id.split('.'));
  }

  async #result(id: string): Promise<RunResult | undefined> {
    const text = await readFile(join(this.#folder(id), 'verdicts.json'), 'utf8').catch(() => '');
    return text === '' ? undefined : (JSON.parse(text) as RunResult);
  }

  async #about({ folder, at, size }: Found): Promise<RecordedRun | undefined> {
    const id = folder.replace(/[\\/]/, '.');
    const file = join(this.#folder(id), 'history.ndjson');
    const header = await headerOf(file);
    if (!new RegExp(runPattern).test(id) || header === undefined) return undefined;
    const { scenario, answer, seed, policy } = header;
    const requests = await requestsIn(file, size);
    if (requests === 0) return undefined;
    const asExpected = (await this.#result(id))?.asExpected ?? null;
    const name = `${answer}-${scenario}`;
    const servers = header.servers.length;
    return { ...{ id, name, scenario, answer, seed, policy, servers, requests }, at, asExpected };
  }
}

interface Found {
  readonly folder: string;
  readonly at: string;
  readonly size: number;
}

/** Requests are numbered as they begin: the end of a history says how many there were. */
async function requestsIn(file: string, size: number): Promise<number> {
  let most = 0;
  for await (const line of wholeLines(file, Math.max(0, size - tailBytes))) {
    most = Math.max(most, Number(/"i":(\d+)/.exec(line)?.[1] ?? 0));
  }
  return most;
}

async function headerOf(file: string): Promise<RunHeader | undefined> {
  for await (const event of eventsIn(file)) return event.t === 'run' ? event : undefined;
  return undefined;
}

async function* eventsIn(file: string): AsyncGenerator<HistoryEvent> {
  for await (const line of wholeLines(file)) {
    try {
      yield JSON.parse(line) as HistoryEvent;
    } catch {
      return;
    }
  }
}

async function* wholeLines(file: string, start = 0): AsyncGenerator<string> {
  let bytes = 0;
  const input = createReadStream(file, { encoding: 'utf8', start });
  for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
    bytes += line.length + 1;
    if (bytes > historyBytesMax) break;
    yield `${line}\n`;
  }
  input.destroy();
}
