// `sessionlab replay`: carries out a recorded run again with its seed, or, with --judge, only reads
// its history again. Two runs of one seed share their plan, not their luck: the verdicts are
// compared word by word, the numbers are shown beside each other.

import { existsSync, globSync } from 'node:fs';
import { basename, join } from 'node:path';
import { styleText } from 'node:util';
import { Command } from 'commander';
import { judge } from '../checkers/engine.ts';
import type { RunHeader } from '../core/history.ts';
import type { Verdict } from '../core/verdict.ts';
import { openLab } from '../lab/lab.ts';
import { readHistory } from '../lab/reading.ts';
import { markOf } from '../lab/report.ts';
import { runScenario } from '../lab/run.ts';
import { exits, interruption, UsageError } from './exit.ts';
import { everyRun, select } from './select.ts';

interface Options {
  readonly results: string;
  readonly judge?: boolean;
}

export function replayCommand(): Command {
  return new Command('replay')
    .description('Carry out a recorded run again, with its seed')
    .argument('<run>', 'the folder of a run, or the name of its newest recording')
    .option('--results <folder>', 'where recorded histories are', 'results')
    .option('--judge', 'only judge the recorded history again')
    .action(replay);
}

async function replay(run: string, { results, judge: onlyJudge }: Options): Promise<void> {
  const history = await readHistory(findHistory(run, results));
  const header = history[0];
  if (header?.t !== 'run' || header.scenario === undefined) {
    throw new UsageError(
      `The history of '${run}' does not begin with the line that names its run.`,
    );
  }
  const recorded = judge(history);
  if (onlyJudge) return print(header, recorded, recorded);
  const again = await runAgain(header, results);
  print(header, recorded, again);
  const same = recorded.every((verdict, index) => verdict.outcome === again[index]?.outcome);
  process.exitCode = same ? exits.asExpected : exits.surprised;
}

/** @throws UsageError when nothing was recorded under this name. */
function findHistory(run: string, results: string): string {
  const direct = join(run, 'history.ndjson');
  if (existsSync(direct)) return direct;
  const found = globSync(join(results, '**', 'history.ndjson'))
    .filter((file) => basename(join(file, '..')) === run || file.includes(`/${run}/`))
    .toSorted();
  const newest = found.at(-1);
  if (newest !== undefined) return newest;
  throw new UsageError(
    everyRun.some(({ name }) => name === run)
      ? `Nothing is recorded as '${run}' in ${results}/. Run it first: npm run lab -- ${run}`
      : `'${run}' is neither the folder of a run nor the name of one. Names: npm run sessionlab -- list`,
  );
}

async function runAgain(header: RunHeader, folder: string): Promise<readonly Verdict[]> {
  const [chosen] = select([`${header.answer}-${header.scenario}`]);
  if (chosen === undefined) throw new UsageError(`'${header.scenario}' is no scenario any more.`);
  const signal = interruption();
  await using ground = await openLab({ folder });
  const { scenario, answer } = chosen;
  const result = await runScenario(scenario, answer, ground, { seed: header.seed, signal });
  if (result.notTested !== undefined) throw new UsageError(result.notTested);
  return result.verdicts;
}

function print(header: RunHeader, recorded: readonly Verdict[], again: readonly Verdict[]): void {
  console.log(styleText('bold', `${header.answer}-${header.scenario} · seed ${header.seed}`));
  for (const before of recorded) {
    const after = again.find(({ property }) => property === before.property);
    const same = after?.outcome === before.outcome;
    const { glyph } = markOf(before.outcome, true);
    console.log(
      `  ${glyph} ${before.property.padEnd(16)} ${before.outcome.padEnd(10)} ${before.finding}`,
    );
    if (after === before || after === undefined) continue;
    const word = same
      ? styleText('green', '= the same, now: ')
      : styleText('red', '≠ another, now: ');
    console.log(`    ${''.padEnd(15)} ${word} ${same ? '' : `${after.outcome} `}${after.finding}`);
  }
}
