// What is answered at once where it is known, and later where somebody must be asked. A promise
// that is kept already still costs a turn of the queue of microtasks, and several layers of them
// cost a request more than the answer itself.

export type MaybePromise<T> = T | Promise<T>;

/** What is made of the value: at once, if it is here. */
export function after<T, U>(
  value: MaybePromise<T>,
  make: (value: T) => MaybePromise<U>,
): MaybePromise<U> {
  return value instanceof Promise ? value.then(make) : make(value);
}
