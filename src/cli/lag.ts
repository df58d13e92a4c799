// `sessionlab lag`: measures how long a logout takes to be true on every server, answer by answer,
// and holds it against what each answer promises.

import { randomBytes } from 'node:crypto';
import { stripVTControlCharacters, styleText } from 'node:util';
import { Argument, Command } from 'commander';
import { createLogUpdate } from 'log-update';
import { openLab } from '../lab/lab.ts';
import { type LagRow, lagLine, lagReport } from '../lab/lag-report.ts';
import {
  canMeasure,
  type LagResult,
  type MeasuredName,
  measured,
  measureLag,
  type Path,
} from '../lab/revocation-lag.ts';
import { exits, interruption } from './exit.ts';
import { wholeNumber } from './number.ts';

interface Options {
  readonly revokes: number;
  readonly servers: number;
  readonly cut?: boolean;
  readonly results: string;
  readonly json?: boolean;
}

const everyAnswer = Object.keys(measured) as MeasuredName[];

export function lagCommand(): Command {
  return new Command('lag')
    .description('Measure how long a logout takes to be true on every server')
    .addArgument(
      new Argument('[answers...]', 'which to measure; none for all').choices(everyAnswer),
    )
    .option('--revokes <number>', 'logouts of each', wholeNumber(1, 1_000_000), 1_000)
    .option('--servers <number>', 'how many, in real', wholeNumber(2, 16), 3)
    .option('--cut', 'measure also while one server is cut off from what they share')
    .option('--results <folder>', "where the servers' logs go", 'results')
    .option('--json', 'print every lag as JSON, and nothing else')
    .action(lag);
}

async function lag(names: readonly MeasuredName[], options: Options): Promise<void> {
  const rows = await measureAll(names.length === 0 ? everyAnswer : names, options);
  console.log(options.json ? JSON.stringify(rows) : lagReport(rows));
  process.exitCode = rows.some(({ result }) => isBeyond(result))
    ? exits.surprised
    : exits.asExpected;
}

/** One after another: side by side they would slow one another down, which is no lag of theirs. */
async function measureAll(
  answers: readonly MeasuredName[],
  { revokes, servers, cut, results, json = false }: Options,
): Promise<readonly LagRow[]> {
  const signal = interruption();
  const paths: readonly Path[] = cut ? ['healthy', 'cut'] : ['healthy'];
  using progress = startProgress(json);
  await using lab = await openLab({ folder: results, bundle: true });
  for (const text of [lab.origin, ...lab.settings]) progress.say(text);
  const rows: LagRow[] = [];
  for (const answer of answers) {
    for (const path of paths) {
      signal.throwIfAborted();
      const onProgress = progress.of(`${answer}, ${path}`, revokes);
      const seed = randomBytes(4).toString('hex');
      const result = canMeasure(answer, path)
        ? await measureLag(answer, lab, { revokes, servers, path, seed, signal, onProgress })
        : 'nothing to cut: its servers tell each other nothing';
      const row = { answer, path, result: result ?? 'NOT TESTED: no Redis here' };
      rows.push(row);
      progress.say(lagLine(row));
    }
  }
  return rows;
}

function isBeyond(result: LagResult | string): boolean {
  return typeof result !== 'string' && result.verdict === 'beyond';
}

/** What was measured, and on a terminal how far the measurement at work is; all on stderr. */
function startProgress(silent: boolean) {
  const { stderr } = process;
  const live = !silent && stderr.isTTY === true;
  const draw = createLogUpdate(stderr);
  return {
    say(text: string) {
      if (silent) return;
      const dimmed = styleText('dim', stripVTControlCharacters(text), { stream: stderr });
      if (live) draw.persist(dimmed);
      else console.error(dimmed);
    },
    of: (name: string, revokes: number) => (done: number) => {
      if (live) draw(`${name}: ${done} of ${revokes} logouts`);
    },
    [Symbol.dispose]() {
      if (live) draw.clear();
    },
  };
}
