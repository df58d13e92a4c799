// The embedded gateway's access log outlives what happens to its file.

import { mkdtemp, readFile, rename, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { AccessLine } from '../../src/gateways/access-line.ts';
import { openAccessLog } from '../../src/gateways/node/access-log.ts';

const patience = { timeout: 8_000, interval: 20 };

async function opened() {
  const folder = await mkdtemp(join(tmpdir(), 'sessionlab-access-log-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const file = join(folder, 'access.ndjson');
  return { file, written: async () => (await readFile(file, 'utf8')).match(/"r\d+"/g) };
}

function line(requestId: string): AccessLine {
  return {
    ...{ time: '2026-01-01T00:00:00.000Z', requestId, client: '127.0.0.1', method: 'GET' },
    ...{ path: '/', served: null, status: 200, complete: true, upstream: 's1', tries: 1 },
    ...{ headMs: 1, durationMs: 1, bytes: 1, tls: null },
  };
}

test('lines that a full disk refused are written when there is room again', async () => {
  const { file, written } = await opened();
  const said = vi.spyOn(console, 'error').mockReturnValue();
  onTestFinished(() => said.mockRestore());
  await symlink('/dev/full', file);
  const log = openAccessLog(file);
  log.write(line('r1'));
  await vi.waitFor(() => expect(said).toHaveBeenCalledOnce(), patience);
  expect(said.mock.calls.join()).toContain('ENOSPC');
  log.write(line('r2'));
  await rm(file);
  await vi.waitFor(async () => expect(await written()).toEqual(['"r1"', '"r2"']), patience);
  await log.close();
});

test('what comes after a file was renamed is in a new one', async () => {
  const { file, written } = await opened();
  const log = openAccessLog(file);
  log.write(line('r1'));
  await log.reopen();
  await rename(file, `${file}.1`);
  await log.reopen();
  log.write(line('r2'));
  await log.close();
  expect(await written()).toEqual(['"r2"']);
  expect(await readFile(`${file}.1`, 'utf8')).toContain('"r1"');
});
