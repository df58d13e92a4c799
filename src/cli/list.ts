// `sessionlab list`: what can be run, and what each experiment asks.

import { styleText } from 'node:util';
import { Command } from 'commander';
import * as scenarios from '../scenarios/index.ts';
import { allScenarios, answerNames } from './select.ts';

export function listCommand(): Command {
  return new Command('list')
    .description('Show every experiment, and the answers it is run with')
    .option('--json', 'as JSON')
    .action(({ json }: { json?: boolean }) => {
      console.log(json ? JSON.stringify(scenarios, null, 2) : listing());
    });
}

function listing(): string {
  const rows = allScenarios.map(([name, { question, expect }]) => {
    const marks = answerNames.map((answer) => (expect[answer] ? '●' : '·').padStart(9));
    return `${styleText('bold', name.padEnd(22))}${marks.join('')}\n  ${styleText('dim', question)}`;
  });
  const head = `${''.padEnd(22)}${answerNames.map((answer) => answer.padStart(9)).join('')}`;
  return [
    styleText('dim', head),
    ...rows,
    '',
    'Run one under all its answers, or one alone:',
    '  npm run lab -- two-servers',
    '  npm run lab -- memory-two-servers --seed 7f3a',
  ].join('\n');
}
