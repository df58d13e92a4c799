// The overlays as somebody finds them who has followed docs/howto/kubernetes.md: a copy of
// deploy/k8s, with the secrets of development made.

import { execFileSync } from 'node:child_process';
import { cpSync } from 'node:fs';
import { join } from 'node:path';

const deploy = join(import.meta.dirname, '../../deploy');

/** The folders of dev and prod, below one that is there already. */
export function overlayFolders(temporary: string): [dev: string, prod: string] {
  const isSecret = (path: string) => /[\\/]secrets$/.test(path);
  cpSync(join(deploy, 'k8s'), temporary, { recursive: true, filter: (path) => !isSecret(path) });
  const [dev, prod] = [join(temporary, 'overlays/dev'), join(temporary, 'overlays/prod')];
  const env = { ...process.env, SECRETS: join(dev, 'secrets') };
  execFileSync(process.execPath, [join(deploy, 'prepare.ts')], { env });
  return [dev, prod];
}
