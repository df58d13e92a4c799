// Reads a recorded history back.

import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { HistoryEvent } from '../core/history.ts';

/** A lab that was killed leaves half a line at the end; all that came before it counts. */
export async function readHistory(file: string): Promise<HistoryEvent[]> {
  const events: HistoryEvent[] = [];
  for await (const line of createInterface({ input: createReadStream(file) })) {
    try {
      events.push(JSON.parse(line));
    } catch {
      break;
    }
  }
  return events;
}
