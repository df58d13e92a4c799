// What every pod of ours is held to, whoever changes the manifests: the restricted profile of Pod
// Security and a little more, bounds, probes, closed networks, secrets that stay secrets, images
// that say what they are, and ends that drop no request. Each rule answers with what is wrong and
// where, after its own name.

import type { INetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1';
import type { IPodDisruptionBudget } from 'kubernetes-models/policy/v1';
import type { IContainer, IPodSpec } from 'kubernetes-models/v1';
import type { Fields, Manifest, Value } from './render.ts';

export type Labels = Readonly<Record<string, string>>;

export interface Workload {
  readonly kind: string;
  readonly name: string;
  readonly labels: Labels;
  readonly pod: IPodSpec;
}

/** What runs pods. The schemas have been asked already whether they are what they say. */
export function workloadsOf(manifests: readonly Manifest[]): Workload[] {
  return manifests.flatMap(({ kind, metadata: { name }, spec }) => {
    const template = (spec as Fields | undefined)?.template as Fields | undefined;
    if (template === undefined) return [];
    const { labels } = template.metadata as { labels: Labels };
    return [{ kind, name, labels, pod: template.spec as unknown as IPodSpec }];
  });
}

export const ofKind = <T>(manifests: readonly Manifest[], kind: string): T[] =>
  manifests.filter((each) => each.kind === kind) as unknown as T[];

type Rule = (manifests: readonly Manifest[]) => string[];

/** A rule about each container of each pod. */
function each(judge: (container: IContainer, workload: Workload) => (string | false)[]): Rule {
  return (manifests) =>
    workloadsOf(manifests).flatMap((workload) =>
      [...workload.pod.containers, ...(workload.pod.initContainers ?? [])].flatMap((container) =>
        judge(container, workload).flatMap((wrong) => (wrong ? `${workload.name}: ${wrong}` : [])),
      ),
    );
}

/** https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted */
const volumes = ['configMap', 'emptyDir', 'persistentVolumeClaim', 'projected', 'secret'];

const restricted = each(({ securityContext: own = {}, ports = [] }, { pod }) => {
  const whole = pod.securityContext ?? {};
  const seccomp = (own.seccompProfile ?? whole.seccompProfile)?.type;
  const { drop = [], add = [] } = own.capabilities ?? {};
  const kinds = (pod.volumes ?? []).flatMap(({ name: _, ...volume }) => Object.keys(volume));
  return [
    (own.runAsNonRoot ?? whole.runAsNonRoot) !== true && 'may run as root',
    !((own.runAsUser ?? whole.runAsUser ?? 0) > 0) && 'runs as root',
    own.allowPrivilegeEscalation !== false && 'may gain privileges',
    own.privileged === true && 'is privileged',
    own.readOnlyRootFilesystem !== true && 'may write to its image',
    !(drop.includes('ALL') && add.length === 0) && 'keeps capabilities',
    seccomp !== 'RuntimeDefault' && 'may make any system call',
    (pod.hostNetwork || pod.hostPID || pod.hostIPC) === true && 'shares with its host',
    ports.some(({ hostPort }) => hostPort !== undefined) && 'takes a port of its host',
    kinds.some((kind) => !volumes.includes(kind)) && `mounts ${kinds.join(', ')}`,
    pod.automountServiceAccountToken !== false && 'holds a token for the API',
  ];
});

const bounds = each(({ resources }) =>
  ['requests', 'limits'].flatMap((side) =>
    ['cpu', 'memory'].map((what) => {
      const given = resources?.[side as 'requests' | 'limits']?.[what];
      return given === undefined && `no ${side} of ${what}`;
    }),
  ),
);

const probes = each((container, { kind }) =>
  (['startupProbe', 'readinessProbe', 'livenessProbe'] as const).map(
    (probe) => kind !== 'Job' && container[probe] === undefined && `no ${probe}`,
  ),
);

/** A tag that says a version, or a digest. */
const images = each(({ image = '' }) => [
  !/(:(?!latest$)[\w][\w.-]*|@sha256:[0-9a-f]{64})$/.test(image) && `${image} may be anything`,
]);

const doors = [8080, 8443];

/** Everything is shut first; each way that is opened says from where, to where and which port. */
const networks: Rule = (manifests) => {
  const policies = ofKind<INetworkPolicy>(manifests, 'NetworkPolicy');
  const shut = policies.some(({ spec = {} }) => {
    const { podSelector, policyTypes = [], ingress = [], egress = [] } = spec;
    const isAll = Object.keys(podSelector ?? {}).length === 0;
    return isAll && policyTypes.length === 2 && ingress.length + egress.length === 0;
  });
  const open = policies.flatMap(({ metadata, spec = {} }) => {
    const ways = [
      ...(spec.ingress ?? []).map(({ from, ports }) => ({ from, peers: from ?? [], ports })),
      ...(spec.egress ?? []).map(({ to, ports }) => ({ from: to ?? [], peers: to ?? [], ports })),
    ];
    const isOpen = ways.some(({ from, peers, ports = [] }) => {
      const isFrontDoor =
        from === undefined && ports.every(({ port }) => doors.includes(+(port ?? 0)));
      const isNamed = peers.length > 0 && peers.every(isNarrow);
      return ports.length === 0 || !(isNamed || isFrontDoor);
    });
    return isOpen ? [`${metadata?.name}: open to all`] : [];
  });
  return shut ? open : ['not everything is shut first', ...open];
};

type Peer = NonNullable<NonNullable<NonNullable<INetworkPolicy['spec']>['egress']>[0]['to']>[0];

function isNarrow({ podSelector, namespaceSelector, ipBlock }: Peer): boolean {
  const isSome = (selector: object | undefined) => Object.keys(selector ?? {}).length > 0;
  return (
    isSome(podSelector) || isSome(namespaceSelector) || !(ipBlock?.cidr ?? '/0').endsWith('/0')
  );
}

/** A URL with a password, a private key in PEM or as a JSON Web Key, a password somewhere else. */
const secretText =
  /:\/\/[^\s/@]*:[^\s/@]+@|PRIVATE KEY|"(d|k)"\s*:|password["']?[=:]\s*\S|requirepass\s/i;
const secretName = /(KEY|PASSWORD|SECRET|_URL|TOKEN)$/;

/** Secrets are files from Secrets: what is in the environment is shown and handed on too easily. */
const secrets: Rule = (manifests) => [
  ...manifests.flatMap(({ kind, metadata, ...rest }) => {
    const found = kind === 'Secret' ? [] : textsOf(rest).filter((text) => secretText.test(text));
    return found.map(() => `${kind} ${metadata.name}: a secret in clear`);
  }),
  ...ofKind<Manifest>(manifests, 'ConfigMap').flatMap(({ metadata, data }) =>
    Object.keys(data ?? {}).flatMap((name) =>
      secretName.test(name) ? `${metadata.name}: ${name} in clear` : [],
    ),
  ),
  ...each(({ env = [] }) =>
    env.map(({ name, valueFrom }) => {
      const isShown = secretName.test(name) || valueFrom?.secretKeyRef !== undefined;
      return isShown && `${name} in the environment`;
    }),
  )(manifests),
];

const textsOf = (value: Value | undefined): string[] => {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsOf) : [];
};

/** What stands twice does not fall at once. */
const spread: Rule = (manifests) => {
  const budgets = ofKind<IPodDisruptionBudget>(manifests, 'PodDisruptionBudget');
  return workloadsOf(manifests).flatMap(({ kind, name, labels, pod }) => {
    if (kind !== 'Deployment') return [];
    const isKept = budgets.some(({ spec }) => selects(spec?.selector?.matchLabels ?? {}, labels));
    const isSpread = (pod.topologySpreadConstraints ?? []).some(
      ({ topologyKey, labelSelector }) =>
        topologyKey === 'kubernetes.io/hostname' &&
        selects(labelSelector?.matchLabels ?? {}, labels),
    );
    return [
      ...(isKept ? [] : [`${name}: no disruption budget`]),
      ...(isSpread ? [] : [`${name}: all on one node`]),
    ];
  });
};

export function selects(wanted: Labels, labels: Labels): boolean {
  return Object.entries(wanted).every(([label, value]) => labels[label] === value);
}

/** For what comes after the last answer: closing connections and logs. */
const farewellSeconds = 5;

/** A pod has time to be forgotten, to drain and to finish, before it is killed. */
const grace: Rule = (manifests) => {
  const dataOf = (name: string) =>
    ofKind<Manifest>(manifests, 'ConfigMap').find(({ metadata }) => metadata.name === name)?.data as
      | Labels
      | undefined;
  const settings = dataOf('settings') ?? {};
  const { answerTimeoutMs } = JSON.parse(dataOf('site')?.['site.json'] ?? '{}');
  const serverMs = Number(settings.DRAIN_MS) + Number(settings.END_DEADLINE_MS);
  return workloadsOf(manifests).flatMap(({ kind, name, labels, pod }) => {
    if (kind !== 'Deployment') return [];
    const preStop = pod.containers[0]?.lifecycle?.preStop?.sleep?.seconds ?? 0;
    const isServer = labels['app.kubernetes.io/component'] === 'server';
    const needed = preStop + (isServer ? serverMs : answerTimeoutMs) / 1_000 + farewellSeconds;
    const isLongEnough = preStop > 0 && (pod.terminationGracePeriodSeconds ?? 0) > needed;
    return isLongEnough ? [] : [`${name}: killed before it has ended`];
  });
};

const rules: Readonly<Record<string, Rule>> = {
  ...{ restricted, bounds, probes, images, networks, secrets, spread, grace },
};

/** Every breach, as "rule: where: what"; nothing when all is well. */
export function breaches(manifests: readonly Manifest[]): string[] {
  return Object.entries(rules).flatMap(([name, rule]) =>
    rule(manifests).map((breach) => `${name}: ${breach}`),
  );
}
