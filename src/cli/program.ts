// The commands, apart from main.ts so that what they import is compiled once and cached.

import { Command } from 'commander';
import { auditCommand } from './audit.ts';
import { certsCommand } from './certs.ts';
import { gatewayCommand } from './gateway.ts';
import { labCommand } from './lab.ts';
import { lagCommand } from './lag.ts';
import { listCommand } from './list.ts';
import { replayCommand } from './replay.ts';
import { runCommand } from './run.ts';
import { serveCommand } from './serve.ts';
import { startCommand } from './start.ts';
import { transferCommand } from './transfer.ts';
import { transferServeCommand } from './transfer-serve.ts';

const intro = `When user A makes request 1 on server 1 and request 2 on server 2,
how does server 2 know that user A is the same person?
Three answers, run as real servers, put to the test.`;

const outro = `
Start here:
  npm start                                    the live page: see it, break it
  npm run lab                                  the whole course, in about a minute
  npm run lab -- memory-two-servers            one experiment: the key insight
  npm run sessionlab -- serve --answer memory  two real servers to talk to with curl
  npm run sessionlab -- transfer serve         a real server to send files to`;

function program(): Command {
  return new Command('sessionlab')
    .description(intro)
    .addHelpText('after', outro)
    .addCommand(startCommand())
    .addCommand(labCommand())
    .addCommand(listCommand())
    .addCommand(lagCommand())
    .addCommand(serveCommand())
    .addCommand(replayCommand())
    .addCommand(auditCommand())
    .addCommand(certsCommand())
    .addCommand(gatewayCommand())
    .addCommand(transferCommand().addCommand(transferServeCommand()))
    .configureHelp({ showGlobalOptions: true })
    .showHelpAfterError('(add --help for what is possible)');
}

export const run = (argv: readonly string[]): Promise<void> => runCommand(program(), argv);
