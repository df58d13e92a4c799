// P20 against histories written by hand.

import { expect, test } from 'vitest';
import { History, known, timeout } from './history.ts';

const from = (server: string) => known('alice', { server: `${server}#1` });

test('a client that stays on its server holds, also across a restart of it', () => {
  const history = new History()
    .login('alice.1')
    .whoami('alice.1', from('s1'))
    .whoami('alice.1', known('alice', { server: 's1#2' }))
    .whoami('alice.1', from('s2'), { to: 's2' })
    .does('replay', 'alice.1', from('s2'));
  expect(history.verdict('affinity')).toMatchObject({
    outcome: 'HOLDS',
    decisive: 2,
    finding: '0 of 2 answers from another server; stickiness 100 %',
    measures: { stickiness: 1, moved: 0, balance: 2 },
  });
});

test('a process that answers is counted once, and a restarted one is another', () => {
  const history = new History()
    .login('alice.1')
    .whoami('alice.1', known('alice', { server: 's1#1' }))
    .whoami('alice.1', known('alice', { server: 's1#2' }))
    .whoami('alice.1', from('s2'), { to: 's2' })
    .whoami('alice.1', timeout);
  expect(history.verdict('affinity').measures).toMatchObject({ incarnations: 3, serving: 2 });
});

test('a move while its server is up is a violation', () => {
  const verdict = new History()
    .login('alice.1', { server: 's1#1' })
    .whoami('alice.1', from('s2'))
    .verdict('affinity');
  expect(verdict).toMatchObject({ outcome: 'VIOLATED', broken: 1, measures: { stickiness: 0 } });
  expect(verdict.witness).toEqual({
    events: [
      '0.010 s  login alice (alice.1) -> 200 alice on s1#1',
      '0.030 s  whoami alice (alice.1) -> 200 alice on s2#1',
    ],
    because: 's1 was up, and the next answer to alice came from s2',
  });
});

test.each([
  ['crash', 's1', 1, 0],
  ['rolling-restart', 's1, s2', 1, 0],
  ['cut-link', 'gateway -> s1', 1, 0],
  ['crash', 's2', 0, 1],
  ['crash', 's10', 0, 1],
  ['scale', '2 to 5 servers', 0, 1],
  ['store-down', 'store', 0, 1],
  ['cut-link', 's1 -> store', 0, 1],
])('%s of %s excuses %d moves away from s1', (kind, target, excused, moved) => {
  const history = new History()
    .login('alice.1')
    .fault(kind, target, 'begin')
    .fault(kind, target, 'end')
    .whoami('alice.1', from('s2'));
  expect(history.verdict('affinity').measures).toMatchObject({ excused, moved });
});

test('a fault that was over before the last answer excuses nothing', () => {
  const history = new History().fault('crash', 's1', 'begin').fault('crash', 's1', 'end');
  history.login('alice.1').whoami('alice.1', from('s2'));
  expect(history.verdict('affinity').measures).toMatchObject({ excused: 0, moved: 1 });
});

test('a client that was answered once decides nothing', () => {
  const history = new History().login('alice.1').login('bob.1', { server: 's2#1' });
  expect(history.verdict('affinity')).toMatchObject({ outcome: 'UNKNOWN', decisive: 0 });
});
