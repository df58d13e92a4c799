// `sessionlab lag`: measures how long a logout takes to be true on every server, answer by answer,
// and holds it against what each answer promises.

import { randomBytes } from 'node:crypto';
import { styleText } from 'node:util';
import { Argument, Command } from 'commander';
import { createLogUpdate } from 'log-update';
import { openLab } from '../lab/lab.ts';
import { type LagRow, lagReport } from '../lab/lag-report.ts';
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
  const signal = interruption();
  const paths: readonly Path[] = options.cut ? ['healthy', 'cut'] : ['healthy'];
  const answers = names.length === 0 ? everyAnswer : names;
  const rows: LagRow[] = [];
  {
    using progress = startProgress(options);
    await using lab = await openLab({ folder: options.results, bundle: true });
    progress.say(lab.origin);
    for (const setting of lab.settings) progress.say(setting);
    for (const [answer, path] of answers.flatMap((each) =>
      paths.map((path) => [each, path] as const),
    )) {
      signal.throwIfAborted();
      const onProgress = progress.begin(`${answer}, ${path}`);
      const { revokes, servers } = options;
      const seed = randomBytes(4).toString('hex');
      const result = canMeasure(answer, path)
        ? await measureLag(answer, lab, { revokes, servers, path, seed, signal, onProgress })
        : 'nothing to cut: its servers tell each other nothing';
      rows.push({ answer, path, result: result ?? 'NOT TESTED: no Redis here' });
    }
  }
  console.log(options.json ? JSON.stringify(rows) : lagReport(rows));
  process.exitCode = rows.some(({ result }) => isBeyond(result))
    ? exits.surprised
    : exits.asExpected;
}

function isBeyond(result: LagResult | string): boolean {
  return typeof result !== 'string' && result.verdict === 'beyond';
}

/** Which measurement is at work and how far it is, on stderr: redrawn on a terminal. */
function startProgress({ json, revokes }: Options) {
  const { stderr } = process;
  const live = !json && stderr.isTTY === true;
  const draw = createLogUpdate(stderr);
  return {
    say(text: string) {
      if (!json) console.error(styleText('dim', text, { stream: stderr }));
    },
    begin(name: string) {
      if (!json && !live) console.error(name);
      return (done: number) => {
        if (live) draw(`${name}: ${done} of ${revokes} logouts`);
      };
    },
    [Symbol.dispose]() {
      if (live) draw.clear();
    },
  };
}
