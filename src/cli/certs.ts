// `sessionlab certs [folder]`: certificates for development, of an authority that nobody but you
// trusts. Run it as often as you like: it makes what is missing and renews what nears its end.

import { resolve } from 'node:path';
import { styleText } from 'node:util';
import { Command, InvalidArgumentError } from 'commander';
import type { Certificates, Kept } from '../certificates/folder.ts';
import { type Name, parseName } from '../certificates/name.ts';

interface Options {
  readonly host?: readonly Name[];
  readonly name: string;
  readonly renew?: true;
  readonly json?: true;
}

export function certsCommand(): Command {
  return new Command('certs')
    .description('Make and renew certificates for development')
    .argument('[folder]', 'where they are kept', '.sessionlab/certificates')
    .option('--host <name>', 'vouch for this host name or address, too; may be repeated', hosts)
    .option('--name <name>', 'of the files of the certificate', fileName, 'server')
    .option('--renew', 'make a new certificate, whatever the present one is like')
    .option('--json', 'as JSON')
    .action(certs);
}

async function certs(folder: string, { host = [], json, ...rest }: Options): Promise<void> {
  // The library is large, and no other command needs it.
  const { keepCertificates } = await import('../certificates/folder.ts');
  const kept = await keepCertificates({ folder: resolve(folder), names: host, ...rest });
  console.log(json ? JSON.stringify(kept, null, 2) : report(kept));
}

function hosts(text: string, before: readonly Name[] = []): readonly Name[] {
  const name = parseName(text);
  if (name) return [...before, name];
  throw new InvalidArgumentError('A host name or an IP address is needed, nothing around it.');
}

function fileName(text: string): string {
  if (/^[a-z0-9][a-z0-9-]{0,31}$/.test(text) && !/^ca$|(^|-)key$/.test(text)) return text;
  throw new InvalidArgumentError('Up to 32 of a-z, 0-9 and - are needed; not ca, and no key.');
}

function report({ authority, certificate }: Certificates): string {
  return `${about('Authority', authority)}
${about('Certificate', certificate)}
${trust(authority.file)}`;
}

function about(what: string, { file, keyFile, names, made, ...rest }: Kept): string {
  const state = made === null ? '✓ kept' : styleText('green', `✓ made (${made})`);
  const vouches = what === 'Authority' ? 'may vouch for' : 'vouches for';
  const rows = [
    ['file', file],
    ['key', `${keyFile}  ${styleText('dim', 'show it to nobody')}`],
    [vouches, names.join(', ') || 'everything'],
    ['until', rest.validUntil],
    ['SHA-256', rest.fingerprint],
  ];
  const lines = rows.map(([name = '', value]) => `  ${name.padEnd(15)}${value}`);
  return `${styleText('bold', what)}  ${state}\n${lines.join('\n')}\n`;
}

/** How to make a system believe the authority; each line is for those who want it, none is run. */
function trust(file: string): string {
  const ways = [
    ['curl', `curl --cacert "${file}" https://localhost/`],
    ['Node', `NODE_EXTRA_CA_CERTS="${file}" node ...`],
    [
      'Debian, Ubuntu',
      `sudo cp "${file}" /usr/local/share/ca-certificates/sessionlab.crt && sudo update-ca-certificates`,
    ],
    ['Fedora, Arch', `sudo trust anchor "${file}"`],
    ['Chrome on Linux', `certutil -d "sql:$HOME/.pki/nssdb" -A -t C,, -n sessionlab -i "${file}"`],
    [
      'macOS',
      `security add-trusted-cert -p ssl -k ~/Library/Keychains/login.keychain-db "${file}"`,
    ],
    ['Windows', `certutil -user -addstore Root "${file}"`],
    ['Firefox', 'Settings, Privacy & Security, View Certificates, Authorities, Import'],
  ];
  const lines = ways.map(([who = '', how]) => `  ${who.padEnd(17)}${how}`);
  return `${styleText('bold', 'To trust the authority')}\n${lines.join('\n')}`;
}
