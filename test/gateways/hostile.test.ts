// Hostile bytes, sent to every gateway that can run here.

import * as gateways from '../../src/gateways/index.ts';
import { hostileContract } from './hostile.contract.ts';

for (const [name, gateway] of Object.entries(gateways)) hostileContract(name, gateway);
