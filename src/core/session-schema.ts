// What an application keeps in its sessions, declared: the version of its data, and the way from
// each older version to the next. Sessions outlive deployments, so two versions of an application
// read each other's: data of an older version are brought up when they are read, and data of a
// newer one are nobody's session here, which is no failure.

import type { Fields } from './session.ts';

export interface SessionSchema {
  /** Grows by one with every change that older code could not read. */
  readonly version: number;
  /** `upcasters[n]` makes fields of version n + 1 from fields of version n. */
  readonly upcasters: Readonly<Record<number, (fields: Fields) => Fields>>;
}

/** The fields in the schema's version; undefined when there is no way from theirs. */
export function upcast(schema: SessionSchema, version: number, fields: Fields): Fields | undefined {
  if (version > schema.version) return undefined;
  let after = fields;
  for (let at = version; at < schema.version; at += 1) {
    const step = schema.upcasters[at];
    if (step === undefined) return undefined;
    after = step(after);
  }
  return after;
}
