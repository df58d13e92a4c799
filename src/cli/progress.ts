// What a person sees while runs go on: on a terminal the runs at work, redrawn in place, and how
// far all is; elsewhere one line per run that has ended. Everything goes to stderr, so that stdout
// holds the report alone.

import { styleText } from 'node:util';
import { createLogUpdate } from 'log-update';
import type { Lab } from '../lab/lab.ts';
import { markOf } from '../lab/report.ts';
import type { Progress, RunResult } from '../lab/run.ts';
import { bar } from './bar.ts';
import type { Selection } from './select.ts';

const redrawMs = 100;
const phases = {
  starting: 'starting servers',
  working: 'users at work',
  healing: 'healing',
  judging: 'judging',
  done: 'done',
} as const;

export interface LiveProgress extends Disposable {
  ground(lab: Lab): void;
  readonly note: (progress: Progress) => void;
  ended(result: RunResult): void;
}

export function startProgress(
  chosen: readonly Selection[],
  { silent }: { silent: boolean },
): LiveProgress {
  const live = !silent && process.stderr.isTTY === true;
  const draw = createLogUpdate(process.stderr);
  const running = new Map<string, Progress>();
  const startedAt = performance.now();
  let ended = 0;
  let isStanding = false;

  const frame = () => {
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(0);
    const head = `${bar(ended / chosen.length)} ${ended} of ${chosen.length} runs · ${seconds} s`;
    if (!isStanding) return `${head}\n  starting PostgreSQL and Redis`;
    return [head, ...[...running.values()].map(line)].join('\n');
  };
  const timer = live ? setInterval(() => draw(frame()), redrawMs) : undefined;
  const say = (text: string) => {
    if (silent) return;
    if (live) draw.persist(text);
    else console.error(text);
  };
  return {
    ground: (lab) => {
      isStanding = true;
      say(styleText('dim', lab.origin, { stream: process.stderr }));
      for (const setting of lab.settings)
        say(styleText('dim', setting, { stream: process.stderr }));
      if (lab.redisHint) say(lab.redisHint);
    },
    note: (progress) => void running.set(progress.name, progress),
    ended: (result) => {
      ended += 1;
      running.delete(result.name);
      say(endLine(result));
    },
    [Symbol.dispose]: () => {
      clearInterval(timer);
      if (live) draw.clear();
    },
  };
}

function line({ name, phase, operations, planned, fault }: Progress): string {
  const count = phase === 'working' ? ` ${operations} of ${planned} operations` : '';
  return `  ${name.padEnd(28)} ${phases[phase]}${count}${fault ? ` · ${fault}` : ''}`;
}

function endLine(result: RunResult): string {
  const stream = { stream: process.stderr };
  if (result.notTested !== undefined) {
    return styleText('dim', `– ${result.name.padEnd(28)} NOT TESTED`, stream);
  }
  const { glyph, colour } = markOf(result.asExpected ? 'HOLDS' : 'VIOLATED', false);
  const word = result.asExpected ? 'as predicted' : 'UNEXPECTED';
  const seconds = `${(result.tookMs / 1000).toFixed(1)} s`.padStart(7);
  const why = [...result.surprises, ...result.missing.map((name) => `${name} UNKNOWN`)].join('; ');
  return `${styleText(colour, `${glyph} ${result.name.padEnd(28)} ${word}`, stream)} ${seconds}  ${why}`;
}
