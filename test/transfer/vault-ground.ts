// What the tests of the vault stand on: folders that go away, uploads made of a seed, and all that
// may be told of a vault from outside.

import { hash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import {
  type FileRecord,
  openVault,
  type ReadableVault,
  type Upload,
  type UploadRequest,
  type Vault,
  type VaultOptions,
  type Visitor,
} from '../../src/transfer/vault.ts';

export const alice: Visitor = { userId: 'alice-id', userName: 'alice' };
export const bob: Visitor = { userId: 'bob-id', userName: 'bob' };
export const nobody: Visitor = { userId: '', userName: '' };

export const sha256 = (bytes: Uint8Array) => hash('sha256', bytes);

export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'sessionlab-vault-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export async function vaultIn(folder: string, changes: Partial<VaultOptions> = {}): Promise<Vault> {
  const bounds = { bytesMax: 1e9, userBytesMax: 1e9, fileBytesMax: 1e9 };
  const vault = await openVault({ folder, ...bounds, mismatch: 'refuse', ...changes });
  onTestFinished(() => vault[Symbol.asyncDispose]());
  return vault;
}

export function upload(bytes: number | null, changes: Partial<UploadRequest> = {}): UploadRequest {
  const uploadId = randomBytes(16).toString('hex');
  return { uploadId, name: 'file', claimedType: '', bytes, ...changes };
}

/** Begins an upload that nobody takes over. */
export function begin(vault: Vault, owner: Visitor, request: UploadRequest): Promise<Upload> {
  return vault.begin(owner, request, () => undefined);
}

/** All of it in pieces, from where it stands. */
export async function send(upload: Upload, content: Buffer, piece = 100_000): Promise<FileRecord> {
  for (let at = upload.offset; at < content.length; at += piece) {
    await upload.write(content.subarray(at, at + piece));
  }
  return upload.commit(sha256(content));
}

export async function store(
  vault: Vault,
  owner: Visitor,
  content: Buffer,
  changes: Partial<UploadRequest> = {},
): Promise<FileRecord> {
  await using begun = await begin(vault, owner, upload(content.length, changes));
  return await send(begun, content);
}

/** Undefined: not for this visitor. */
export async function contentOf(
  vault: ReadableVault,
  visitor: Visitor,
  id: string,
  offset = 0,
): Promise<Buffer | undefined> {
  await using opened = await vault.open(visitor, id);
  return await opened?.fill(Buffer.alloc(opened.record.bytes - offset), offset);
}

/** The code of the error that it fails with. */
export async function codeOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => 'none',
    (error: { code?: unknown }) => error.code ?? error,
  );
}
