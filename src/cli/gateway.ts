// `sessionlab gateway`: one gateway as a service, as its site file describes it, until it is told
// to stop. What it does is said on standard output, a JSON object in a line.

import { unwatchFile, watchFile } from 'node:fs';
import { Command } from 'commander';
import type { AuditLog } from '../audit/audit-log.ts';
import { followAccessLog } from '../audit/follow-access-log.ts';
import { OperatingError } from '../core/errors.ts';
import { Discoverer, type Found } from '../gateways/discovery.ts';
import type { RunningGateway } from '../gateways/gateway.ts';
import * as gateways from '../gateways/index.ts';
import { readSite, type Site, SiteError } from '../gateways/site-file.ts';
import { ConfigError, readConfig } from '../server/config.ts';
import { UsageError } from './exit.ts';

const CERTIFICATE_LOOKED_AT_EVERY_MS = 2_000;

const help = `
The site file is JSON:
  {
    "kind": "nginx",                              or "node"
    "listen": {
      "address": "0.0.0.0", "port": 8080,
      "tls": { "port": 8443, "publicPort": 443, "certFile": "tls.pem", "keyFile": "tls-key.pem" },
      "inTheClear": "health"                      all else is sent to TLS; or "everything"
    },
    "groups": [
      { "name": "a", "policy": "round-robin", "upstreams": [{ "name": "a1", "url": "http://10.0.0.5:3000" }] },
      { "name": "b", "policy": "sticky-cookie", "cookies": ["__Host-b"],
        "discover": { "host": "b.internal", "port": 3000 } }
    ],
    "routes": [
      { "path": "/api/a/", "base": "/api/a", "group": "a" },
      { "path": "/api/a/login", "base": "/api/a", "group": "b" },
      { "path": "/api/a/metrics" }
    ],
    "limits": { "requestsPerSecond": 200, "connections": 100 },
    "accessLogFile": "access.ndjson",
    "answerTimeoutMs": 5000
  }
A path that ends with / leads everything below it, one that does not itself; the longest wins.
The servers get the path without its base; without a group nobody is asked (404). A group's servers
are shown the cookies that it names, or all without "cookies". Names are looked up every second.

SIGHUP reads the certificate anew, as does a change of its file. SIGTERM lets what is in flight end.
With AUDIT_FOLDER the access log is copied to an audit log there (AUDIT_KEY, AUDIT_ANCHOR), which
is called REPLICA: gateway, if it is not set.`;

export function gatewayCommand(): Command {
  return new Command('gateway')
    .description('Run a gateway as a service')
    .argument('<site>', 'the file that describes the site')
    .addHelpText('after', help)
    .action(run);
}

async function run(file: string): Promise<void> {
  const ending = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => ending.abort(signal));
  }
  // Without this it would end the process. As yet nothing is read that could be read anew.
  process.on('SIGHUP', () => undefined);
  const site = await readSite(file).catch(asUsageError);
  const lacking = gateways[site.kind].missing();
  if (lacking !== undefined) throw new UsageError(lacking);
  await serve(site, ending.signal);
}

async function serve(site: Site, signal: AbortSignal): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const discoverers = site.discoveries.map((each) => new Discoverer(each));
  const options = await withFound(site, discoverers);
  const audit = await openAudit();
  if (audit) {
    stack.use(audit);
    stack.defer(() => note(audit, 'stopped'));
  }
  const { accessLogFile, listen } = options;
  let running: RunningGateway | undefined;
  if (audit && accessLogFile) {
    const reopen = async () => await running?.reload();
    stack.use(followAccessLog(accessLogFile, audit, { reopen, onTrouble: trouble }));
  }
  if (signal.aborted) return;
  const starting = gateways[site.kind].start(options);
  const reload = (why: string) =>
    attempt(
      'reloaded',
      { why },
      starting.then((each) => each.reload()),
    );
  process.on('SIGHUP', () => void reload('SIGHUP'));
  const files = listen.tls ? [listen.tls.certFile, listen.tls.keyFile] : [];
  for (const each of files) {
    watchFile(each, { interval: CERTIFICATE_LOOKED_AT_EVERY_MS }, () => void reload(each));
    stack.defer(() => unwatchFile(each));
  }
  running = stack.use(await starting);
  const { url, tlsUrl, pid, ended } = running;
  await note(audit, 'started');
  say('started', { kind: site.kind, url, tlsUrl, pid });
  const gateway = running;
  const route: Found = (group, upstreams) =>
    attempt('routed', { group, upstreams }, gateway.route(group, upstreams));
  for (const each of discoverers) void each.follow(route, signal);
  const told = new Promise((resolve) => signal.addEventListener('abort', resolve));
  // It may have been told while it was starting.
  if (!signal.aborted) await Promise.race([told, ended]);
  if (!signal.aborted) throw new OperatingError('gateway-unavailable', { detail: 'It has ended' });
  say('stopping', { why: String(signal.reason) });
}

async function withFound({ options }: Site, discoverers: readonly Discoverer[]) {
  const found = await Promise.all(
    discoverers.map(async (each) => [each.group, (await each.changed()) ?? []] as const),
  );
  const known = new Map(found);
  const groups = options.groups.map((group) => {
    return { ...group, upstreams: known.get(group.name) ?? group.upstreams };
  });
  for (const { name, upstreams } of groups) say('routed', { group: name, upstreams });
  return { ...options, groups };
}

/** The settings are the servers', of whom each has an audit log too. */
async function openAudit(): Promise<AuditLog | undefined> {
  const own = Object.entries(process.env).filter(([name]) => /^(AUDIT_|REPLICA$)/.test(name));
  const settings = await Promise.resolve({ REPLICA: 'gateway', ...Object.fromEntries(own) })
    .then(readConfig)
    .catch(asUsageError);
  const { replica: log, auditFolder: folder, auditAnchor: anchor, auditRetainMs } = settings;
  const { auditKey: key } = settings;
  if (folder === undefined) return undefined;
  const { openAuditLog } = await import('../audit/writer.ts');
  return openAuditLog({
    ...{ folder, log, onTrouble: trouble },
    ...(key !== undefined && { key }),
    ...(anchor !== undefined && { anchor }),
    ...(auditRetainMs > 0 && { retainMs: auditRetainMs }),
  });
}

async function note(audit: AuditLog | undefined, kind: 'started' | 'stopped'): Promise<void> {
  await audit?.append({ kind, server: 'gateway' }).catch(() => undefined);
}

function asUsageError(error: unknown): never {
  const isUsage = error instanceof SiteError || error instanceof ConfigError;
  throw isUsage ? new UsageError(error.message) : error;
}

async function attempt(what: string, facts: object, work: Promise<void>): Promise<boolean> {
  try {
    await work;
    say(what, facts);
    return true;
  } catch (error) {
    say('failed', { ...facts, what, error: error instanceof Error ? error.message : undefined });
    return false;
  }
}

function trouble(what: string, cause?: unknown): void {
  say('trouble', { error: what, cause: cause instanceof Error ? cause.message : undefined });
}

function say(event: string, facts: object): void {
  console.log(JSON.stringify({ time: new Date().toISOString(), event, ...facts }));
}
