// Lets only well-formed events through, whatever a file holds: a history may be cut off anywhere,
// or come from another version. Unknown members are ignored. An operation whose completion cannot
// be read stays open, and so may have happened.

import { Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { type HistoryEvent, operations, type RunHeader } from '../../core/history.ts';
import { lifetimes } from '../../core/limits.ts';

const Text = Type.String();
const TextOrNull = Type.Union([Text, Type.Null()]);
const Ms = Type.Number();

const invocation = Compile(
  Type.Object({
    t: Type.Literal('invoke'),
    i: Type.Number(),
    f: Type.Union(operations.map((operation) => Type.Literal(operation))),
    client: Text,
    user: Text,
    sess: TextOrNull,
    cred: TextOrNull,
    to: Text,
    key: Type.Optional(Text),
    val: Type.Optional(Type.Number()),
    sha256: Type.Optional(Text),
    tPlan: Ms,
    tInv: Ms,
  }),
);

const seenFile = Type.Object({ id: Text, bytes: Type.Number(), sha256: Text });

const completion = Compile(
  Type.Object({
    t: Type.Union([Type.Literal('ok'), Type.Literal('fail'), Type.Literal('info')]),
    i: Type.Number(),
    status: Type.Union([Type.Number(), Type.Null()]),
    server: TextOrNull,
    seen: Type.Optional(
      Type.Object({
        user: TextOrNull,
        cart: Type.Optional(Type.Record(Text, Type.Number())),
        files: Type.Optional(Type.Array(seenFile)),
      }),
    ),
    sess: Type.Optional(Text),
    set: Type.Optional(Text),
    from: Type.Optional(Type.Number()),
    reason: Type.Optional(Text),
    cleared: Type.Optional(Type.Boolean()),
    retryAfter: Type.Optional(Type.Boolean()),
    tEnd: Ms,
  }),
);

const fault = Compile(
  Type.Object({
    t: Type.Literal('fault'),
    kind: Text,
    target: Text,
    phase: Type.Union([Type.Literal('begin'), Type.Literal('end')]),
    at: Ms,
  }),
);

const header = Compile(
  Type.Object({
    t: Type.Literal('run'),
    servers: Type.Array(Text),
    lifetimes: Type.Partial(
      Type.Object({ idleMs: Ms, absoluteMs: Ms, accessTokenMs: Ms, rotationGraceMs: Ms }),
    ),
    selfContained: Type.Boolean(),
  }),
);

export function isWellFormed(event: unknown): event is HistoryEvent {
  return invocation.Check(event) || completion.Check(event) || fault.Check(event);
}

const nameless: RunHeader = {
  t: 'run',
  id: '',
  scenario: '',
  answer: '',
  seed: '',
  servers: [],
  policy: '',
  lifetimes,
  selfContained: false,
};

/** What the header says, completed with defaults; without a header, the defaults. */
export function headerIn(event: unknown): RunHeader {
  if (!header.Check(event)) return nameless;
  return { ...nameless, ...event, lifetimes: { ...lifetimes, ...event.lifetimes } };
}
