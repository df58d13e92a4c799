// The command line that does the same as an order, so that whoever clicks learns what it stands
// for: curl for requests, kill for processes, the program's own commands for whole lanes. What only
// the lab can do is the order itself, sent by curl.

import { peoplePassword } from '../lab/lab.ts';
import { type AnswerName, answers } from '../scenarios/scenario.ts';
import type { ByHand } from './by-hand.ts';
import type { Order } from './contract.ts';
import type { Lane } from './lane.ts';
import type { Lanes } from './lanes.ts';

type InLane = Exclude<Order, { readonly do: 'open' | 'experiment' }>;

const signals: Partial<Record<Order['do'], string>> = {
  kill: '-9',
  pause: '-STOP',
  resume: '-CONT',
};

/** One line for each lane. @throws Cannot when there is no such lane. */
export function commandsOf(order: Order, lanes: Lanes, pageUrl: string): string {
  if (order.do === 'open') {
    return order.lanes
      .map(
        ({ answer, servers, policy }) =>
          `npm run sessionlab -- serve --port 0 --answer ${answer} --servers ${servers} --policy ${policy}`,
      )
      .join('\n');
  }
  if (order.do === 'experiment') {
    const names = order.answers.map((answer) => `${answer}-${order.scenario}`);
    const seed = order.seed === undefined ? '' : ` --seed ${order.seed}`;
    return `npm run lab -- ${names.join(' ')}${seed}`;
  }
  const itself = `curl -H 'content-type: application/json' -d '${JSON.stringify(order)}' ${pageUrl}/lab/orders`;
  const lines = lanes.byHand(order.lane).map((each) => commandOf(order, ...each) ?? itself);
  return [...new Set(lines)].join('\n');
}

function commandOf(order: InLane, { answer }: Lane, { stage }: ByHand): string | undefined {
  const url = stage.gatewayUrl;
  switch (order.do) {
    case 'log-in':
      return logIn(answer, order.client, order.user, url);
    case 'request': {
      const server = stage.servers().find(({ name }) => name === order.server);
      return `curl ${carried(answer, order.client)} ${server?.url ?? url}/me`;
    }
    case 'add-to-cart': {
      const body = JSON.stringify({ item: order.item, quantity: 1 });
      const json = `-H 'content-type: application/json' -d '${body}'`;
      return `curl ${carried(answer, order.client)} ${json} ${url}/cart/items`;
    }
    case 'log-out':
      return `curl -X POST ${carried(answer, order.client)} ${url}/logout`;
    case 'log-out-everywhere':
      return `curl -X POST ${carried(answer, order.client)} ${url}/logout-everywhere`;
    case 'steal':
      if (isToken(answer)) return `MALLORY=$${variable(order.client)}`;
      return `cp ${jar(order.client)} mallory.jar`;
    case 'kill':
    case 'pause':
    case 'resume': {
      const server = stage.servers().find(({ name }) => name === order.server);
      return server?.pid ? `kill ${signals[order.do]} ${server.pid}` : undefined;
    }
    default:
      return undefined;
  }
}

function logIn(answer: AnswerName, client: string, user: string, url: string): string {
  const body = JSON.stringify({ username: user, password: peoplePassword });
  const post = `-H 'content-type: application/json' -d '${body}' ${url}/login`;
  if (!isToken(answer)) return `curl -c ${jar(client)} ${post}`;
  const pick = `node -pe 'JSON.parse(require("fs").readFileSync(0)).accessToken'`;
  return `${variable(client)}=$(curl -s ${post} | ${pick})`;
}

/** No cookie jar keeps a token. */
function isToken(answer: AnswerName): boolean {
  return answers[answer].strategy !== 'session';
}

function carried(answer: AnswerName, client: string): string {
  if (isToken(answer)) return `-H "authorization: Bearer $${variable(client)}"`;
  return `-b ${jar(client)} -c ${jar(client)}`;
}

const jar = (client: string) => `${client.replaceAll(' ', '-')}.jar`;
const variable = (client: string) => client.replaceAll(' ', '_').toUpperCase();
