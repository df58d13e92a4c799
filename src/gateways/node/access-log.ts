// The access log: one JSON object in a line for each request. Lines are gathered for a moment before
// they are written; a gateway that is killed loses those.

import { createWriteStream } from 'node:fs';
import type { AccessLine } from '../access-line.ts';

const FLUSH_MS = 50;

export interface AccessLog {
  write(line: AccessLine): void;
  /** Resolves when every line is in the file. */
  close(): Promise<void>;
}

export function openAccessLog(file: string | undefined): AccessLog {
  if (file === undefined) return { write: () => undefined, close: async () => undefined };
  const stream = createWriteStream(file, { flags: 'a', mode: 0o600 });
  // A full disk takes the log away, not the service.
  stream.on('error', (error) => console.error(`The access log has ended: ${error.message}`));
  let lines = '';
  let timer: NodeJS.Timeout | undefined;
  const flush = () => {
    clearTimeout(timer);
    timer = undefined;
    if (stream.writable && lines !== '') stream.write(lines);
    lines = '';
  };
  return {
    write(line) {
      lines += `${JSON.stringify(line)}\n`;
      timer ??= setTimeout(flush, FLUSH_MS);
    },
    async close() {
      flush();
      if (stream.closed) return;
      await new Promise<void>((resolve) => stream.once('close', resolve).end());
    },
  };
}
