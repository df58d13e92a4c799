// The named policies, against what NIST allows and against each other.

import { expect, test } from 'vitest';
import { assurance } from '../../src/core/assurance.ts';
import { lifetimes } from '../../src/core/limits.ts';

const policies = Object.entries(assurance);

test.each(policies)('%s keeps to the bounds of NIST SP 800-63B-4 [ASVS 7.1.1]', (_, policy) => {
  const { nist, idleMs, absoluteMs } = policy;
  expect(absoluteMs).toBeLessThanOrEqual(nist.absoluteMs);
  expect(idleMs).toBeLessThanOrEqual(nist.idleMs ?? absoluteMs);
});

test.each(policies)(
  '%s gives a reason for each of its bounds [ASVS 7.1.1] [ASVS 7.1.2]',
  (_, policy) => {
    const { because, says, nist: __, ...bounds } = policy;
    expect(Object.keys(because).sort()).toEqual(Object.keys(bounds).sort());
    expect(new Set(Object.values(because)).size).toBe(Object.keys(bounds).length);
    expect(says).not.toBe('');
  },
);

test('each level is at least as strict as the one below', () => {
  for (const key of ['idleMs', 'absoluteMs', 'freshMs', 'sessionsMax'] as const) {
    const values = policies.map(([, policy]) => policy[key]);
    expect(values).toEqual(values.toSorted((one, other) => other - one));
  }
});

test('what holds without a name is aal2', () => {
  const { idleMs, absoluteMs, freshMs } = assurance.aal2;
  expect(lifetimes).toMatchObject({ idleMs, absoluteMs, freshMs });
});
