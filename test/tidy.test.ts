// Style is a test: the layers, the registries, the sizes and the bans, each with what to do instead
// in its message.

import { globSync, readFileSync } from 'node:fs';
import { basename, dirname, join, posix } from 'node:path';
import { expect, test } from 'vitest';

const layers: Readonly<Record<string, number>> = {
  core: 0,
  strategies: 1,
  stores: 1,
  revocations: 1,
  keys: 1,
  policies: 1,
  workloads: 1,
  faults: 1,
  checkers: 1,
  accounts: 2,
  adapters: 2,
  audit: 2,
  backing: 2,
  certificates: 2,
  gateways: 2,
  server: 2,
  transfer: 2,
  scenarios: 3,
  lab: 3,
  api: 4,
  cli: 4,
};

const families: Readonly<Record<string, string>> = {
  strategies: 'strategy',
  stores: 'store',
  revocations: 'revocation-log',
  keys: 'key-ring',
  policies: 'policy',
  workloads: 'workload',
  faults: 'fault',
  checkers: 'checker',
  gateways: 'gateway',
  scenarios: 'scenario',
};

/** Composition roots may reach sideways: they put the parts together and do nothing else. */
const sideways: Readonly<Record<string, readonly string[]>> = {
  server: ['accounts', 'audit', 'backing', 'transfer'],
  lab: ['scenarios'],
  audit: ['gateways'],
  cli: ['api'],
};

const files = globSync('{src,test,tools,bench,examples,dashboard}/**/*.{ts,tsx}').map((file) =>
  file.replaceAll('\\', '/'),
);
const read = (file: string) => readFileSync(file, 'utf8');
const sources = files.filter((file) => file.startsWith('src/'));
const page = files.filter((file) => file.startsWith('dashboard/'));
const room = (file: string) => file.split('/')[1] ?? '';

interface Import {
  readonly from: string;
  readonly to: string;
  readonly typeOnly: boolean;
}

function importsOf(file: string): Import[] {
  const pattern = /(?:import|export)\s+(type\s)?[^;'"]*?from\s+'(\.[^']+)'|import\('(\.[^']+)'\)/g;
  return [...read(file).matchAll(pattern)].map((match) => ({
    from: file,
    to: posix.join(posix.dirname(file), match[2] ?? match[3] ?? ''),
    typeOnly: match[1] !== undefined,
  }));
}

function allowed({ from, to, typeOnly }: Import): boolean {
  const [here, there] = [room(from), room(to)];
  if (here === there || dirname(from) === 'src') return true;
  const [low, high] = [layers[there], layers[here]];
  if (low === undefined || high === undefined) return false;
  if (low < high || sideways[here]?.includes(there)) return true;
  const contract = basename(to) === `${families[there]}.ts`;
  const typesOfFamily = contract || basename(to) === 'index.ts';
  return typeOnly && low <= high && typesOfFamily;
}

test('imports go down the layers, sideways only for the types of a contract', () => {
  const wrong = sources.flatMap(importsOf).filter((edge) => !allowed(edge));
  expect(
    wrong.map(({ from, to }) => `${from} imports ${to}: move what it needs down, or invert it`),
  ).toEqual([]);
});

test('every folder of src has a layer', () => {
  const folders = new Set(sources.filter((file) => dirname(file) !== 'src').map(room));
  expect([...folders].sort()).toEqual(Object.keys(layers).sort());
});

test.each(Object.entries(families))(
  'the registry of %s names every member by its file',
  (folder, singular) => {
    const registry = read(`src/${folder}/index.ts`);
    const lines = [
      ...registry.matchAll(/export \{ (?:\w+ as )?'?([\w-]+)'? \} from '\.\/([\w-]+)\.ts'/g),
    ];
    expect(lines.length, `src/${folder}/index.ts has no member lines`).toBeGreaterThan(0);
    expect(lines.map(([, name]) => name)).toEqual(lines.map(([, , file]) => file));
    expect(files).toContain(`src/${folder}/${singular}.ts`);
  },
);

test('a file says what it is before it says anything else', () => {
  const silent = files.filter((file) => !/^(#!.*\n)?(\/\/|\/\*\*)/.test(read(file)));
  expect(silent.filter((file) => !file.endsWith('/index.ts'))).toEqual([]);
});

test('source files have at most 300 lines, lines without a text at most 100 columns', () => {
  const long = [...sources, ...page].filter((file) => read(file).split('\n').length > 301);
  expect(long.map((file) => `${file}: would two names tell the reader more than one?`)).toEqual([]);
  const wide = files.flatMap((file) =>
    read(file)
      .split('\n')
      .map((line, index) => ({ line, at: `${file}:${index + 1}` }))
      .filter(({ line }) => [...line].length > 100 && !/['"`]/.test(line))
      .map(({ at }) => `${at}: break the line`),
  );
  expect(wide).toEqual([]);
});

const bans: readonly (readonly [RegExp, string])[] = [
  [/@ts-(ignore|nocheck|expect-error)/, 'mend the type'],
  [/\b(TODO|FIXME|XXX)\b/, 'do it, or write it down as an issue'],
  [/\.(only|todo|fails|skip)\(/, 'a test that is switched off proves nothing'],
  [/(test|it)\(\s*['"`][^'"`]*\bshould\b/, 'a test name is a law in the present tense'],
  [/export \* from/, 'list what is public by hand'],
  [/(?<!no )\bMath\.random\b/, 'core/random.ts for plans, node:crypto for secrets'],
];

test.each(bans)('nothing matches %s', (pattern, instead) => {
  const self = 'test/tidy.test.ts';
  const found = files.filter((file) => file !== self && pattern.test(read(file)));
  expect(found.map((file) => `${file}: ${instead}`)).toEqual([]);
});

test('file names are kebab-case and name a thing, not a drawer', () => {
  const drawers = /(^|-)(utils?|helpers?|common|misc|manager|types|impl)(-|\.)/;
  const wrong = files.filter(
    (file) =>
      !/^[a-z0-9-]+(\.(test|contract|config))?\.tsx?$/.test(basename(file)) ||
      drawers.test(basename(file)),
  );
  expect(wrong).toEqual([]);
});

test('documents link only to files that are there', () => {
  const documents = globSync(['*.md', 'docs/**/*.md']);
  const broken = documents.flatMap((document) =>
    [...read(document).matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)/g)]
      .map((match) => join(dirname(document), match[1] ?? ''))
      .filter((target) => globSync(target).length === 0)
      .map((target) => `${document} -> ${target}`),
  );
  expect(broken).toEqual([]);
});
