// Every attack on every strategy, past the gateway and through it. Each row of the tables is one
// test on each ground; what cannot be tried somewhere says why, and is counted.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as strategies from '../../src/strategies/index.ts';
import { type Attack, families, judge, type StrategyName, ways } from './attack.ts';
import { Ground, password } from './ground.ts';
import { login } from './login.ts';
import { credentials } from './sessions/credentials.ts';
import { endings } from './sessions/endings.ts';
import { records } from './sessions/records.ts';
import { sites } from './sessions/sites.ts';
import { credentialText, tokens } from './tokens.ts';

const attacks: readonly Attack[] = [
  ...[...tokens, ...credentials, ...endings, ...records, ...sites, ...login],
];
const names = Object.keys(strategies) as StrategyName[];
const grounds = names.flatMap((strategy) => ways.map((way) => ({ strategy, way })));
const on = (strategy: StrategyName) => attacks.filter(({ notOn }) => !notOn?.[strategy]);

test('there are a hundred attacks and more, and every family is tried on every strategy', () => {
  const distinct = new Set(attacks.map(({ family, name }) => `${family}: ${name}`));
  expect(distinct.size).toBe(attacks.length);
  expect(distinct.size).toBeGreaterThanOrEqual(100);
  expect(families.filter((each) => !attacks.some(({ family }) => family === each))).toEqual([]);
  for (const { strategy, way } of grounds) {
    console.log(`${on(strategy).length} of ${attacks.length} attacks on ${strategy}, ${way}`);
  }
});

describe.each(grounds)('$strategy, $way:', ({ strategy, way }) => {
  let ground: Ground;
  let before: unknown;

  beforeAll(async () => {
    ground = await Ground.open(strategy, way);
    before = await ground.stateOfVictim();
  });
  afterAll(() => ground?.[Symbol.asyncDispose]());

  test.each(on(strategy))('$family: $name', async (attack) => {
    const answers = await attack.send(ground);
    judge(ground, attack, answers);
    expect(await ground.stateOfVictim()).toEqual(before);
  });

  test('no attack gets a credential or a password into the log', () => {
    expect(ground.logged()).toContain('credential-refused');
    for (const secret of [password, ...Object.values(ground.issued), credentialText(ground)]) {
      expect(ground.logged()).not.toContain(secret);
    }
  });
});
