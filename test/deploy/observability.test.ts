// What is watched exists: every query of the rules and of the dashboard can be read, and asks for
// series that a server tells at /metrics, with the labels and values that they have there.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { Meter } from '../../src/server/meter.ts';
import { type Query, readPromql } from './promql.ts';

const folder = join(import.meta.dirname, '../../deploy/observability');
const read = (file: string) => readFileSync(join(folder, file), 'utf8');

interface Rule {
  readonly record?: string;
  readonly alert?: string;
  readonly expr: string;
  readonly labels?: { readonly severity: string };
  readonly annotations?: { readonly summary: string };
}
interface Panel {
  readonly title: string;
  readonly type: string;
  readonly targets?: readonly { readonly expr: string }[];
}

const rules: Rule[] = parse(read('rules.yaml')).groups.flatMap(
  (group: { rules: Rule[] }) => group.rules,
);
const panels: Panel[] = JSON.parse(read('dashboard.json')).panels;

const queries = [
  ...rules.map(({ record, alert, expr }) => [`rule ${alert ?? record}`, expr] as const),
  ...panels.flatMap(({ title, targets = [] }) =>
    targets.map(({ expr }, index) => [`panel ${title}, ${index + 1}`, expr] as const),
  ),
];

/** Each name in the text format, with its labels and their values; no security event happened. */
async function told(): Promise<Map<string, Map<string, Set<string>>>> {
  const meter = new Meter();
  meter.ended('logout');
  meter.refreshed('rotated');
  meter.route('/dashboard').answer(200, 1);
  meter.verb('find').set('ok', meter.route('/dashboard').classes[2] ?? expect.fail());
  meter.gauges = {
    breaker: () => 'closed',
    revocationAgeMs: () => 0,
    keyGeneration: () => 0,
    audit: () => ({ canRecord: true, waiting: 0, lost: 0 }),
  };
  const names = new Map<string, Map<string, Set<string>>>();
  for (const [, name = '', braced = ''] of (await meter.exposition()).text.matchAll(
    /^([a-zA-Z_]\w*)(?:\{(.*)\})? /gm,
  )) {
    const labels = names.get(name) ?? new Map<string, Set<string>>();
    for (const [, label = '', value = ''] of braced.matchAll(/(\w+)="([^"]*)"/g)) {
      labels.set(label, (labels.get(label) ?? new Set()).add(value));
    }
    names.set(name, labels);
  }
  return names;
}
const series = await told();
const recorded = rules.flatMap(({ record }) => record ?? []);

/** What Prometheus adds to what it finds in a cluster. */
const added = ['namespace', 'pod'];

function strangersIn({ selectors, labels }: Query): string[] {
  return selectors.flatMap(({ metric, matchers }) => {
    if (recorded.includes(metric)) return [];
    const own = series.get(metric);
    if (own === undefined) return [metric];
    return [...matchers, ...labels.map((label) => ({ label, value: '' }))].flatMap(
      ({ label, value }) => {
        if (added.includes(label)) return [];
        const isTold = value === '' ? own.has(label) : own.get(label)?.has(value);
        return isTold ? [] : [`${metric}{${label}="${value}"}`];
      },
    );
  });
}

test.each(queries)('%s asks for what servers tell', (_, expr) => {
  expect(strangersIn(readPromql(expr))).toEqual([]);
});

test('a metric, a label or a value that nobody tells is found', () => {
  const strangers = (query: string) => strangersIn(readPromql(query));
  expect(strangers('rate(sessionlab_logins_total[5m])')).toEqual(['sessionlab_logins_total']);
  expect(strangers('sum by (user) (sessionlab_answers_total)')).toEqual([
    'sessionlab_answers_total{user=""}',
  ]);
  expect(strangers('sessionlab_store_breaker{state="ajar"}')).toEqual([
    'sessionlab_store_breaker{state="ajar"}',
  ]);
});

test.each(['sum by (le rate(a[5m])', 'rate(a)', 'a > > 1', 'sum(a))', 'a{b=~}', 'a[5m'])(
  '%s is no query',
  (text) => {
    expect(() => readPromql(text)).toThrow();
  },
);

test('every alarm says what is wrong and whether to wake somebody', () => {
  const alarms = rules.filter(({ alert }) => alert !== undefined);
  expect(alarms.length).toBeGreaterThan(5);
  for (const { labels, annotations } of alarms) {
    expect(['page', 'ticket']).toContain(labels?.severity);
    expect(annotations?.summary).toMatch(/\w{3}/);
  }
});
