// The commands for a site that runs, without the laboratory: images hold this program.

import { enableCompileCache } from 'node:module';
import { Command } from 'commander';
import { auditCommand } from './audit.ts';
import { certsCommand } from './certs.ts';
import { gatewayCommand } from './gateway.ts';
import { runCommand } from './run.ts';
import { transferCommand } from './transfer.ts';

enableCompileCache();
const root = new Command('sessionlab')
  .description('Run a site, and ask its records')
  .addCommand(gatewayCommand())
  .addCommand(auditCommand())
  .addCommand(certsCommand())
  .addCommand(transferCommand());
await runCommand(root, process.argv);
