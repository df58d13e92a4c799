// `main.ts --make-tables`: makes the tables that the settings need, and ends. Run as their owner it
// lets the servers run as a role that may neither make nor drop any (OWASP ASVS 13.2.2).

import { type Environment, readConfig } from './config.ts';
import { closeParts, openAccounts, openRecognition, openStore, refuseToStart } from './serve.ts';

export async function makeTables(environment: Environment = process.env): Promise<void> {
  try {
    const config = readConfig(environment);
    const [store, accounts] = await Promise.all([openStore(config), openAccounts(config)]);
    const recognition = await openRecognition(config, store);
    await closeParts({ config, store, accounts, ...recognition });
  } catch (error) {
    refuseToStart(error);
  }
}
