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
    const run = answerNames.filter((answer) => expect[answer] !== undefined).join(' ');
    return `${styleText('bold', name.padEnd(22))}${run}\n  ${styleText('dim', question)}`;
  });
  return [
    ...rows,
    '',
    'Run one under all its answers, or one alone:',
    '  npm run lab -- two-servers',
    '  npm run lab -- memory-two-servers --seed 7f3a',
  ].join('\n');
}
