// The laws of plans: decided by the seed alone, and fit to be carried out.

import { describe, expect, test } from 'vitest';
import { seededRandom } from '../../src/core/random.ts';
import * as workloads from '../../src/workloads/index.ts';
import type { ClientPlan, Workload } from '../../src/workloads/workload.ts';

const members = Object.entries<Workload>(workloads);

function planOf(workload: Workload, seed: string): readonly ClientPlan[] {
  const random = seededRandom(seed);
  return workload.plan({ random, servers: 3, lengthMs: 2_000, users: 12 });
}

describe.each(members)('%s', (_name, workload) => {
  test('the same seed gives the same plan, and another seed another', () => {
    expect(planOf(workload, 'a')).toEqual(planOf(workload, 'a'));
    expect(planOf(workload, 'a')).not.toEqual(planOf(workload, 'b'));
  });

  test('everybody begins with a login, and each lane goes forward in time', () => {
    for (const { lanes } of planOf(workload, 'a')) {
      expect(lanes[0]?.[0]?.f).toBe('login');
      for (const lane of lanes) {
        const times = lane.map((step) => step.atMs);
        expect(times).toEqual(times.toSorted((one, other) => one - other));
        expect(times.every((atMs) => atMs >= 0)).toBe(true);
      }
    }
  });

  test('only servers that exist are asked, and no client is planned twice', () => {
    const plans = planOf(workload, 'a');
    const asked = plans.flatMap((plan) => plan.lanes.flat().map((step) => step.server ?? 0));
    expect(Math.max(...asked)).toBeLessThan(3);
    expect(new Set(plans.map((plan) => plan.client)).size).toBe(plans.length);
  });
});

test('in two-tabs both tabs add at the same moments', () => {
  for (const { lanes } of planOf(workloads['two-tabs'], 'a')) {
    const puts = lanes.map((lane) => lane.filter((step) => step.f === 'put'));
    expect(puts[0]?.length).toBeGreaterThan(4);
    expect(puts[0]).toEqual(puts[1]);
  }
});

test('in logout-replay every server is shown the dead credential long after the logout', () => {
  for (const { lanes } of planOf(workloads['logout-replay'], 'a')) {
    const steps = lanes.flat();
    const logoutAtMs = steps.find((step) => step.f === 'logout')?.atMs ?? 0;
    const late = steps.filter((step) => step.f === 'replay' && step.atMs >= logoutAtMs + 2_000);
    expect(late.map((step) => step.server)).toEqual([undefined, 0, 1, 2]);
  }
});
