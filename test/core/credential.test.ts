// The credential: its forms, its secrecy.

import { inspect } from 'node:util';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Credential, userTag, userTagChars } from '../../src/core/credential.ts';

test('a credential is read back from the text it reveals, and matches its own hash only', () => {
  const mine = Credential.issue('alice');
  const other = Credential.issue('alice');
  const parsed = Credential.parse(mine.reveal());
  expect(parsed?.id).toBe(mine.id);
  expect(parsed?.matches(mine.secretHash)).toBe(true);
  expect(parsed?.matches(other.secretHash)).toBe(false);
  expect(parsed?.matches('')).toBe(false);
});

test('a stored hash opens nothing when it is presented as a secret', () => {
  const mine = Credential.issue('alice');
  const forged = Credential.parse(`${mine.id}.${mine.secretHash}`);
  expect(forged === undefined || !forged.matches(mine.secretHash)).toBe(true);
});

test('one credential has one text: any change of one character is another credential or none', () => {
  const mine = Credential.issue('alice');
  const text = mine.reveal();
  fc.assert(
    fc.property(fc.nat(text.length - 1), fc.string({ minLength: 1, maxLength: 1 }), (at, char) => {
      fc.pre(text[at] !== char);
      const parsed = Credential.parse(text.slice(0, at) + char + text.slice(at + 1));
      return parsed === undefined || parsed.id !== mine.id || !parsed.matches(mine.secretHash);
    }),
    { numRuns: 2_000 },
  );
});

test.each(['', '.', 'a.b', 'x'.repeat(80), ` ${Credential.issue('a').reveal()}`])(
  'text that was never issued is no credential: %j',
  (text) => {
    expect(Credential.parse(text)).toBeUndefined();
  },
);

test('all ids of one user share a tag, and no two ids are equal [ASVS 7.2.2]', () => {
  const ids = Array.from({ length: 100 }, () => Credential.issue('alice').id);
  expect(new Set(ids).size).toBe(100);
  expect(new Set(ids.map((id) => id.slice(0, userTagChars)))).toEqual(new Set([userTag('alice')]));
  expect(userTag('bob')).not.toBe(userTag('alice'));
});

test('every bit of what is random is as often set as not, 144 in an id and 256 in a secret [ASVS 7.2.3]', () => {
  const count = 4_000;
  const texts = Array.from({ length: count }, () => Credential.issue('alice').reveal().split('.'));
  const random = texts.map(([id = '', secret = '']) =>
    Buffer.concat([
      Buffer.from(id.slice(userTagChars), 'base64url'),
      Buffer.from(secret, 'base64url'),
    ]),
  );
  expect(new Set(random.map((bytes) => bytes.length * 8))).toEqual(new Set([144 + 256]));
  expect(new Set(random.map((bytes) => bytes.toString('hex'))).size).toBe(count);
  for (let bit = 0; bit < 400; bit += 1) {
    const set = random.filter((bytes) => ((bytes[bit >> 3] ?? 0) >> (bit & 7)) & 1).length;
    // Seven standard deviations: fails by chance once in a thousand million runs.
    expect(Math.abs(set - count / 2)).toBeLessThan(7 * Math.sqrt(count / 4));
  }
});

test('a successor is sealed for the holder of the credential before, and for nobody else', () => {
  const [before, other] = [Credential.issue('alice'), Credential.issue('alice')];
  const next = Credential.reissue(before.id);
  const sealed = before.seal(next);
  expect(before.unseal(sealed).reveal()).toBe(next.reveal());
  expect(other.unseal(sealed).reveal()).not.toContain(next.reveal().split('.')[1]);
});

test('a form’s token is the holder’s own, and that of the credential before is told from the seal', () => {
  const before = Credential.issue('alice');
  const next = Credential.reissue(before.id);
  const sealed = before.seal(next);
  expect(Credential.parse(before.reveal())?.formToken).toBe(before.formToken);
  expect(next.formTokenBefore(sealed)).toBe(before.formToken);
  const tokens = [
    before.formToken,
    next.formToken,
    before.derive('csrf'),
    before.secretHash,
    sealed,
  ];
  expect(new Set(tokens).size).toBe(tokens.length);
});

test('a credential that is printed by accident shows nothing', () => {
  const credential = Credential.issue('alice');
  const secret = credential.reveal().split('.')[1] ?? '';
  const printed = [
    `${credential}`,
    JSON.stringify({ credential }),
    inspect({ credential }, { depth: null, showHidden: true }),
  ];
  for (const text of printed) expect(text).not.toContain(secret);
});
