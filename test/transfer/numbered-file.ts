// Files by number: whoever knows the number knows the upload and every byte.

import { createCipheriv, hash } from 'node:crypto';
import type { UploadRequest } from '../../src/transfer/vault.ts';

export interface NumberedFile {
  readonly request: UploadRequest;
  readonly content: Buffer;
}

export function numberedFile(number: number): NumberedFile {
  const seed = hash('sha256', `file ${number}`, 'buffer');
  const stream = createCipheriv('aes-128-ctr', seed.subarray(0, 16), Buffer.alloc(16));
  // A length up to 200,000; every eighth is a large one.
  const bytes = (seed.readUInt32BE(16) % 200_000) * (number % 8 === 0 ? 20 : 1);
  const uploadId = seed.toString('hex', 16);
  const isKnown = number % 3 !== 0;
  const request = { uploadId, name: `${number}`, claimedType: '', bytes: isKnown ? bytes : null };
  return { request, content: stream.update(Buffer.alloc(bytes)) };
}
