// The demands of OWASP ASVS 5.0 on sessions (V7) and self-contained tokens (V9), in our own words,
// and the tests that show each: a test that shows one ends its name with the id in brackets. What
// no test names is missing, and the page of references cannot be made.

import { globSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import * as strategies from '../src/strategies/index.ts';
import { answers } from '../test/server/answers.ts';

/** https://github.com/OWASP/ASVS, version 5.0.0, chapters V7 and V9. */
const demands: Readonly<Record<string, string>> = {
  '7.1.1': 'idle and absolute limits are documented, with the reason for each',
  '7.1.2': 'how many sessions one account may have is documented, and what happens to one more',
  '7.1.3': 'what federated identity providers decide of sessions is documented',
  '7.2.1': 'every token of a session is verified by a trusted backend',
  '7.2.2': 'tokens are made anew for each session; no static key or secret stands for one',
  '7.2.3': 'a reference token is unique and has 128 bits or more from a secure random generator',
  '7.2.4': 'authentication and re-authentication make a new token and end the one before',
  '7.3.1': 'a session ends when it has not been used for a time',
  '7.3.2': 'a session ends after a time, however much it is used',
  '7.4.1': 'after logout or expiry a session cannot be used any more',
  '7.4.2': 'disabling or deleting an account ends all of its sessions',
  '7.4.3': 'after a change of authentication factors one can end all other sessions',
  '7.4.4': 'every page that needs a login offers a visible way to log out',
  '7.4.5': 'administrators can end the sessions of one user or of all',
  '7.5.1': 'changing what an account is recovered or reached by asks for authentication again',
  '7.5.2': 'users can see their sessions and end any of them',
  '7.5.3': 'highly sensitive operations ask for authentication again',
  '7.6.1': 'the lifetime of a federated session is as agreed between the parties',
  '7.6.2': 'no session begins without an action of the user',
  '9.1.1': 'a token is verified by signature or MAC before anything in it is used',
  '9.1.2': 'only algorithms of a list are accepted, never `none`',
  '9.1.3': 'keys come from trusted, configured sources; a token cannot name its own',
  '9.2.1': 'a token counts only within its time of validity',
  '9.2.2': 'a token counts only for the purpose that its type says',
  '9.2.3': 'a token counts only for the audience that it was made for',
  '9.2.4': 'where one key serves many audiences, a token is bound to one of them',
};

interface Shown {
  readonly file: string;
  readonly law: string;
  /** Of the strategies it runs on; none: it does not depend on them. */
  readonly names: ReadonlySet<string>;
}

const testName =
  /test(?:Listed|\.each\([\s\S]*?\))?\(\s*(?:answer,\s*)?(['"`])((?:\\.|(?!\1)[\s\S])*)\1/g;

function testsOf(id: string): Shown[] {
  return globSync('test/**/*.ts')
    .map((file) => file.replaceAll('\\', '/'))
    .sort()
    .flatMap((file) => {
      const source = readFileSync(file, 'utf8');
      return [...source.matchAll(testName)]
        .filter(([, , name]) => name?.includes(`[ASVS ${id}]`))
        .map((match) => ({
          file,
          law: (match[2] ?? '')
            .replaceAll(/\s*\[ASVS [\d.]+\]/g, '')
            .replaceAll(/%s|\$\w+(?: on \$\w+)*/g, '…'),
          names: strategiesOf(file, source, match),
        }));
    });
}
const all = Object.keys(strategies);
/** Nothing of it is on a server: what counts, lists or ends one by one does not run on it. */
const unlisted = 'sealed-cookie';
const contract = 'test/strategies/strategy.contract.ts';

/**
 * A contract suite runs on all, or from a mark on all with records; a file named after a strategy
 * runs on that one; and a test of the server on the answers that its statement names.
 */
function strategiesOf(file: string, source: string, match: RegExpExecArray): Set<string> {
  const { index: at, 0: call } = match;
  if (file === contract) return recordedIf(at > source.indexOf('if (!isRecorded) return;'));
  if (file.startsWith('test/strategies/')) {
    const named = all.filter((name) => basename(file).startsWith(name));
    return new Set(named.sort((one, other) => other.length - one.length).slice(0, 1));
  }
  if (!file.startsWith('test/server/')) return new Set();
  const begins = [...source.matchAll(/^(?:describe|test)\b/gm)].map(({ index }) => index);
  const from = begins.findLast((begin) => begin <= at);
  const text = source.slice(
    from,
    begins.find((begin) => begin > at),
  );
  if (text.includes('.each(answers)')) return recordedIf(call.startsWith('testListed'));
  const ran = [...text.matchAll(/\banswers\[(\d)\]/g)].map(([, n]) => answers[Number(n)]);
  return new Set(ran.flatMap((answer) => answer?.strategy ?? []));
}

function recordedIf(isRecorded: boolean): Set<string> {
  return new Set(all.filter((name) => !isRecorded || name !== unlisted));
}

function shown(names: ReadonlySet<string>): string {
  if (names.size === 0) return 'any';
  const missing = all.filter((name) => !names.has(name));
  if (missing.length === 0) return 'all';
  if (missing.length === 1) return `all but \`${missing}\``;
  return [...names].map((name) => `\`${name}\``).join(', ');
}

/** One row for each test. @throws Error naming every demand that no test shows. */
export function asvsRows(): string[][] {
  const found = Object.entries(demands).map(([id, says]) => ({ id, says, tests: testsOf(id) }));
  const missing = found.filter(({ tests }) => tests.length === 0).map(({ id }) => id);
  if (missing.length > 0) throw new Error(`No test shows ASVS ${missing.join(', ')}.`);
  return found.flatMap(({ id, says, tests }) =>
    tests.map(({ file, law, names }, at) => [
      at === 0 ? id : '',
      at === 0 ? says : '',
      `[${law}](../../${file})`,
      shown(names),
    ]),
  );
}
