// An object like another one, with something done around some of its methods: how a store is
// measured and traced without knowing of it. Made once; a call then costs one function more.

import type { MaybePromise } from '../core/maybe-promise.ts';

export type Method = (...args: readonly unknown[]) => MaybePromise<unknown>;
/** Given a method's name and the method, what takes its place. */
export type Wrap = (name: string, run: Method) => Method;

/** All else is handed through; methods that the object does not have are not invented. */
export function around<T extends object>(
  thing: T,
  methods: readonly (keyof T & string)[],
  wrap: Wrap,
): T {
  const like: Record<PropertyKey, unknown> = {};
  const names: readonly PropertyKey[] = methods;
  for (const key of keysOf(thing)) {
    const value: unknown = Reflect.get(thing, key);
    if (typeof value !== 'function') {
      Object.defineProperty(like, key, { get: () => Reflect.get(thing, key) });
    } else {
      // Not bind(): AsyncDisposableStack of V8 13 takes a bound function for none.
      const run: Method = (...args) => Reflect.apply(value, thing, args);
      like[key] = names.includes(key) ? wrap(String(key), run) : run;
    }
  }
  return like as T;
}

function keysOf(thing: object): ReadonlySet<PropertyKey> {
  const keys = new Set<PropertyKey>();
  for (let at: object | null = thing; at !== null && at !== Object.prototype; ) {
    for (const key of Reflect.ownKeys(at)) keys.add(key);
    at = Reflect.getPrototypeOf(at);
  }
  keys.delete('constructor');
  return keys;
}
