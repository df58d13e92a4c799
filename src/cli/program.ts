// The commands and how they end, apart from main.ts so that what they import is compiled once and
// cached.

import { styleText } from 'node:util';
import { Command, CommanderError } from 'commander';
import { OperatingError } from '../core/errors.ts';
import { auditCommand } from './audit.ts';
import { certsCommand } from './certs.ts';
import { exits, UsageError } from './exit.ts';
import { labCommand } from './lab.ts';
import { lagCommand } from './lag.ts';
import { listCommand } from './list.ts';
import { replayCommand } from './replay.ts';
import { serveCommand } from './serve.ts';

const intro = `When user A makes request 1 on server 1 and request 2 on server 2,
how does server 2 know that user A is the same person?
Three answers, run as real servers, put to the test.`;

const outro = `
Start here:
  npm run lab                                  the whole course, in about a minute
  npm run lab -- memory-two-servers            one experiment: the key insight
  npm run sessionlab -- serve --answer memory  two real servers to talk to with curl`;

function program(): Command {
  return new Command('sessionlab')
    .description(intro)
    .addHelpText('after', outro)
    .addCommand(labCommand())
    .addCommand(listCommand())
    .addCommand(lagCommand())
    .addCommand(serveCommand())
    .addCommand(replayCommand())
    .addCommand(auditCommand())
    .addCommand(certsCommand())
    .configureHelp({ showGlobalOptions: true })
    .showHelpAfterError('(add --help for what is possible)');
}

/** Runs one command and sets the exit code; never throws. */
export async function run(argv: readonly string[]): Promise<void> {
  const root = program();
  for (const command of withAllBelow(root)) command.exitOverride();
  try {
    await root.parseAsync(argv);
  } catch (error) {
    process.exitCode = codeOf(error);
    if (!(error instanceof CommanderError)) console.error(styleText('red', `✗ ${textOf(error)}`));
  }
}

function withAllBelow(command: Command): readonly Command[] {
  return [command, ...command.commands.flatMap(withAllBelow)];
}

function codeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : exits.usage;
  if (error instanceof UsageError) return exits.usage;
  if (error instanceof DOMException && error.name === 'AbortError') return exits.interrupted;
  return exits.harnessFailed;
}

function textOf(error: unknown): string {
  if (error instanceof UsageError || error instanceof OperatingError) return error.message;
  if (error instanceof DOMException && error.name === 'AbortError') return 'Interrupted.';
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
