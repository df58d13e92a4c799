// What an image holds of us: the programs that run in it, bundled, and the list of the packages
// that went into the bundle (a software bill of materials, CycloneDX, made from npm's). The same
// sources make the same bytes, so it carries no time and no random number.
//
//   node deploy/bundle.ts FOLDER

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { bundlePrograms } from '../src/lab/bundle.ts';
import { serverPrograms } from '../src/lab/server-bundle.ts';

const programs = [
  ...serverPrograms(),
  ...['cli/operator', 'gateways/nginx/process', 'gateways/node/process'],
];

/** What is read of it here. */
interface Bill {
  serialNumber?: string;
  readonly metadata: { timestamp?: string; readonly component: { readonly 'bom-ref': string } };
  components: readonly { readonly 'bom-ref': string }[];
  dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[];
}

/** npm's list knows what may be needed; here is what is in the bundle. */
function billOf(sources: readonly string[]): Bill {
  const args = ['sbom', '--package-lock-only', '--sbom-format=cyclonedx'];
  const { stdout, stderr } = spawnSync('npm', args, { encoding: 'utf8', maxBuffer: 2 ** 26 });
  if (stdout === '') throw new Error(`npm sbom: ${stderr}`);
  const { serialNumber: _, ...bill }: Bill = JSON.parse(stdout);
  delete bill.metadata.timestamp;
  const inside = new Set(sources.flatMap((path) => packageOf(path) ?? []));
  const known = new Set([bill.metadata.component['bom-ref'], ...inside]);
  bill.components = bill.components.filter((component) => inside.has(component['bom-ref']));
  bill.dependencies = bill.dependencies
    .filter(({ ref }) => known.has(ref))
    .map(({ ref, dependsOn }) => ({ ref, dependsOn: dependsOn.filter((on) => inside.has(on)) }));
  if (bill.components.length < inside.size) throw new Error('npm does not know all that is inside');
  return bill;
}

/** As npm refers to it: @redis/client@6.3.1. */
function packageOf(path: string): string | undefined {
  const root = /.*[\\/]node_modules[\\/](?:@[^\\/]+[\\/])?[^\\/]+/.exec(path)?.[0];
  if (root === undefined) return undefined;
  const { name, version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  return `${name}@${version}`;
}

const folder = process.argv[2] ?? 'dist/image';
const sources = await bundlePrograms(folder, programs);
const bill = billOf(sources);
await writeFile(join(folder, 'sbom.cdx.json'), `${JSON.stringify(bill, undefined, 2)}\n`);
console.log(`${sources.length} sources of ${bill.components.length} packages and our own`);
