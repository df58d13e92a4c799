// What a person may order, and what carries it out: for each order the shape that it must have and
// the deed. The shape is checked before anything is done; what a well-formed order cannot do here
// and now is told as a sentence, not as an error.

import { randomBytes } from 'node:crypto';
import { people } from '../lab/lab.ts';
import * as policies from '../policies/index.ts';
import { answers } from '../scenarios/scenario.ts';
import type { ByHand } from './by-hand.ts';
import { Cannot } from './cannot.ts';
import { commandsOf } from './commands.ts';
import type { Did, Order } from './contract.ts';
import { serversMax } from './interventions.ts';
import { type Lanes, laneIds } from './lanes.ts';

const streamPerSecondMax = 200;

const answer = { type: 'string', enum: Object.keys(answers) };
const client = { type: 'string', pattern: '^[a-z][a-z0-9 ]{0,23}$' };
const server = { type: 'string', pattern: '^s[1-9][0-9]{0,4}$' };
const servers = { type: 'integer', minimum: 1, maximum: serversMax };
const link = {
  anyOf: [
    { const: 'store' },
    {
      type: 'object',
      additionalProperties: false,
      required: ['server'],
      properties: { server },
    },
  ],
};
const wish = {
  type: 'object',
  additionalProperties: false,
  required: ['answer', 'policy', 'servers'],
  properties: { answer, policy: { type: 'string', enum: Object.keys(policies) }, servers },
};
const some = (items: object) => ({
  type: 'array',
  minItems: 1,
  maxItems: laneIds.length,
  items,
});

/** What must be there besides `do`; `lane` may be, except where all lanes are replaced. */
const shapes: Readonly<Record<Order['do'], Readonly<Record<string, object>>>> = {
  open: { lanes: some(wish) },
  experiment: { scenario: { type: 'string', maxLength: 64 }, answers: some(answer) },
  'log-in': { client, user: { type: 'string', enum: [...people] } },
  request: { client },
  'add-to-cart': {
    client,
    item: { type: 'string', pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,47}$' },
  },
  'log-out': { client },
  'log-out-everywhere': { client },
  steal: { client },
  stream: { perSecond: { type: 'number', minimum: 0, maximum: streamPerSecondMax } },
  kill: { server },
  pause: { server },
  resume: { server },
  restart: { server },
  start: { server },
  remove: { server },
  'add-server': {},
  'set-servers': { servers },
  cut: { link },
  slow: { link },
  refuse: { link },
  heal: { link },
};

const optional: Partial<Record<Order['do'], Readonly<Record<string, object>>>> = {
  open: {},
  experiment: { seed: { type: 'string', pattern: '^[A-Za-z0-9-]{1,32}$' } },
  request: { server, lane: { enum: laneIds } },
};

/** JSON Schema, with the discriminator of OpenAPI, so that an objection names the member. */
export const orderSchema = {
  type: 'object',
  discriminator: { propertyName: 'do' },
  required: ['do'],
  oneOf: Object.entries(shapes).map(([name, members]) => ({
    type: 'object',
    additionalProperties: false,
    required: ['do', ...Object.keys(members)],
    properties: {
      do: { const: name },
      ...members,
      ...(optional[name as Order['do']] ?? { lane: { enum: laneIds } }),
    },
  })),
};

/** Resolves when it is done; rejects only by a mistake of ours. */
export async function carryOut(order: Order, lanes: Lanes, pageUrl: string): Promise<Did> {
  try {
    const command = commandsOf(order, lanes, pageUrl);
    return { ok: true, did: await deed(order, lanes), command };
  } catch (error) {
    if (error instanceof Cannot) return { ok: false, why: error.message };
    throw error;
  }
}

async function deed(order: Order, lanes: Lanes): Promise<string> {
  if (order.do === 'open') {
    lanes.open(order.lanes);
    return `${order.lanes.map((each) => each.answer).join(', ')}: starting`;
  }
  if (order.do === 'experiment') {
    const { scenario, seed = randomBytes(2).toString('hex') } = order;
    lanes.experiment(scenario, order.answers, seed);
    return `${scenario} begins (seed ${seed})`;
  }
  const hands = lanes.byHand(order.lane);
  const done = await Promise.allSettled(hands.map(([, hand]) => inLane(order, hand)));
  // What nobody could do is told as such; what some could is done.
  const failed = done.filter((each) => each.status === 'rejected');
  const foreign = failed.find(({ reason }) => !(reason instanceof Cannot));
  if (foreign) throw foreign.reason;
  if (failed.length === done.length && failed[0]) throw failed[0].reason;
  const says = done.map((each) =>
    each.status === 'fulfilled' ? each.value : (each.reason as Cannot).message,
  );
  if (new Set(says).size === 1) return says[0] ?? '';
  return says.map((each, index) => `${hands[index]?.[0].answer}: ${each}`).join('; ');
}

async function inLane(
  order: Exclude<Order, { readonly do: 'open' | 'experiment' }>,
  hand: ByHand,
): Promise<string> {
  hand.mustHaveRoom();
  const { interventions } = hand;
  switch (order.do) {
    case 'log-in':
      return hand.logIn(order.client, order.user);
    case 'request':
      return hand.request(order.client, order.server);
    case 'add-to-cart':
      return hand.addToCart(order.client, order.item);
    case 'log-out':
      return hand.logOut(order.client, 'logout');
    case 'log-out-everywhere':
      return hand.logOut(order.client, 'logout-everywhere');
    case 'steal':
      return hand.steal(order.client);
    case 'stream':
      return hand.setStream(order.perSecond);
    case 'add-server':
      return interventions.add();
    case 'set-servers':
      return interventions.setServers(order.servers);
    case 'cut':
    case 'slow':
    case 'refuse':
    case 'heal':
      return interventions.link(order.do, order.link);
    default:
      return interventions.server(order.do, order.server);
  }
}
