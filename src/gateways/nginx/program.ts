// Where nginx is: on PATH, or where systems put what they take for a matter of administrators.

import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

const besides = ['/usr/sbin', '/usr/local/sbin'];

/** Its path; undefined when it is nowhere. */
export function nginxProgram(): string | undefined {
  const folders = [...(process.env.PATH ?? '').split(delimiter), ...besides];
  return folders.map((folder) => join(folder, 'nginx')).find(canRun);
}

function canRun(program: string): boolean {
  try {
    accessSync(program, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
