// The description of a site in a file, as whoever runs a gateway as a service writes it. It is
// JSON; mistakes in it are told together, each with the place, what is there and what may be.
// The schema says what a value may be in the same words that the message uses.

import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import Type, { type Static, type TSchema } from 'typebox';
import { Errors } from 'typebox/value';
import * as policies from '../policies/index.ts';
import type { GatewayOptions } from './gateway.ts';

const text = (description: string, pattern: string) => Type.String({ description, pattern });
const whole = (minimum: number, maximum: number) =>
  Type.Integer({ minimum, maximum, description: `a whole number from ${minimum} to ${maximum}` });
const oneOf = (names: readonly string[]) => text(names.join(', '), `^(${names.join('|')})$`);
const closed = { additionalProperties: false, description: 'an object' };
const listOf = <Item extends TSchema>(item: Item) => Type.Array(item, { description: 'a list' });

const name = text('letters, digits and -', '^[A-Za-z0-9-]+$');
const port = whole(1, 65_535);
/** 0 takes a free one. */
const own = whole(0, 65_535);
const file = text('the path of a file, without $, " and \\', '^[^$"\\\\]+$');

const upstream = Type.Object(
  {
    name: text('letters, digits, _, . and -', '^[\\w.-]+$'),
    url: text(
      'a URL like http://10.0.0.5:3000',
      '^http://([\\w.-]+|\\[[\\da-fA-F:.]+\\])(:\\d+)?/?$',
    ),
  },
  closed,
);

const group = Type.Object(
  {
    name,
    policy: oneOf(Object.keys(policies)),
    cookies: Type.Optional(listOf(text('letters, digits, _, . and -', '^[\\w.-]+$'))),
    upstreams: Type.Optional(listOf(upstream)),
    discover: Type.Optional(Type.Object({ host: text('a host name', '^[\\w.-]+$'), port }, closed)),
  },
  closed,
);

const path = text('a path that begins with /, without $, " and \\', '^/[!#%-\\[\\]-~]*$');

const Site = Type.Object(
  {
    kind: oneOf(['nginx', 'node']),
    listen: Type.Object(
      {
        address: Type.Optional(text('an address, like 0.0.0.0 or ::', '^[\\da-fA-F:.]+$')),
        port: own,
        tls: Type.Optional(
          Type.Object(
            { port: own, publicPort: Type.Optional(port), certFile: file, keyFile: file },
            closed,
          ),
        ),
        inTheClear: Type.Optional(oneOf(['everything', 'health'])),
      },
      closed,
    ),
    groups: listOf(group),
    routes: listOf(
      Type.Object({ path, base: Type.Optional(path), group: Type.Optional(name) }, closed),
    ),
    limits: Type.Optional(
      Type.Object(
        {
          requestsPerSecond: Type.Optional(whole(1, 100_000)),
          connections: Type.Optional(whole(1, 100_000)),
        },
        closed,
      ),
    ),
    accessLogFile: Type.Optional(file),
    answerTimeoutMs: whole(1, 3_600_000),
  },
  closed,
);

type Written = Static<typeof Site>;

export interface Discovery {
  readonly group: string;
  readonly host: string;
  readonly port: number;
}

export interface Site {
  readonly kind: 'nginx' | 'node';
  /** The groups that are discovered have no servers yet. */
  readonly options: GatewayOptions;
  readonly discoveries: readonly Discovery[];
}

/** The file does not describe a site; each problem says where, what is there, and what may be. */
export class SiteError extends Error {
  override readonly name = 'SiteError';

  constructor(from: string, problems: readonly string[]) {
    super([`${from} does not describe a site:`, ...problems].join('\n  '));
  }
}

/** Paths of files in it are relative to its folder. @throws SiteError */
export async function readSite(from: string): Promise<Site> {
  let content: unknown;
  try {
    content = JSON.parse(await readFile(from, 'utf8'));
  } catch (error) {
    throw new SiteError(from, [error instanceof Error ? error.message : String(error)]);
  }
  const problems = Errors(Site, content).flatMap((error) => told(content, error));
  if (problems.length > 0) throw new SiteError(from, [...new Set(problems)]);
  const written = content as Written;
  const contradictions = contradictionsIn(written);
  if (contradictions.length > 0) throw new SiteError(from, contradictions);
  return asSite(written, (named) => resolve(dirname(from), named));
}

type Problem = ReturnType<typeof Errors>[number];

function told(content: unknown, { keyword, instancePath, params }: Problem): string[] {
  // What is not known is told once, where it stands.
  if (keyword === 'boolean') return [];
  const steps = instancePath.split('/').slice(1);
  const place = placeOf(steps);
  const schema = steps.reduce<TSchema | undefined>(below, Site);
  if (keyword === 'required' && 'requiredProperties' in params) {
    return params.requiredProperties.map(
      (each) => `${join(place, each)}: is needed: ${descriptionOf(schema && below(schema, each))}`,
    );
  }
  const known = Object.keys((schema as { properties?: object })?.properties ?? {}).join(', ');
  if (keyword === 'additionalProperties' && 'additionalProperties' in params) {
    return params.additionalProperties.map(
      (each) => `${join(place, each)}: is not known; known here: ${known}`,
    );
  }
  const value = steps.reduce<unknown>(
    (at, step) => (at as Record<string, unknown>)?.[step],
    content,
  );
  const shown = JSON.stringify(value)?.slice(0, 80);
  return [`${place || 'all of it'}: ${shown} is not allowed; allowed: ${descriptionOf(schema)}`];
}

function below(schema: TSchema | undefined, step: string): TSchema | undefined {
  const { properties, items } = (schema ?? {}) as {
    properties?: Readonly<Record<string, TSchema>>;
    items?: TSchema;
  };
  return properties?.[step] ?? items;
}

function descriptionOf(schema: TSchema | undefined): string {
  return (schema as { description?: string } | undefined)?.description ?? 'something else';
}

function placeOf(steps: readonly string[]): string {
  return steps.reduce((at, step) => (/^\d+$/.test(step) ? `${at}[${step}]` : join(at, step)), '');
}

function join(place: string, step: string): string {
  return place === '' ? step : `${place}.${step}`;
}

/** What is allowed by itself and does not fit together. */
function contradictionsIn({ kind, listen, groups, routes, limits }: Written): string[] {
  const names = groups.map((each) => each.name);
  const twice = (all: readonly string[]) => all.find((each, at) => all.indexOf(each) < at);
  // nginx takes names that differ in no more than their case for one.
  const alike = (all: readonly string[]) => twice(all.map((each) => each.toLowerCase()));
  const wrong: (string | false | undefined)[] = [
    limits && kind === 'node' && 'limits: only nginx bounds single clients; use kind nginx',
    listen.inTheClear === 'health' && !listen.tls && 'listen.inTheClear: health needs listen.tls',
  ];
  const repeated = { groups: alike(names), routes: twice(routes.map((each) => each.path)) };
  for (const [place, what] of Object.entries(repeated)) {
    if (what !== undefined) wrong.push(`${place}: ${what} is there twice`);
  }
  for (const [index, { upstreams, discover }] of groups.entries()) {
    const same = alike(upstreams?.map((each) => each.name) ?? []);
    wrong.push(
      (upstreams === undefined) === (discover === undefined) &&
        `groups[${index}]: needs either upstreams or discover`,
      same !== undefined && `groups[${index}].upstreams: ${same} is there twice`,
    );
  }
  for (const [index, route] of routes.entries()) {
    const { base, group } = route;
    const fits = base === undefined || route.path.startsWith(`${base}/`);
    wrong.push(
      group !== undefined &&
        !names.includes(group) &&
        `routes[${index}].group: there is no group ${group}; there are: ${names.join(', ')}`,
      !fits && `routes[${index}].base: ${base} is not where ${route.path} begins`,
    );
  }
  return wrong.filter((each) => typeof each === 'string');
}

function asSite(written: Written, file: (named: string) => string): Site {
  const { kind, listen, groups, accessLogFile, ...rest } = written;
  const { tls, ...clear } = listen;
  const files = tls && { certFile: file(tls.certFile), keyFile: file(tls.keyFile) };
  const options = {
    ...rest,
    groups: groups.map(({ discover: _, upstreams = [], ...rest }) => ({ ...rest, upstreams })),
    listen: { ...clear, ...(tls && { tls: { ...tls, ...files } }) },
    ...(accessLogFile !== undefined && { accessLogFile: file(accessLogFile) }),
    seed: 'site',
  };
  const discoveries = groups.flatMap(({ name, discover }) =>
    discover ? [{ group: name, ...discover }] : [],
  );
  // The schema has admitted no other words.
  return { kind: kind as Site['kind'], options: options as GatewayOptions, discoveries };
}
