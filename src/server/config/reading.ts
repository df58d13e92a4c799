// Where the text of a setting comes from: the environment, or else the object in CONFIG_FILE. A
// secret may be in a file of its own, named by NAME_FILE in either place, as orchestrators mount
// them. Nothing is thrown here; what is wrong is noted, without a secret.

import { readFileSync, statSync } from 'node:fs';
import type { Setting } from './kinds.ts';

export type Environment = Readonly<Record<string, string | undefined>>;
export type Origin = 'environment' | 'CONFIG_FILE' | 'default';

export interface ConfigProblem {
  readonly name: string;
  readonly detail: string;
}

export interface Text {
  readonly text: string | undefined;
  readonly origin: Origin;
}

export class Reading {
  readonly problems: ConfigProblem[] = [];
  readonly warnings: string[] = [];
  readonly #places: ReadonlyArray<readonly [Origin, Environment]>;
  readonly #texts = new Map<string, Text>();

  constructor(
    environment: Environment,
    known: readonly Pick<Setting<unknown>, 'name' | 'secret'>[],
  ) {
    this.#places = [
      ['environment', environment],
      ['CONFIG_FILE', this.#configFile(environment.CONFIG_FILE, known)],
    ];
    for (const { name, secret } of known) this.#texts.set(name, this.#find(name, secret));
  }

  of(name: string): Text {
    return this.#texts.get(name) ?? { text: undefined, origin: 'default' };
  }

  refuse(name: string, why: string): void {
    this.problems.push({ name, detail: `${name}: ${why}` });
  }

  #find(name: string, secret: boolean): Text {
    for (const [origin, place] of this.#places) {
      const [text, file] = [place[name], secret ? place[`${name}_FILE`] : undefined];
      if (text && file) this.refuse(name, `${name}_FILE is set as well: keep one of them`);
      if (text) return { text, origin };
      if (file) return { text: this.#contents(`${name}_FILE`, file), origin };
    }
    return { text: undefined, origin: 'default' };
  }

  /**
   * Without the newline that editors and `echo` leave at the end. In /run/secrets containers have
   * their own, where compose cannot set the owner and nobody else is.
   */
  #contents(name: string, file: string): string | undefined {
    try {
      const text = readFileSync(file, 'utf8').replace(/\r?\n$/, '');
      if (text === '') this.refuse(name, `${JSON.stringify(file)} is empty`);
      const isMounted = file.startsWith('/run/secrets/');
      if (!isMounted && process.platform !== 'win32' && (statSync(file).mode & 0o004) !== 0) {
        const cure = `take that from them: chmod o-r ${file}`;
        this.warnings.push(`${name}: every user of this machine can read ${file}; ${cure}`);
      }
      return text;
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? `: ${error.code}` : '';
      this.refuse(name, `${JSON.stringify(file)} cannot be read${code}`);
      return undefined;
    }
  }

  #configFile(
    file: string | undefined,
    known: readonly Pick<Setting<unknown>, 'name' | 'secret'>[],
  ): Environment {
    if (!file) return {};
    const before = this.warnings.length;
    const text = this.#contents('CONFIG_FILE', file);
    const members = text === undefined ? {} : this.#members(file, text);
    const secrets = known.filter(({ secret }) => secret).map(({ name }) => name);
    // Only a file that holds a secret has to be one.
    if (!secrets.some((name) => members[name])) this.warnings.splice(before);
    const names = [...known.map(({ name }) => name), ...secrets.map((name) => `${name}_FILE`)];
    for (const name of Object.keys(members)) {
      if (names.includes(name)) continue;
      const nearest = names.toSorted((a, b) => distance(name, a) - distance(name, b))[0] ?? '';
      this.refuse(name, `CONFIG_FILE has a setting that there is not; the nearest is ${nearest}`);
    }
    return members;
  }

  #members(file: string, text: string): Environment {
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      value = undefined;
    }
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, asText(each)]));
    }
    this.refuse('CONFIG_FILE', `${JSON.stringify(file)} holds no JSON object`);
    return {};
  }
}

/** Keys may be written as the objects they are, lists as lists. */
function asText(value: unknown): string {
  if (typeof value === 'string') return value;
  return Array.isArray(value) ? value.join(',') : (JSON.stringify(value) ?? '');
}

/** How many letters must be put in, taken out or changed (Levenshtein). */
function distance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (const [at, letter] of [...from.toUpperCase()].entries()) {
    let [left, above] = [at + 1, at];
    row = row.map((over, index) => {
      if (index > 0)
        left = Math.min(left + 1, over + 1, above + (to[index - 1] === letter ? 0 : 1));
      above = over;
      return left;
    });
  }
  return row[to.length] ?? 0;
}
