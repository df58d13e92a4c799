// What can be the e-mail address of an account: one local part, one host (a small part of RFC
// 5321). Whether it is the user's own only a message to it would tell, and none is sent here.

const emailCharsMax = 254;
const shape = /^[^\s@\p{C}]{1,64}@((?:[\p{L}\p{N}](?:[\p{L}\p{N}-]*[\p{L}\p{N}])?\.)+\p{L}{2,})$/u;

/** The address with its host in lower case; undefined for a text that can be none. */
export function readEmail(text: string): string | undefined {
  if (text.length > 4 * emailCharsMax) return undefined;
  const email = text.normalize('NFC').trim();
  const host = shape.exec(email)?.[1];
  if (host === undefined || email.length > emailCharsMax) return undefined;
  return email.slice(0, -host.length) + host.toLowerCase();
}
