// The contract over every member.

import * as gateways from '../../src/gateways/index.ts';
import { gatewayContract } from './gateway.contract.ts';

for (const [name, gateway] of Object.entries(gateways)) gatewayContract(name, gateway);
