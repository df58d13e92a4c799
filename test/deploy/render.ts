// Renders a kustomization to the objects that would be applied, as `kubectl kustomize` does, so that
// tests need no kubectl. It knows only what deploy/k8s uses and refuses all else by name, and it is
// held against the real one. Generated names get no suffix of a hash.

import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parse, parseAllDocuments } from 'yaml';

export type Value = null | boolean | number | string | Value[] | Fields;
export interface Fields {
  [field: string]: Value;
}

/** One object of Kubernetes, as the schemas have not judged it yet. */
export interface Manifest extends Fields {
  kind: string;
  metadata: Fields & { name: string };
}

interface Target {
  readonly kind?: string;
  readonly labelSelector?: string;
}

interface Generator {
  readonly name: string;
  readonly files?: readonly string[];
  readonly literals?: readonly string[];
  readonly type?: string;
}

interface Kustomization {
  readonly apiVersion: 'kustomize.config.k8s.io/v1beta1';
  readonly kind: 'Kustomization';
  readonly resources?: readonly string[];
  readonly namespace?: string;
  readonly patches?: readonly { readonly path: string; readonly target: Target }[];
  readonly images?: readonly { name: string; newName?: string; newTag?: string }[];
  readonly replicas?: readonly { readonly name: string; readonly count: number }[];
  readonly configMapGenerator?: readonly Generator[];
  readonly secretGenerator?: readonly Generator[];
}

const known: Readonly<Record<keyof Kustomization, true>> = {
  ...{ apiVersion: true, kind: true, resources: true, namespace: true, patches: true },
  ...{ images: true, replicas: true, configMapGenerator: true, secretGenerator: true },
};

/** YAML 1.1, in which Kubernetes reads 0440 as an octal number. */
export const manifestsOf = (text: string): Manifest[] =>
  parseAllDocuments(text, { version: '1.1' }).map((document) => document.toJS());

export function render(folder: string): Manifest[] {
  const read = (file: string) => readFileSync(join(folder, file), 'utf8');
  const asked: Kustomization = parse(read('kustomization.yaml'));
  const strange = Object.keys(asked).filter((field) => !(field in known));
  if (strange.length > 0) throw new Error(`${folder}: ${strange.join(', ')} is not rendered here`);

  const all = (asked.resources ?? []).flatMap((path) =>
    path.endsWith('.yaml') ? manifestsOf(read(path)) : render(join(folder, path)),
  );
  for (const generator of asked.configMapGenerator ?? []) {
    all.push(generated('ConfigMap', generator, (file) => readFileSync(join(folder, file), 'utf8')));
  }
  for (const generator of asked.secretGenerator ?? []) {
    const secret = (file: string) => readFileSync(join(folder, file), 'base64');
    all.push({ ...generated('Secret', generator, secret), type: generator.type ?? 'Opaque' });
  }
  for (const { path, target } of asked.patches ?? []) {
    const spec = manifestsOf(read(path))[0]?.spec ?? {};
    for (const each of all) if (isTarget(each, target)) Object.assign(each, merged(each, { spec }));
  }
  for (const { name, count } of asked.replicas ?? []) {
    const scaled = all.filter((each) => each.metadata.name === name && isScaled(each));
    for (const { spec } of scaled) Object.assign(spec ?? {}, { replicas: count });
  }
  return all.map((each) => placed(renamed(each, asked.images ?? []), asked.namespace));
}

function generated(
  kind: string,
  { name, files = [], literals = [] }: Generator,
  read: (file: string) => string,
): Manifest {
  const entries = [
    ...files.map((file) => {
      const [key, path] = file.includes('=') ? split(file) : [basename(file), file];
      return [key, read(path)];
    }),
    ...literals.map(split),
  ];
  return { apiVersion: 'v1', kind, metadata: { name }, data: Object.fromEntries(entries) };
}

function split(text: string): [name: string, value: string] {
  const at = text.indexOf('=');
  return [text.slice(0, at), text.slice(at + 1)];
}

function isTarget({ kind, metadata }: Manifest, target: Target): boolean {
  const [label = '', value] = target.labelSelector?.split('=') ?? [];
  const labels = metadata.labels as Fields | undefined;
  return kind === target.kind && (value === undefined || labels?.[label] === value);
}

const isScaled = ({ kind }: Manifest) => kind === 'Deployment' || kind === 'StatefulSet';

/** By which field the members of a list are known (patchMergeKey); other lists are replaced. */
const mergeKeys: Readonly<Record<string, string>> = {
  containers: 'name',
  env: 'name',
  volumes: 'name',
  ports: 'containerPort',
  volumeMounts: 'mountPath',
};

const isFields = (value: Value | undefined): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function merged(before: Fields, patch: Fields): Fields {
  const after = { ...before };
  for (const [field, value] of Object.entries(patch)) {
    const old = after[field];
    if (value === null) delete after[field];
    else if (isFields(value)) after[field] = merged(isFields(old) ? old : {}, value);
    else if (Array.isArray(value) && Array.isArray(old) && field in mergeKeys) {
      after[field] = mergedList(old as Fields[], value as Fields[], mergeKeys[field] ?? '');
    } else after[field] = value;
  }
  return after;
}

function mergedList(before: Fields[], patch: Fields[], key: string): Fields[] {
  const after = before.map((old) => {
    const change = patch.find((each) => each[key] === old[key]);
    return change === undefined ? old : merged(old, change);
  });
  const added = patch.filter((each) => before.every((old) => old[key] !== each[key]));
  return [...after, ...added.map((each) => merged({}, each))];
}

function renamed<V extends Value>(value: V, images: NonNullable<Kustomization['images']>): V {
  if (Array.isArray(value)) return value.map((each) => renamed(each, images)) as V;
  if (!isFields(value)) return value;
  const entries = Object.entries(value).map(([field, inner]) => {
    const image = field === 'image' ? images.find(({ name }) => name === inner) : undefined;
    if (image === undefined) return [field, renamed(inner, images)];
    return [field, `${image.newName ?? image.name}:${image.newTag}`];
  });
  return Object.fromEntries(entries);
}

function placed(manifest: Manifest, namespace: string | undefined): Manifest {
  if (namespace === undefined) return manifest;
  const where = manifest.kind === 'Namespace' ? { name: namespace } : { namespace };
  return { ...manifest, metadata: { ...manifest.metadata, ...where } };
}
