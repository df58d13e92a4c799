// How a command ends, whichever it was: with an exit code, and a line for people where it failed.

import { styleText } from 'node:util';
import { type Command, CommanderError } from 'commander';
import { OperatingError } from '../core/errors.ts';
import { exits, UsageError } from './exit.ts';

/** Runs one command and sets the exit code; never throws. */
export async function runCommand(root: Command, argv: readonly string[]): Promise<void> {
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
