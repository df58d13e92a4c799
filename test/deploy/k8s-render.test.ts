// The renderer of these tests against the real one: always by what that has made of a kustomization
// with everything in it, and by itself where it is installed.

import { spawnSync } from 'node:child_process';
import { mkdtempDisposableSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { overlayFolders } from './k8s-overlays.ts';
import { type Manifest, manifestsOf, render, type Value } from './render.ts';

const folder = join(import.meta.dirname, 'kustomization');

/** Undefined where there is no kubectl. */
function renderedByKubectl(kustomization: string): string | undefined {
  const { error, status, stdout, stderr } = spawnSync('kubectl', ['kustomize', kustomization], {
    encoding: 'utf8',
  });
  if (error && 'code' in error && error.code === 'ENOENT') return undefined;
  expect(status, stderr).toBe(0);
  return stdout;
}

/** Without the suffixes that generated names have, and in one order. */
function comparable(manifests: readonly Manifest[]): Record<string, Value> {
  const names = manifests
    .filter(({ kind }) => kind === 'ConfigMap' || kind === 'Secret')
    .map(({ metadata }) => metadata.name.replace(/-[a-z0-9]{10}$/, ''));
  const plain = (text: string) => {
    const name = text.replace(/-[a-z0-9]{10}$/, '');
    return names.includes(name) ? name : text;
  };
  const ordered = (value: Value): Value => {
    // kubectl breaks base64 into lines.
    if (typeof value === 'string') return plain(value.replace(/(?<=^[\w+/=\s]{70,})\s/g, ''));
    if (typeof value !== 'object' || value === null) return value;
    const inner = Object.entries(value).map(([field, each]) => [field, ordered(each)] as const);
    if (!Array.isArray(value)) return Object.fromEntries(inner);
    const list = inner.map(([, each]) => each);
    return list.every((each) => typeof each === 'object') ? list.sort(byText) : list;
  };
  const byText = (a: Value, b: Value) => (text(a) < text(b) ? -1 : 1);
  return Object.fromEntries(
    manifests.map((each) => [`${each.kind} ${plain(each.metadata.name)}`, ordered(each)]),
  );
}

/** The same for the same fields in another order. */
const text = (value: Value): string =>
  JSON.stringify(value, (_, inner: Value) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );

test('a kustomization with all that is used is rendered as kubectl renders it', () => {
  const recorded = readFileSync(join(folder, 'rendered.yaml'), 'utf8');
  expect(comparable(render(folder))).toEqual(comparable(manifestsOf(recorded)));
  const live = renderedByKubectl(folder);
  if (live !== undefined)
    expect(comparable(manifestsOf(live))).toEqual(comparable(manifestsOf(recorded)));
});

test('both overlays are rendered as kubectl renders them, where there is one', () => {
  using temporary = mkdtempDisposableSync(join(tmpdir(), 'k8s-'));
  for (const overlay of overlayFolders(temporary.path)) {
    const rendered = render(overlay);
    expect(rendered.length).toBeGreaterThan(30);
    const live = renderedByKubectl(overlay);
    if (live !== undefined) expect(comparable(rendered)).toEqual(comparable(manifestsOf(live)));
  }
});

test('what is not rendered here is refused by name', () => {
  using temporary = mkdtempDisposableSync(join(tmpdir(), 'k8s-'));
  writeFileSync(join(temporary.path, 'kustomization.yaml'), 'namePrefix: our-');
  expect(() => render(temporary.path)).toThrow('namePrefix is not rendered here');
});
