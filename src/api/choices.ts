// What there is to choose from, out of the registries, and what of it cannot be had on this
// machine.

import { type Lab, people } from '../lab/lab.ts';
import * as policies from '../policies/index.ts';
import * as scenarios from '../scenarios/index.ts';
import { type AnswerName, answers, courseAnswers, type Scenario } from '../scenarios/scenario.ts';
import * as stores from '../stores/index.ts';
import type { Choices, LaneWish } from './contract.ts';
import { whereMemoryIs } from './lane.ts';

const answerNames = Object.keys(answers) as AnswerName[];

export function choicesIn(lab: Lab): Choices {
  return {
    answers: answerNames.map((name) => {
      const missing = missingFor(name, lab);
      return { name, says: whereMemoryIs(name), ...(missing !== undefined && { missing }) };
    }),
    policies: Object.entries(policies).map(([name, { says }]) => ({ name, says })),
    scenarios: Object.entries<Scenario>(scenarios)
      .toSorted(([, one], [, other]) => one.place - other.place)
      .map(([name, { title, question, chapter, cluster, expect }]) => ({
        ...{ name, title, question, chapter, servers: cluster.servers },
        answers: answerNames.filter((answer) => expect[answer] !== undefined),
      })),
    people,
    first: firstLanes(lab),
  };
}

/** One lane of each answer of the course; of the two shared stores, Redis where there is one. */
export function firstLanes(lab: Lab): readonly LaneWish[] {
  const shared = missingFor('redis', lab) === undefined ? 'postgres' : 'redis';
  return courseAnswers
    .filter((answer) => answer !== shared)
    .map((answer) => ({ answer, policy: 'round-robin', servers: 2 }));
}

function missingFor(name: AnswerName, lab: Lab): string | undefined {
  return stores[answers[name].store].needs === 'redis' ? lab.redisHint : undefined;
}
