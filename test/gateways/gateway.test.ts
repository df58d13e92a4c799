// The contract over every member that can run here; of another it is said what to do.

import { describe } from 'vitest';
import type { Gateway } from '../../src/gateways/gateway.ts';
import * as gateways from '../../src/gateways/index.ts';
import { gatewayContract } from './gateway.contract.ts';

for (const [name, gateway] of Object.entries<Gateway>(gateways)) {
  const lacking = gateway.missing();
  if (lacking === undefined) gatewayContract(name, gateway);
  else
    describe.skipIf(true)(`${name} NOT TESTED: ${lacking}`, () => gatewayContract(name, gateway));
}
