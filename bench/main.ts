// What do the answers cost? `npm run bench -- <question>`; each question is a file of its own, and
// bench/README.md tells what they are. Without a question: requests.

import { parseArgs } from 'node:util';
import { keepToOneCore } from './compare.ts';
import { compareFirstTokens } from './first-token.ts';
import { compareLogins } from './login.ts';
import { measureMemory } from './memory.ts';
import { measurePage } from './page.ts';
import { compareRequests } from './requests.ts';
import { compareSlowClients } from './slow-clients.ts';
import { bytesIn, compareTransfers } from './transfer.ts';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '7' },
    seconds: { type: 'string', default: '2' },
    only: { type: 'string', multiple: true, default: [] },
    bytes: { type: 'string', default: '1GiB' },
    sessions: { type: 'string', default: '200000' },
    minutes: { type: 'string', default: '0' },
    json: { type: 'boolean', default: false },
  },
});
const rounds = Number(values.rounds);
const seconds = Number(values.seconds);
const how = { rounds, seconds, only: values.only, json: values.json };

const questions: Readonly<Record<string, () => Promise<unknown>>> = {
  requests: () => compareRequests(how, keepToOneCore()),
  'first-token': () => compareFirstTokens(how, keepToOneCore()),
  memory: () => measureMemory(Number(values.sessions)),
  login: () => compareLogins(how),
  'slow-clients': () => compareSlowClients(how),
  page: () => measurePage({ ...how, minutes: Number(values.minutes) }),
  transfer: () => compareTransfers({ ...how, bytes: bytesIn(values.bytes) }),
};

const [question = 'requests'] = positionals;
const answer = questions[question];
if (answer === undefined) {
  console.error(`${question} is none of: ${Object.keys(questions).join(', ')}`);
  process.exitCode = 64;
} else await answer();
