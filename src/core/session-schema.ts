// What an application keeps in its sessions, declared: what each field holds, what happens when two
// requests change the same one, the version of all that, and the way from each older version to
// the next. Sessions outlive deployments, so two versions of an application read each other's:
// data of an older version are brought up when they are read, and data of a newer one are nobody's
// session here, which is no failure. The types are for the compiler; values are not looked into.

import type { FieldChange, Fields, Json } from './session.ts';

export interface SessionSchema {
  /** Grows by one with every change that older code could not read. */
  readonly version: number;
  /** `upcasters[n]` makes fields of version n + 1 from fields of version n. */
  readonly upcasters: Readonly<Record<number, (fields: Fields) => Fields>>;
}

/** For an application that declares nothing: any fields, of version 0. */
export const anyFields: SessionSchema = { version: 0, upcasters: {} };

/** The fields in the schema's version; undefined when there is no way from theirs. */
export function upcast(schema: SessionSchema, version: number, fields: Fields): Fields | undefined {
  if (version > schema.version) return undefined;
  let after = fields;
  for (let at = version; at < schema.version; at += 1) {
    const step = schema.upcasters[at];
    if (step === undefined) return undefined;
    try {
      after = step(after);
    } catch {
      return undefined;
    }
  }
  return after;
}

/** The changes that make the one out of the other. */
export function difference(before: Fields, after: Fields): readonly FieldChange[] {
  const gone = Object.keys(before).filter((field) => !Object.hasOwn(after, field));
  return [
    ...gone.map((field) => ({ op: 'remove', field }) as const),
    ...Object.entries(after)
      .filter(([field, value]) => before[field] !== value)
      .map(([field, value]) => ({ op: 'set', field, value }) as const),
  ];
}

/**
 * A change that depends on what it finds: a function of the fields, run again when another request
 * was first. It must do nothing else.
 */
export type Rerunnable = (fields: Fields) => readonly FieldChange[];

/** What a field of the schema is: how it is read, and what can be done to it. */
export interface FieldRule<View, Change> {
  readonly view: (fields: Fields, name: string) => View;
  readonly change: (name: string) => Change;
}

/** A value. Of two requests that set it at once, the last one wins. */
export function lastWriter<T extends Json>() {
  return {
    view: (fields: Fields, name: string) => fields[name] as T | undefined,
    change: (name: string) => ({
      set: (value: T): FieldChange => ({ op: 'set', field: name, value }),
      remove: (): FieldChange => ({ op: 'remove', field: name }),
    }),
  };
}

/** A number for each key, absent for 0. Of two requests that add at once, both count. */
export function counters() {
  return {
    view: (fields: Fields, name: string): Readonly<Record<string, number>> =>
      Object.fromEntries(
        membersOf(fields, name).flatMap(([key, value]) =>
          typeof value === 'number' ? [[key, value] as const] : [],
        ),
      ),
    change: (name: string) => ({
      add: (key: string, by: number): FieldChange => ({
        ...{ op: 'increment', field: `${name}.${key}`, by },
      }),
      remove: (key: string): FieldChange => ({ op: 'remove', field: `${name}.${key}` }),
    }),
  };
}

/** Texts without order. Of two requests that add at once, both are there afterwards. */
export function set<T extends string = string>() {
  return {
    view: (fields: Fields, name: string): ReadonlySet<T> =>
      new Set(membersOf(fields, name).map(([member]) => member as T)),
    change: (name: string) => ({
      add: (member: T): FieldChange => ({ op: 'set', field: `${name}.${member}`, value: true }),
      remove: (member: T): FieldChange => ({ op: 'remove', field: `${name}.${member}` }),
    }),
  };
}

/** A value whose next depends on the one before: of two requests at once, the later runs again. */
export function compareAndSet<T extends Json>() {
  return {
    view: (fields: Fields, name: string) => fields[name] as T | undefined,
    change: (name: string) => ({
      /** From the value before to the value after; undefined for none. */
      swap:
        (next: (before: T | undefined) => T | undefined): Rerunnable =>
        (fields) => {
          const value = next(fields[name] as T | undefined);
          return [
            value === undefined ? { op: 'remove', field: name } : { op: 'set', field: name, value },
          ];
        },
    }),
  };
}

type Rules = Readonly<Record<string, FieldRule<unknown, unknown>>>;

export interface SessionDefinition<R extends Rules> extends SessionSchema {
  /** The fields as the application thinks of them. */
  read(fields: Fields): { readonly [K in keyof R]: ReturnType<R[K]['view']> };
  /** What can be done to each. */
  readonly change: { readonly [K in keyof R]: ReturnType<R[K]['change']> };
}

/** Names of fields contain no dot: it stands between a name and a key. */
export function defineSession<const R extends Rules>(
  declared: SessionSchema & { readonly fields: R },
): SessionDefinition<R> {
  const { version, upcasters, fields: rules } = declared;
  const each = <T>(value: (rule: FieldRule<unknown, unknown>, name: string) => T) =>
    Object.fromEntries(Object.entries(rules).map(([name, rule]) => [name, value(rule, name)]));
  return {
    version,
    upcasters,
    read: (fields) =>
      each((rule, name) => rule.view(fields, name)) as ReturnType<SessionDefinition<R>['read']>,
    change: each((rule, name) => rule.change(name)) as SessionDefinition<R>['change'],
  };
}

function membersOf(fields: Fields, name: string): (readonly [string, Json])[] {
  const prefix = `${name}.`;
  return Object.entries(fields).flatMap(([field, value]) =>
    field.startsWith(prefix) ? [[field.slice(prefix.length), value] as const] : [],
  );
}
