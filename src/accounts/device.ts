// What a good login leaves with a device, so that the next one from there is known to come from
// somebody who was let in before: a stranger who guesses cannot lock that device out (OWASP, "Slow
// down online guessing attacks with device cookies"). It is a random name with a proof, keyed by
// the stored hash of the password, which never leaves the database: so it needs no key of its own,
// is good for one account only, and ends when the password changes. It opens nothing by itself.

import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

/** In place of the stored hash of a name that nobody has: as much work, and no proof is right. */
const nobodys = randomBytes(97);
const shape = /^([A-Za-z0-9_-]{24})\.([A-Za-z0-9_-]{43})$/;

export function newDevice(passwordHash: string): string {
  const name = randomBytes(18).toString('base64url');
  return `${name}.${proof(name, passwordHash)}`;
}

/** The device's name, if it was given out for the account with this stored hash; never for none. */
export function knownDevice(
  text: string | undefined,
  passwordHash: string | undefined,
): string | undefined {
  const [, name, given] = shape.exec(text ?? '') ?? [];
  if (name === undefined || given === undefined) return undefined;
  const right = timingSafeEqual(
    Buffer.from(given),
    Buffer.from(proof(name, passwordHash ?? nobodys)),
  );
  return right ? name : undefined;
}

function proof(name: string, passwordHash: string | Buffer): string {
  return createHmac('sha256', passwordHash).update(`device:${name}`).digest('base64url');
}
