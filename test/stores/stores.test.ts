// Every store keeps the contract.

import { storeContract } from './store.contract.ts';
import { subjects } from './subject.ts';

for (const subject of subjects) storeContract(subject);
