// `sessionlab serve`: the servers of one answer behind the gateway, until Ctrl-C, for a person with
// curl. What the lab does to servers, one can do here by hand: each line of the list says how.

import { join } from 'node:path';
import { styleText } from 'node:util';
import { Command, Option } from 'commander';
import { Cluster } from '../lab/cluster.ts';
import { openLab } from '../lab/lab.ts';
import * as policies from '../policies/index.ts';
import { type AnswerName, answers } from '../scenarios/scenario.ts';
import { interruption, UsageError } from './exit.ts';
import { wholeNumber } from './number.ts';
import { answerNames } from './select.ts';

interface Options {
  readonly answer: AnswerName;
  readonly servers: number;
  readonly policy: keyof typeof policies;
  readonly port: number;
  readonly results: string;
}

export function serveCommand(): Command {
  return new Command('serve')
    .description('Run real servers behind the gateway, to talk to with curl')
    .addOption(
      new Option('--answer <name>', 'who remembers').choices(answerNames).default('memory'),
    )
    .option('--servers <number>', 'how many, 1 to 100', wholeNumber(1, 100), 2)
    .addOption(
      new Option('--policy <name>', 'who gets the next request')
        .choices(Object.keys(policies))
        .default('round-robin'),
    )
    .option('--port <number>', 'of the gateway; 0 takes a free one', wholeNumber(0, 65_535), 8080)
    .option('--results <folder>', 'where access and server logs go', 'results')
    .action(serve);
}

async function serve({ answer, servers, policy, port, results }: Options): Promise<void> {
  const signal = interruption();
  console.error(`Starting ${servers} ${servers === 1 ? 'server' : 'servers'} (${answer}) ...`);
  await using lab = await openLab({ folder: results });
  signal.throwIfAborted();
  await using ground = await lab.prepare(`${answer}-serve`, answer);
  if (ground === undefined) throw new UsageError(lab.redisHint ?? 'A service is missing here.');
  await using cluster = await Cluster.open({
    ...ground,
    ...{ servers, policy, seed: 'serve', entry: lab.serverEntry, gateway: lab.gateway },
    ...{ gatewayPort: port, signal },
  });
  signal.throwIfAborted();
  console.log(guide(cluster, answer, policy, ground.folder));
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
  console.error('\nEnding ...');
}

function guide(cluster: Cluster, answer: AnswerName, policy: string, folder: string): string {
  const { gatewayUrl } = cluster;
  const cookies = join(folder, 'cookies.txt');
  const bold = (text: string) => styleText('bold', text);
  const line = (text: string) => styleText('cyan', text);
  const servers = cluster.servers().map(({ name, pid, url }) => {
    return `  ${name}  ${url}  process ${pid}   pause: kill -STOP ${pid}   kill: kill -9 ${pid}`;
  });
  return `
${bold(`${answer}, ${servers.length} servers, ${policy}`)}
  gateway  ${gatewayUrl}   (Ctrl-C ends everything)
${servers.join('\n')}
  logs     ${folder}

Try it in another terminal:
  1  register and log in; the answer says which server did it
${logIn(answer, gatewayUrl, cookies).map(line).join('\n')}
  2  ask a few times: who answers, and who knows you?
${line(`for i in 1 2 3 4; do curl -s ${carried(answer, cookies)} -w '  %header{x-served-by}\\n' ${gatewayUrl}/dashboard; done`)}
`;
}

function logIn(answer: AnswerName, url: string, cookies: string): string[] {
  const post = `-s -H 'content-type: application/json' -d '{"username":"alice","password":"correct horse"}'`;
  const register = `curl ${post} -w '\\n' ${url}/register`;
  if (!isToken(answer)) return [register, `curl -i -c ${cookies} ${post} ${url}/login`];
  const pick = `node -pe 'JSON.parse(require("fs").readFileSync(0)).accessToken'`;
  return [register, `TOKEN=$(curl ${post} ${url}/login | ${pick})`];
}

/** No cookie jar keeps a token. */
function isToken(answer: AnswerName): boolean {
  return answers[answer].strategy !== 'session';
}

function carried(answer: AnswerName, cookies: string): string {
  return isToken(answer) ? '-H "authorization: Bearer $TOKEN"' : `-b ${cookies} -c ${cookies}`;
}
