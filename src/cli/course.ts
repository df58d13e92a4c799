// The course's two lists of tests, stateless and stateful, each line with what was measured. A line
// names a run and the property that decides it; `want` is what the course says will be seen, so a
// violation that the course predicts is ticked as much as a guarantee that holds.

import { styleText } from 'node:util';
import type { Outcome, PropertyName } from '../core/verdict.ts';
import { markOf } from '../lab/report.ts';
import type { RunResult } from '../lab/run.ts';
import type { AnswerName } from '../scenarios/scenario.ts';

interface Line {
  readonly text: string;
  readonly scenario: string;
  /** The first of these that was tested is shown. */
  readonly answers: readonly AnswerName[];
  readonly property: PropertyName;
  readonly want: Outcome;
  readonly key?: true;
}

/** The run that shows the key insight. */
export const keyRun = 'memory-two-servers';

const shared = ['redis', 'postgres'] as const;

const stateless: readonly Line[] = [
  line('Login: a token opens the dashboard', 'one-server', ['token'], 'durability', 'HOLDS'),
  line('Scaling: any server accepts the token', 'two-servers', ['token'], 'durability', 'HOLDS'),
  line('Scaling up 2 to 5: nobody is logged out', 'scale', ['token'], 'durability', 'HOLDS'),
  line('Restart: the token survives', 'restart', ['token'], 'durability', 'HOLDS'),
  line('Crash: the token survives', 'sticky-server-crash', ['token'], 'durability', 'HOLDS'),
  line('Store down: the token is accepted', 'store-down', ['token'], 'availability', 'HOLDS'),
  line(
    'Logout: the token lives on until it expires',
    'logout-replay',
    ['token'],
    'revocation',
    'VIOLATED',
  ),
  line(
    'Two tabs: the cart in the token loses items',
    'two-tabs',
    ['token'],
    'no-lost-update',
    'VIOLATED',
  ),
];

const stateful: readonly Line[] = [
  line('Login: the session opens the dashboard', 'one-server', ['memory'], 'durability', 'HOLDS'),
  line('Logout: the session ends at once', 'logout-replay', ['memory'], 'revocation', 'HOLDS'),
  {
    ...line(
      'Scaling: Stateful fails without affinity',
      'two-servers',
      ['memory'],
      'durability',
      'VIOLATED',
    ),
    key: true,
  },
  line('Affinity mends it', 'two-servers-sticky', ['memory'], 'durability', 'HOLDS'),
  line('... until a server dies', 'sticky-server-crash', ['memory'], 'durability', 'VIOLATED'),
  line('Restart: sessions are lost', 'restart', ['memory'], 'durability', 'VIOLATED'),
  line('Shared store: any server knows you', 'two-servers', shared, 'durability', 'HOLDS'),
  line(
    'Shared store: a server dies, nobody notices',
    'sticky-server-crash',
    shared,
    'durability',
    'HOLDS',
  ),
  line('Shared store: logout is known everywhere', 'logout-replay', shared, 'revocation', 'HOLDS'),
  line('Shared store: two tabs, nothing lost', 'two-tabs', shared, 'no-lost-update', 'HOLDS'),
  line(
    'Shared store down: an honest 503, no logout',
    'store-down',
    shared,
    'fails-closed',
    'HOLDS',
  ),
];

function line(
  text: string,
  scenario: string,
  answers: readonly AnswerName[],
  property: PropertyName,
  want: Outcome,
): Line {
  return { text, scenario, answers, property, want };
}

/** @param picture of the key insight, shown below its line. */
export function courseReport(results: readonly RunResult[], picture: string): string {
  return [
    heading('Stateless tests (JWT: the client remembers)'),
    ...stateless.map((each) => courseLine(each, results)),
    '',
    heading('Stateful tests (the server, or a store, remembers)'),
    ...stateful.map((each) => {
      const told = courseLine(each, results);
      return each.key && picture !== '' ? `${told}\n${picture}` : told;
    }),
  ].join('\n');
}

function heading(text: string): string {
  return styleText('bold', text);
}

function courseLine(
  { text, scenario, answers, property, want, key }: Line,
  results: readonly RunResult[],
): string {
  const result = answers
    .map((answer) => results.find((each) => each.name === `${answer}-${scenario}`))
    .find((each) => each?.verdicts.length);
  const verdict = result?.verdicts.find((each) => each.property === property);
  const label = `${text.padEnd(46)}${key ? styleText(['bold', 'cyan'], '<- KEY INSIGHT') : ''}`;
  if (result === undefined || verdict === undefined) {
    return `  ${styleText('dim', `– NOT TESTED   ${label}`)}`;
  }
  const seen = verdict.outcome === want;
  const { colour } = markOf(seen ? 'HOLDS' : 'VIOLATED', false);
  const word = styleText(colour, seen ? '✓ as predicted' : '✗ UNEXPECTED  ');
  return `  ${word} ${label}\n${''.padEnd(17)}${styleText('dim', `${result.name}: ${brief(verdict.finding)}`)}`;
}

/** Without the confidence, which is for those who look at one run. */
function brief(finding: string): string {
  return finding.replace(/ \(true rate .*\)$/, '');
}
