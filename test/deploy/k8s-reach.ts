// Who may open a connection to whom, by the network policies alone: what leaves a pod must be let
// out, and what comes to a pod must be let in.

import type { INetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1';
import { type Labels, ofKind, selects, workloadsOf } from './k8s-policy.ts';
import type { Manifest } from './render.ts';

type Spec = NonNullable<INetworkPolicy['spec']>;
type Peer = NonNullable<NonNullable<Spec['ingress']>[0]['from']>[0];
type Selector = Spec['podSelector'];

/** A pod of ours, or somebody in another namespace, or outside. */
export interface Party {
  readonly name: string;
  readonly labels: Labels;
  readonly namespace?: string;
}

export const parties = (manifests: readonly Manifest[]): Party[] =>
  workloadsOf(manifests).map(({ name, labels }) => ({ name, labels, namespace: 'sessionlab' }));

/** The names of those that `from` may reach on that port. */
export function reaches(
  manifests: readonly Manifest[],
  from: Party,
  all: readonly Party[],
  port: number,
): string[] {
  const policies = ofKind<INetworkPolicy>(manifests, 'NetworkPolicy').map(({ spec }) => spec ?? {});
  const isLet = (side: 'ingress' | 'egress', one: Party, other: Party) => {
    if (one.namespace !== 'sessionlab') return true;
    const type = side === 'ingress' ? 'Ingress' : 'Egress';
    const bound = policies.filter(
      ({ podSelector, policyTypes }) =>
        policyTypes?.includes(type) && fits(podSelector, one.labels),
    );
    const ways = bound.flatMap(({ ingress = [], egress = [] }) =>
      side === 'ingress'
        ? ingress.map(({ from: peers, ports }) => ({ peers, ports }))
        : egress.map(({ to: peers, ports }) => ({ peers, ports })),
    );
    const isOpen = ways.some(
      ({ peers, ports }) =>
        (peers?.some((peer) => isPeer(peer, other)) ?? true) &&
        (ports?.some((each) => each.port === port) ?? true),
    );
    return bound.length === 0 || isOpen;
  };
  return all
    .filter((to) => to !== from && isLet('egress', from, to) && isLet('ingress', to, from))
    .map(({ name }) => name);
}

function isPeer({ podSelector, namespaceSelector }: Peer, { labels, namespace }: Party): boolean {
  const isThere =
    namespaceSelector === undefined
      ? namespace === 'sessionlab'
      : namespace !== undefined &&
        fits(namespaceSelector, { 'kubernetes.io/metadata.name': namespace });
  return isThere && fits(podSelector, labels);
}

function fits(selector: Selector, labels: Labels): boolean {
  const { matchLabels = {}, matchExpressions = [] } = selector ?? {};
  return (
    selects(matchLabels, labels) &&
    matchExpressions.every(({ key, operator, values = [] }) => {
      if (operator !== 'In') throw new Error(`${operator} is not understood here`);
      return values.includes(labels[key] ?? '');
    })
  );
}
