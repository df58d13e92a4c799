// `sessionlab audit`: asks the logs of an audit folder whether they are as they were written, what
// became of one person, session or request, and what a reviewer wants to know of a period.

import { readFileSync } from 'node:fs';
import { Command, InvalidArgumentError, Option } from 'commander';
import type { Verification } from '../audit/chain-check.ts';
import { newAuditKey, readVerifyingKeys } from '../audit/head.ts';
import { reportOn } from '../audit/report.ts';
import { reportText, verificationText } from '../audit/report-text.ts';
import { recordsAbout, recordsTable, type Whom } from '../audit/show.ts';
import { verifyLogs } from '../audit/verify.ts';
import { exits, UsageError } from './exit.ts';

interface Checked {
  readonly anchor?: string;
  readonly key?: string;
  readonly json?: boolean;
}

export function auditCommand(): Command {
  const audit = new Command('audit').description('Ask the audit logs');
  withVouching(audit.command('verify'))
    .description('Say whether the logs are as they were written, and name the first bad record')
    .action(verify);
  audit
    .command('show')
    .description('Follow one person, session or request through all logs')
    .argument('<folder>', 'of the logs')
    .addOption(new Option('--user <id>', 'whose').argParser(id))
    .addOption(new Option('--session <handle>', 'which').argParser(id))
    .addOption(new Option('--request <id>', 'which').argParser(id))
    .option('--json', 'the records, one a line')
    .action(show);
  withVouching(audit.command('report'))
    .description('Sum a period up for a reviewer')
    .addOption(
      new Option('--from <time>', 'ISO 8601, UTC where no offset is given').argParser(time),
    )
    .addOption(new Option('--to <time>', 'the first moment that is not in it').argParser(time))
    .action(report);
  audit
    .command('key')
    .description('Print a new key that signs heads: for AUDIT_KEY_FILE, and for nobody else')
    .action(() => console.log(newAuditKey()));
  return audit;
}

function withVouching(command: Command): Command {
  return command
    .argument('<folder>', 'of the logs, or of one')
    .option('--anchor <place>', 'where heads are anchored: a folder, or the URL of a PostgreSQL')
    .option('--key <file>', 'JWK or JWK Set: heads must be signed by it; its public half will do')
    .option('--json', 'as JSON');
}

async function verify(folder: string, options: Checked): Promise<void> {
  const found = await verified(folder, options);
  console.log(options.json ? JSON.stringify(found, null, 2) : verificationText(found));
}

async function show(
  folder: string,
  options: { user?: string; session?: string; request?: string; json?: boolean },
): Promise<void> {
  const { json, ...ids } = options;
  if (Object.keys(ids).length !== 1) {
    throw new UsageError('Say one of --user <id>, --session <handle>, --request <id>.');
  }
  const records = await recordsAbout(folder, ids as Whom);
  if (json) for (const record of records) console.log(JSON.stringify(record));
  else console.log(records.length === 0 ? 'Nothing is on record.' : recordsTable(records));
}

async function report(
  folder: string,
  options: Checked & { from?: string; to?: string },
): Promise<void> {
  const found = await verified(folder, options);
  const result = await reportOn(folder, options, found);
  console.log(options.json ? JSON.stringify(result, null, 2) : reportText(result));
}

async function verified(
  folder: string,
  { anchor, key }: Checked,
): Promise<readonly Verification[]> {
  const keys = key === undefined ? undefined : readVerifyingKeys(readKey(key));
  const found = await verifyLogs(folder, { ...(anchor && { anchor }), ...(keys && { keys }) });
  const isBroken = found.some(({ fault }) => fault !== null);
  process.exitCode = isBroken ? exits.surprised : exits.asExpected;
  return found;
}

function readKey(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    throw new UsageError(`The key cannot be read: there is no file ${file} for this account.`);
  }
}

function id(value: string): string {
  if (value.length < 8) throw new InvalidArgumentError('Give at least its first eight characters.');
  return value;
}

function time(value: string): string {
  const hasOffset = /(Z|[+-]\d\d:?\d\d)$/.test(value) || !value.includes('T');
  const at = new Date(hasOffset ? value : `${value}Z`);
  if (Number.isNaN(at.getTime())) throw new InvalidArgumentError('Give it like 2026-11-23T06:00Z.');
  return at.toISOString();
}
