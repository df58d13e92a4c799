// Holds a manifest against the published schemas of Kubernetes. Their compiled form ignores what it
// does not know, and so a typing error; here a field that no schema looked at is an error, as it is
// with `kubectl apply --validate=strict`.

import { access } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Fields, Manifest, Value } from './render.ts';

interface Validate {
  (value: unknown): boolean;
  readonly errors?: readonly { readonly instancePath: string; readonly params: object }[] | null;
}

/** What is wrong, each with its place; nothing for a manifest that the API server would take. */
export async function schemaErrors(manifest: Manifest): Promise<string[]> {
  const here = `${manifest.kind} ${manifest.metadata.name}`;
  const validate = await schemaOf(manifest);
  if (validate === undefined) return [`${here}: no schema for ${manifest.apiVersion}`];
  const unseen = new Set<string>();
  validate(watched(manifest, '', unseen));
  return [
    ...(validate.errors ?? []).map(({ instancePath, params }) => {
      return `${here}: ${instancePath} ${JSON.stringify(params)}`;
    }),
    ...[...unseen].map((path) => `${here}: ${path} is unknown`),
  ];
}

/** networking.k8s.io/v1 NetworkPolicy is in IoK8sApiNetworkingV1NetworkPolicy. */
async function schemaOf({ apiVersion, kind }: Manifest): Promise<Validate | undefined> {
  const [version = '', group = 'core'] = `${apiVersion}`.split('/').reverse();
  const words = ['io', 'k8s', 'api', group.split('.')[0] ?? '', version, kind];
  const name = words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('');
  const url = import.meta.resolve(`kubernetes-models/_schemas/${name}`);
  const isThere = await access(fileURLToPath(url)).then(
    () => true,
    () => false,
  );
  if (!isThere) return undefined;
  const { validate }: { validate: Validate } = await import(url);
  return validate;
}

/** The same value; what of it nobody has read stays in `unseen`. */
function watched(value: Value, path: string, unseen: Set<string>): Value {
  if (typeof value !== 'object' || value === null) return value;
  const inner = Object.entries(value).map(([field, each]) => {
    const at = `${path}/${field}`;
    if (!Array.isArray(value)) unseen.add(at);
    return [field, watched(each, at, unseen)] as const;
  });
  const copy = Array.isArray(value) ? inner.map(([, each]) => each) : Object.fromEntries(inner);
  return new Proxy(copy as Fields, {
    get(target, field) {
      unseen.delete(`${path}/${String(field)}`);
      return Reflect.get(target, field);
    },
  });
}
