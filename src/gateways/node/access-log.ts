// The access log: one JSON object in a line for each request. It holds no header field, no query
// and no body, so no credential can get into it. Lines are gathered for a moment before they are
// written; a gateway that is killed loses those.

import { createWriteStream } from 'node:fs';

const FLUSH_MS = 50;

export interface AccessLine {
  /** When the request arrived, ISO 8601. */
  readonly time: string;
  readonly requestId: string;
  readonly client: string;
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  /** Null when the client left before there was an answer. */
  readonly status: number | null;
  /** False when the answer broke off. */
  readonly complete: boolean;
  /** The server asked last; null when none could be. */
  readonly upstream: string | null;
  /** How many servers were asked. */
  readonly tries: number;
  readonly durationMs: number;
  /** Bytes sent to the client, header fields included. */
  readonly bytes: number;
}

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
