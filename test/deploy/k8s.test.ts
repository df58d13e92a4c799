// The manifests of deploy/k8s, without a cluster: both overlays are rendered, held against the
// published schemas of Kubernetes 1.36 (kubernetes-models 5; what is used here has been there since
// 1.32) and against our own policy, which is shown to see what it is for; and the two networks are
// worked out from the policies.

import { mkdtempDisposableSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { readSite } from '../../src/gateways/site-file.ts';
import { overlayFolders } from './k8s-overlays.ts';
import { breaches, type Labels, ofKind, workloadsOf } from './k8s-policy.ts';
import { type Party, parties, reaches } from './k8s-reach.ts';
import { schemaErrors } from './k8s-schema.ts';
import { type Fields, type Manifest, manifestsOf, render, type Value } from './render.ts';

const temporary = mkdtempDisposableSync(join(tmpdir(), 'k8s-'));
afterAll(() => temporary.remove());
const [dev, prod] = overlayFolders(temporary.path).map(render) as [Manifest[], Manifest[]];
const overlays = { dev, prod };

/** What the guide asks of whoever runs it in production. */
const guide = readFileSync(join(import.meta.dirname, '../../docs/howto/kubernetes.md'), 'utf8');
const brought = [...guide.matchAll(/^\| `([\w-]+)` \| (`[\w.]+`(?:, `[\w.]+`)*) \|/gm)].map(
  ([, name = '', keys = '']) => ({ name, keys: [...keys.matchAll(/[\w.]+/g)].flat() }),
);

const errorsOf = async (manifests: readonly Manifest[]) =>
  (await Promise.all(manifests.map(schemaErrors))).flat();

describe.each(Object.entries(overlays))('%s', (_, manifests) => {
  test('every object is what the schemas of Kubernetes say', async () => {
    expect(await errorsOf(manifests)).toEqual([]);
  });

  test('every object keeps the policy', () => {
    expect(breaches(manifests)).toEqual([]);
  });

  test('nothing refers to what is not there', () => {
    const names = manifests.map(({ kind, metadata }) => `${kind} ${metadata.name}`);
    const outside = manifests === prod ? brought.map(({ name }) => `Secret ${name}`) : [];
    const wanted = manifests.flatMap(referencesOf);
    expect(wanted.length).toBeGreaterThan(30);
    expect([...new Set(wanted)].filter((each) => ![...names, ...outside].includes(each))).toEqual(
      [],
    );
  });
});

/** What an object names that must be in the same namespace. */
function referencesOf({ kind, spec }: Manifest): string[] {
  if (kind === 'HorizontalPodAutoscaler') {
    const { scaleTargetRef } = spec as { scaleTargetRef: Labels };
    return [`${scaleTargetRef.kind} ${scaleTargetRef.name}`];
  }
  const template = (spec as Fields | undefined)?.template;
  const asText = JSON.stringify(template ?? {});
  const named = (pattern: RegExp, its: string) =>
    [...asText.matchAll(pattern)].map(([, name]) => `${its} ${name}`);
  return [
    ...named(/"secret":\{"name":"([^"]+)"(?!,"optional":true)/g, 'Secret'),
    ...named(/"(?:configMap|configMapRef)":\{"name":"([^"]+)"/g, 'ConfigMap'),
    ...named(/"claimName":"([^"]+)"/g, 'PersistentVolumeClaim'),
    ...named(/"serviceAccountName":"([^"]+)"/g, 'ServiceAccount'),
  ];
}

test('what is for others is under the same name at every end', () => {
  const services = ofKind<{ metadata: { name: string } }>(prod, 'Service');
  const { groups } = siteOf(prod);
  const asked = groups.flatMap(({ discover }) =>
    discover ? [`${discover.host}:${discover.port}`] : [],
  );
  expect(asked).toHaveLength(4);
  const names = services.map(({ metadata }) => `${metadata.name}:3000`);
  expect(names).toEqual(expect.arrayContaining(asked));
});

test('production holds no secret, and asks for those of which development makes its own', () => {
  expect(prod.filter(({ kind }) => kind === 'Secret')).toEqual([]);
  for (const { name, keys } of brought) {
    const made = named(dev, 'Secret', name).data as Fields;
    expect([name, ...Object.keys(made).sort()]).toEqual([name, ...keys.sort()]);
  }
});

test('the gateway is well or not by itself, whatever the servers are', () => {
  const probes = JSON.stringify(workload(prod, 'gateway').pod.containers).match(/\/api\/\w+/g);
  expect(probes).toBeNull();
});

// --- Planted mistakes

const workload = (manifests: readonly Manifest[], name: string) => {
  const found = workloadsOf(manifests).find((each) => each.name === name);
  if (found === undefined) throw new Error(`${name} is not there`);
  return found;
};
const container = (manifests: readonly Manifest[], name: string) => {
  const [first] = workload(manifests, name).pod.containers;
  if (first === undefined) throw new Error(`${name} has no container`);
  return first;
};
const named = (manifests: readonly Manifest[], kind: string, name: string) =>
  manifests.find((each) => each.kind === kind && each.metadata.name === name) as Manifest;
const planted = (plant: (manifests: Manifest[]) => void) => {
  const manifests = structuredClone(prod);
  plant(manifests);
  return manifests;
};

const mistakes: readonly [string, (manifests: Manifest[]) => void, breach: string][] = [
  [
    'a root user',
    (all) => Object.assign(workload(all, 'shared').pod.securityContext ?? {}, { runAsUser: 0 }),
    'restricted: shared: runs as root',
  ],
  [
    'a missing limit',
    (all) => delete container(all, 'shared').resources?.limits?.memory,
    'bounds: shared: no limits of memory',
  ],
  [
    'a missing probe',
    (all) => delete container(all, 'issuer').readinessProbe,
    'probes: issuer: no readinessProbe',
  ],
  [
    'an open policy',
    (all) =>
      Object.assign(named(all, 'NetworkPolicy', 'servers-from-gateway').spec as Fields, {
        ingress: [{}],
      }),
    'networks: servers-from-gateway: open to all',
  ],
  [
    'a policy open to all addresses',
    (all) =>
      Object.assign(named(all, 'NetworkPolicy', 'private-net-to-databases').spec as Fields, {
        egress: [{ to: [{ ipBlock: { cidr: '0.0.0.0/0' } }], ports: [{ port: 5432 }] }],
      }),
    'networks: private-net-to-databases: open to all',
  ],
  [
    'no policy that shuts everything',
    (all) => all.splice(all.indexOf(named(all, 'NetworkPolicy', 'default-deny')), 1),
    'networks: not everything is shut first',
  ],
  [
    'a password in a URL',
    (all) =>
      Object.assign(named(all, 'ConfigMap', 'settings').data as Fields, {
        CACHE: 'redis://user:hunter2@redis:6379',
      }),
    'secrets: ConfigMap settings: a secret in clear',
  ],
  [
    'a secret in the environment',
    (all) => container(all, 'shared').env?.push({ name: 'TOKEN_KEY', value: '{"kty":"oct"}' }),
    'secrets: shared: TOKEN_KEY in the environment',
  ],
  [
    'an image of any version',
    (all) => Object.assign(container(all, 'gateway'), { image: 'nginx:latest' }),
    'images: gateway: nginx:latest may be anything',
  ],
  [
    'an image without a tag',
    (all) => Object.assign(container(all, 'gateway'), { image: 'host:5000/nginx' }),
    'images: gateway: host:5000/nginx may be anything',
  ],
  [
    'no disruption budget',
    (all) => all.splice(all.indexOf(named(all, 'PodDisruptionBudget', 'shared')), 1),
    'spread: shared: no disruption budget',
  ],
  [
    'too little time to end',
    (all) => Object.assign(workload(all, 'shared').pod, { terminationGracePeriodSeconds: 15 }),
    'grace: shared: killed before it has ended',
  ],
];

test.each(mistakes)('the policy refuses %s, and nothing else for it', (_, plant, breach) => {
  expect(breaches(planted(plant))).toEqual([breach]);
});

test('the schemas refuse a misspelt field, wherever it is', async () => {
  const misspelt = planted((all) => {
    Object.assign(named(all, 'Deployment', 'shared'), { sepc: {} });
    Object.assign(container(all, 'shared'), { redinessProbe: { tcpSocket: { port: 1 } } });
    Object.assign(container(all, 'shared').resources ?? {}, { limit: { cpu: '1' } });
  });
  const place = '/spec/template/spec/containers/0';
  expect(await errorsOf(misspelt)).toEqual(
    expect.arrayContaining([
      'Deployment shared: /sepc is unknown',
      `Deployment shared: ${place}/redinessProbe is unknown`,
      `Deployment shared: ${place}/resources/limit is unknown`,
    ]),
  );
});

test('the schemas refuse a wrong type and a kind that is none', async () => {
  const wrong = planted((all) => {
    Object.assign(named(all, 'Deployment', 'stateful').spec as Fields, { replicas: 'two' });
    all.push(...manifestsOf('{ apiVersion: apps/v1, kind: Deploymint, metadata: { name: x } }'));
  });
  expect(await errorsOf(wrong)).toEqual([
    'Deployment stateful: /spec/replicas {"type":"integer"}',
    'Deploymint x: no schema for apps/v1',
  ]);
});

// --- Two networks

const [outside, prometheus, dns, databases]: Party[] = [
  { name: 'outside', labels: {} },
  { name: 'prometheus', labels: {}, namespace: 'monitoring' },
  { name: 'dns', labels: { 'k8s-app': 'kube-dns' }, namespace: 'kube-system' },
  { name: 'databases', labels: {}, namespace: 'databases' },
] as const;

test.each(Object.entries(overlays))(
  '%s: the two networks are what they are in compose',
  (overlay, all) => {
    const everybody = [...parties(all), outside, prometheus, dns, databases] as Party[];
    const servers = ['stateless', 'issuer', 'stateful', 'shared'];
    const table = everybody.map((from) => {
      const ways = [8080, 8443, 3000, 5432, 6379, 53, 443].flatMap((port) => {
        const reached = reaches(all, from, everybody, port);
        return reached.length > 0 ? [`${port}: ${reached.sort().join(' ')}`] : [];
      });
      return [from.name, ways] as const;
    });
    const ours = table.filter(([name]) => parties(all).some((each) => each.name === name));
    const names = '53: dns';
    const toDatabases =
      overlay === 'dev'
        ? ['5432: postgres', '6379: redis', names]
        : ['5432: databases', '6379: databases', names];
    expect(Object.fromEntries(ours)).toEqual({
      gateway: [`3000: ${servers.toSorted().join(' ')}`, names],
      stateless: [names],
      issuer: toDatabases,
      stateful: toDatabases,
      shared: toDatabases,
      migrate: toDatabases,
      ...(overlay === 'dev' && { postgres: [names], redis: [names] }),
    });
    const ourNames = ours.map(([name]) => name);
    const fromElsewhere = (party: Party | undefined) =>
      [8080, 8443, 3000, 5432, 6379].map((port) =>
        reaches(all, party as Party, everybody, port).filter((name) => ourNames.includes(name)),
      );
    expect(fromElsewhere(outside)).toEqual([['gateway'], ['gateway'], [], [], []]);
    expect(fromElsewhere(prometheus)).toEqual([['gateway'], ['gateway'], servers, [], []]);
  },
);

// --- The same system as compose

const deploy = join(import.meta.dirname, '../../deploy');
const compose = parse(readFileSync(join(deploy, 'compose.yaml'), 'utf8'), { merge: true });

interface Site extends Fields {
  readonly groups: {
    name: string;
    policy: string;
    cookies: string[];
    upstreams?: Value[];
    discover?: { host: string; port: number };
  }[];
  readonly routes: { path: string; base?: string; group?: string }[];
}

const siteOf = (manifests: readonly Manifest[]): Site =>
  JSON.parse((named(manifests, 'ConfigMap', 'site').data as Labels)['site.json'] ?? '');

test('the gateway has the same site as in compose, at other addresses', () => {
  const composed: Site = JSON.parse(readFileSync(join(deploy, 'site.json'), 'utf8'));
  // The transfer of files, and its volume with one writer, is in compose alone.
  const apart = ({ groups, routes, ...site }: Site) => ({
    ...site,
    routes: routes.filter(({ group }) => group !== 'transfer'),
    groups: groups
      .filter(({ name }) => name !== 'transfer')
      .map(({ name, policy, cookies }) => ({ name, policy, cookies })),
  });
  expect(apart(siteOf(prod))).toEqual(apart(composed));
});

test('the site can be read, and no way from outside leads to the metrics of a server', async () => {
  const file = join(temporary.path, 'base/site.json');
  await expect(readSite(file)).resolves.toMatchObject({ kind: 'nginx' });
  const { routes } = siteOf(prod);
  const bases = new Set(routes.flatMap(({ base }) => base ?? []));
  expect(bases.size).toBe(3);
  for (const base of bases) {
    expect(routes).toContainEqual({ path: `${base}/metrics` });
  }
});

test('no server is shown the session of another', () => {
  for (const { name, cookies } of siteOf(prod).groups) {
    const { env = [] } = container(prod, name);
    const own = env.find((each) => each.name === 'COOKIE_NAME')?.value;
    const device = '__Secure-device';
    expect(cookies, name).toEqual(own === undefined ? [device] : [`__Host-${own}`, device]);
  }
});

/** Where a pod is, and how it ends, is told in other ways here. */
const local = ['PORT', 'REPLICA', 'TRUST_PROXY', 'DRAIN_MS', 'END_DEADLINE_MS'];

test.each([
  ['stateless', 'stateless-api'],
  ['issuer', 'issuer'],
  ['stateful', 'stateful-api'],
  ['shared', 'shared-api'],
  ['migrate', 'migrate'],
])('%s has the settings of %s in compose', (name, service) => {
  const { env = [], envFrom = [] } = container(prod, name);
  const general = envFrom.length > 0 ? (named(prod, 'ConfigMap', 'settings').data as Labels) : {};
  const own = Object.fromEntries(env.map((each) => [each.name, each.value]));
  const comparable = (settings: object) =>
    Object.fromEntries(Object.entries(settings).filter(([setting]) => !local.includes(setting)));
  expect(comparable({ ...general, ...own })).toEqual(
    comparable(compose.services[service].environment),
  );
});

test.each(['redis.conf', 'postgres.sql'])('%s of development is that of compose', (file) => {
  const read = (folder: string) => readFileSync(join(deploy, folder, file), 'utf8');
  expect(read('k8s/overlays/dev')).toBe(read('.'));
});
