// `sessionlab lab`: runs experiments side by side, shows them while they run, and says what they
// showed: everything asked for in full when it is little, the course's lists and the matrix when it
// is the whole course.

import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { styleText } from 'node:util';
import { Command, Option } from 'commander';
import * as gateways from '../gateways/index.ts';
import { type Lab, openLab } from '../lab/lab.ts';
import { readHistory } from '../lab/reading.ts';
import { runReport } from '../lab/report.ts';
import { type RunResult, runScenario } from '../lab/run.ts';
import { courseReport, keyRun } from './course.ts';
import { exits, interruption, UsageError } from './exit.ts';
import { matrixReport } from './matrix.ts';
import { wholeNumber } from './number.ts';
import { startProgress } from './progress.ts';
import { courseRuns, type Selection, select } from './select.ts';
import { stripReport } from './strip.ts';
import { totalsReport } from './totals.ts';

/** From here on, bundling the server costs less than it saves. */
const runsWorthABundle = 6;

interface Options {
  readonly seed: string;
  readonly repeat: number;
  readonly jobs: number;
  readonly results: string;
  readonly gateway: keyof typeof gateways;
  readonly audit?: boolean;
  readonly json?: boolean;
  readonly full?: boolean;
}

export function labCommand(): Command {
  return new Command('lab')
    .description('Run experiments on real servers and judge what happened')
    .argument('[names...]', 'a scenario, or <answer>-<scenario>; none for the whole course')
    .option('--seed <text>', 'reproduces the plan of the users', randomBytes(2).toString('hex'))
    .option('--repeat <number>', 'how often, each with a seed of its own', wholeNumber(1, 1_000), 1)
    .option('--jobs <number>', 'how many run side by side', wholeNumber(1, 64), 5)
    .option('--results <folder>', 'where the recorded histories go', 'results')
    .addOption(
      new Option('--gateway <name>', 'front door').choices(Object.keys(gateways)).default('node'),
    )
    .option('--audit', 'servers and gateway keep audit logs, beside the histories')
    .option('--full', 'print every verdict of every run')
    .option('--json', 'print results as JSON, and nothing else')
    .action(lab);
}

async function lab(names: readonly string[], options: Options): Promise<void> {
  const chosen = select(names);
  const lacking = gateways[options.gateway].missing();
  if (lacking !== undefined) throw new UsageError(lacking);
  const results = await runAll(chosen, options);
  if (options.json) console.log(JSON.stringify(results, null, 2));
  else console.log(await reportOf(results, chosen === courseRuns, options));
  process.exitCode = exitOf(results);
}

async function runAll(chosen: readonly Selection[], options: Options): Promise<RunResult[]> {
  const signal = interruption();
  const turns = turnsOf(chosen, options);
  using progress = startProgress(turns, { silent: options.json === true });
  await using ground = await openLab({
    folder: options.results,
    gateway: options.gateway,
    audit: options.audit === true,
    bundle: turns.length >= runsWorthABundle,
  });
  signal.throwIfAborted();
  progress.ground(ground);
  const waiting = [...turns];
  const results: RunResult[] = [];
  const worker = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      signal.throwIfAborted();
      const { seed } = next;
      const onProgress = progress.note;
      const result = await runOne(next, ground, { seed, signal, onProgress });
      progress.ended(result);
      results.push(result);
    }
  };
  await settleAll(Array.from({ length: options.jobs }, worker));
  const order = new Map(chosen.map(({ name }, index) => [name, index]));
  return results.toSorted((a, b) => (order.get(a.name) ?? 0) - (order.get(b.name) ?? 0));
}

interface Turn extends Selection {
  readonly seed: string;
}

/** Everything as often as it is wanted, each time with another seed that follows from the one. */
function turnsOf(chosen: readonly Selection[], { seed, repeat }: Options): readonly Turn[] {
  if (repeat === 1) return chosen.map((each) => ({ ...each, seed }));
  const seeds = Array.from({ length: repeat }, (_, turn) => `${seed}-${turn + 1}`);
  return seeds.flatMap((own) => chosen.map((each) => ({ ...each, seed: own })));
}

function runOne(
  { scenario, answer }: Selection,
  ground: Lab,
  options: Parameters<typeof runScenario>[3],
): Promise<RunResult> {
  const { seed, signal, onProgress } = options;
  return runScenario(scenario, answer, ground, {
    seed,
    ...(signal && { signal }),
    ...(onProgress && { onProgress }),
  });
}

/** Waits for all, so that nothing still runs when the ground is cleared away, then fails as one. */
async function settleAll(work: readonly Promise<void>[]): Promise<void> {
  const failed = (await Promise.allSettled(work)).find((each) => each.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}

async function reportOf(
  results: readonly RunResult[],
  wholeCourse: boolean,
  { full = false, repeat }: Options,
): Promise<string> {
  const parts = wholeCourse
    ? [courseReport(results, await keyPicture(results)), matrixReport(results)]
    : [];
  const surprising = results.filter((result) => !result.asExpected && !result.notTested);
  const inFull = full || (!wholeCourse && repeat === 1) ? results : surprising;
  if (repeat > 1) parts.push(totalsReport(results));
  const told = await Promise.all(inFull.map(tell));
  return [...told, ...parts, summary(results)].join('\n\n');
}

/** One user of the key insight's run, request by request. */
async function keyPicture(results: readonly RunResult[]): Promise<string> {
  const key = results.find(({ name }) => name === keyRun);
  if (key === undefined || key.verdicts.length === 0) return '';
  const picture = stripReport(await readHistory(join(key.folder, 'history.ndjson')), 1);
  return picture.replaceAll(/^ {2}/gm, ' '.repeat(17));
}

async function tell(result: RunResult): Promise<string> {
  if (result.notTested !== undefined) return runReport(result);
  const history = await readHistory(join(result.folder, 'history.ndjson'));
  return `${runReport(result)}\n\n${stripReport(history)}`;
}

function summary(results: readonly RunResult[]): string {
  const tested = results.filter((result) => result.notTested === undefined);
  const expected = tested.filter((result) => result.asExpected).length;
  const skipped = results.length - tested.length;
  const count = `${expected} of ${tested.length} runs as predicted`;
  const unexpected = tested.flatMap(({ name, surprises, missing }) =>
    [...surprises, ...missing.map((each) => `${each}: UNKNOWN`)].map((why) =>
      styleText('red', `✗ ${name}: ${why}`),
    ),
  );
  const last = skipped === 0 ? count : `${count}; ${skipped} NOT TESTED (no Redis here)`;
  return [last, ...unexpected].join('\n');
}

function exitOf(results: readonly RunResult[]): number {
  const tested = results.filter((result) => result.notTested === undefined);
  if (tested.some((result) => result.surprises.length > 0)) return exits.surprised;
  if (tested.some((result) => result.missing.length > 0)) return exits.undecided;
  return exits.asExpected;
}
