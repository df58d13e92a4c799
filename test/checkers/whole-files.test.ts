// P22 against histories written by hand.

import { expect, test } from 'vitest';
import type { SeenFile } from '../../src/core/history.ts';
import { History, nobody, outage, timeout } from './history.ts';

const file = (name: string, more: Partial<SeenFile> = {}): SeenFile => ({
  id: `id of ${name}`,
  bytes: 9,
  sha256: `#${name}`,
  ...more,
});
const sending = (key: string) => ({ to: 'transfer', key, val: 9, sha256: `#${key}` });
const asking = (key?: string) => ({ to: 'transfer', ...(key !== undefined && { key }) });
const showing = (user: string, ...files: readonly SeenFile[]) => ({ seen: { user, files } });

/** Alice has sent a.txt, and was told so. */
function sent(): History {
  const history = new History().login('alice.1').login('bob.1');
  return history.does('send', 'alice.1', showing('alice', file('a.txt')), sending('a.txt'));
}

test('a file that is listed once and comes as it was sent holds', () => {
  const history = sent()
    .does('list', 'alice.1', showing('alice', file('a.txt')), asking())
    .does('fetch', 'alice.1', showing('alice', file('a.txt')), asking('a.txt'))
    .does('fetch', 'bob.1', showing('bob'), asking('a.txt'))
    .does('list', 'bob.1', showing('bob'), asking());
  expect(history.verdict('whole-files')).toMatchObject({
    outcome: 'HOLDS',
    decisive: 3,
    finding: '1 files acknowledged, 0 of 3 looks wrong; 0 of 1 sends broken off, 0 resumed',
  });
});

test('an upload that broke off may be there or not, but only whole', () => {
  const history = new History().login('alice.1');
  history.does('send', 'alice.1', timeout, sending('a.txt'));
  history.does('list', 'alice.1', showing('alice'), asking());
  history.does('list', 'alice.1', showing('alice', file('a.txt')), asking());
  expect(history.verdict('whole-files')).toMatchObject({ outcome: 'HOLDS', decisive: 1 });
  const part = file('a.txt', { bytes: 4, sha256: '#a part' });
  history.does('list', 'alice.1', showing('alice', part), asking());
  expect(history.verdict('whole-files')).toMatchObject({ outcome: 'VIOLATED', broken: 1 });
});

test('an upload that was surely refused has stored nothing', () => {
  const history = new History().login('alice.1');
  history.does('send', 'alice.1', outage, sending('a.txt'));
  history.does('send', 'alice.1', nobody(), sending('a.txt'));
  history.does('list', 'alice.1', showing('alice', file('a.txt')), asking());
  expect(history.verdict('whole-files').witness?.because).toBe('no upload of a.txt can have ended');
});

test('an acknowledged file that is not listed is a violation', () => {
  const verdict = sent().does('list', 'alice.1', showing('alice'), asking()).verdict('whole-files');
  expect(verdict).toMatchObject({ outcome: 'VIOLATED', broken: 1, decisive: 1 });
  expect(verdict.witness).toEqual({
    events: [
      '0.050 s  send alice (alice.1) 9 a.txt -> 200 alice, files: 1 on s1#1',
      '0.070 s  list alice (alice.1) -> 200 alice, files: 0 on s1#1',
    ],
    because: 'a.txt is not there',
  });
});

test.each<[string, (history: History) => History, string]>([
  [
    'a file that its owner cannot fetch',
    (history) => history.does('fetch', 'alice.1', showing('alice'), asking('a.txt')),
    'a.txt is not there',
  ],
  [
    'a file that comes otherwise than it was sent',
    (history) => history.does('fetch', 'alice.1', showing('alice', file('x')), asking('a.txt')),
    'nobody sent what was shown, 9 bytes',
  ],
  [
    'a file that is there twice',
    (history) => {
      const twice = [file('a.txt'), file('a.txt', { id: 'another' })];
      return history.does('list', 'alice.1', showing('alice', ...twice), asking());
    },
    'a.txt is there twice',
  ],
  [
    'a file in the list of another',
    (history) => history.does('list', 'bob.1', showing('bob', file('a.txt')), asking()),
    'a.txt belongs to alice',
  ],
  [
    'a file that comes to another',
    (history) => history.does('fetch', 'bob.1', showing('bob', file('a.txt')), asking('a.txt')),
    'a.txt belongs to alice',
  ],
  [
    'a receipt for something else',
    (history) => {
      const less = file('b.txt', { bytes: 5 });
      return history.does('send', 'alice.1', showing('alice', less), sending('b.txt'));
    },
    'the receipt is not for b.txt as it was sent',
  ],
  [
    'another file for the same upload',
    (history) => {
      const other = file('a.txt', { id: 'another' });
      return history.does('send', 'alice.1', showing('alice', other), sending('a.txt'));
    },
    'two files were made of one upload of a.txt',
  ],
])('%s is a violation', (_what, happens, because) => {
  const verdict = happens(sent()).verdict('whole-files');
  expect(verdict).toMatchObject({ outcome: 'VIOLATED', broken: 1 });
  expect(verdict.witness?.because).toBe(because);
});

test('a look that began before the acknowledgement, or by nobody, decides nothing', () => {
  const history = new History().login('alice.1');
  const look = history.begin('list', 'alice.1', asking());
  history.does('send', 'alice.1', showing('alice', file('a.txt')), sending('a.txt'));
  look(showing('alice'));
  history.does('list', 'alice.1', nobody(), asking());
  expect(history.verdict('whole-files')).toMatchObject({ outcome: 'UNKNOWN', decisive: 0 });
});
