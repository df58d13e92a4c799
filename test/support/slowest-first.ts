// The order of the files of tests: those that take longest begin first, so that none of them is
// still running when all others have ended. By default it would be the largest files.

import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** From half a minute upwards, on a machine that does nothing else. */
const slowest = [
  'gateways/gateway',
  'lab/mutants',
  'simulation/simulation',
  'attacks/attacks',
  'lab/audit',
  'cli/cli',
  'cli/start',
  'page/controls',
  'page/tour',
  'page/access',
  'lab/store-faults',
  'server/mutants',
  'transfer/kills',
  'transfer/vault-crash',
  'stores/topologies',
  'stores/outage',
  'audit/writer',
  'lab/revocation-lag',
];

export default class SlowestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification) => {
      const at = slowest.findIndex((name) => moduleId.endsWith(`/test/${name}.test.ts`));
      return at < 0 ? slowest.length : at;
    };
    return (await super.sort(files)).toSorted((one, other) => place(one) - place(other));
  }
}
