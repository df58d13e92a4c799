// Passwords that everybody tries first: 49,000 that leaks have shown, of which 18,000 are long
// enough to be asked for here (ASVS 5.0 6.2.4 demands the first 3,000), and those that contain the
// user's own name. There are no rules of composition: they make passwords worse. The list is loaded
// when the first password is chosen, in 40 ms, and takes some 3 MB.

import { limits } from '../core/limits.ts';
import { fold } from '../core/user-name.ts';

/** Shorter names occur in many a good password. */
const nameCharsMin = 4;

let list: Promise<ReadonlySet<string>> | undefined;

/** Is the password among the first that anybody would try for this user? Letter case hides none. */
export async function isWellKnown(password: string, nameKey: string): Promise<boolean> {
  const plain = fold(password);
  if (nameKey.length >= nameCharsMin && plain.includes(nameKey)) return true;
  list ??= load();
  return (await list).has(plain);
}

async function load(): Promise<ReadonlySet<string>> {
  const { dictionary } = await import('@zxcvbn-ts/language-common');
  const passwords = dictionary['passwords-common'];
  return new Set(passwords.filter(({ length }) => length >= limits.passwordCharsMin));
}
