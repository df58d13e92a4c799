// Where transferred files are kept: a folder that one process writes and any number read. A file is
// made in `incoming/`, where nobody sees it, and comes into sight all at once, when its folder is
// renamed into `files/`; it is acknowledged when that is durable. Every name on the disk is the
// vault's own, and no link is followed. It moves bytes and judges ownership, size and type; who a
// visitor is, and what goes on record, is for its caller.

import { type Clock, systemClock } from '../core/clock.ts';
import type { MismatchPolicy } from './mime.ts';
import { takeInventory } from './vault/opening.ts';
import { ReadingVault } from './vault/reading.ts';
import { orUnavailable } from './vault/unavailable.ts';
import { WritingVault } from './vault/writing.ts';

const defaults = {
  userFilesMax: 10_000,
  partAgeMsMax: 24 * 60 * 60_000,
  clock: systemClock,
} as const;

/** Anonymous: neither has a letter. */
export interface Visitor {
  readonly userId: string;
  readonly userName: string;
}

export interface FileRecord {
  /** 32 hex digits, derived from the owner and the upload: a repeated upload finds its file. */
  readonly id: string;
  /** A user id. */
  readonly owner: string;
  readonly ownerName: string;
  /** For people: see display-name.ts. */
  readonly name: string;
  readonly type: string;
  readonly bytes: number;
  /** 64 hex digits. */
  readonly sha256: string;
  /** Milliseconds since the Unix epoch. */
  readonly storedAt: number;
  /** Keys of user names: see user-name.ts. */
  readonly sharedWith: readonly string[];
}

export interface ReadableVault extends AsyncDisposable {
  /** The visitor's own files and those shared with them, the newest last. */
  list(visitor: Visitor): Promise<readonly FileRecord[]>;
  /** Undefined: not there, or not for this visitor; never told apart. */
  open(visitor: Visitor, id: string): Promise<OpenedFile | undefined>;
}

export interface Vault extends ReadableVault {
  /** What its operator should know of what was found when it was opened. */
  readonly warnings: readonly string[];
  /**
   * Begins an upload, goes on with one that was broken off, or finds it stored. A second begin of
   * one upload takes over: `onTakenOver` tells the first, whose writes are finished before.
   * @throws OperatingError `file-too-large`, `quota-exceeded`, `upload-conflict` (another size than
   *   what is stored, or less than what is there), `upload-taken-over` (by yet another, meanwhile), `vault-unavailable`
   */
  begin(owner: Visitor, upload: UploadRequest, onTakenOver: () => void): Promise<Upload>;
  /**
   * False: not there, or not the visitor's own. Durable when it resolves.
   * @throws OperatingError `vault-unavailable`
   */
  remove(visitor: Visitor, id: string): Promise<boolean>;
  /**
   * With whoever goes by this name, now or later. False: not there, or not the visitor's own.
   * Durable when it resolves.
   * @throws OperatingError `invalid-request` (nobody can have this name), `quota-exceeded`,
   *   `vault-unavailable`
   */
  share(visitor: Visitor, id: string, userName: string): Promise<boolean>;
}

export interface UploadRequest {
  /** 32 hex digits, chosen by the client. */
  readonly uploadId: string;
  /** As the client says it; what is kept of it is its display name. */
  readonly name: string;
  /** Empty: no claim. */
  readonly claimedType: string;
  /** Null: not known yet. */
  readonly bytes: number | null;
}

/** Disposing of one that is not committed keeps what has arrived, for a later begin. */
export interface Upload extends AsyncDisposable {
  /** Of the file that it is to be. */
  readonly id: string;
  /** How many bytes were there at the begin; all of them where the file is stored. */
  readonly offset: number;
  /** Of those bytes: 64 hex digits. */
  readonly sha256: string;
  /** The file is stored already: `commit` gives its record again, and nothing can be written. */
  readonly stored?: FileRecord;
  /**
   * Takes the next bytes over: the caller does not change them afterwards. Resolves when those of
   * the call before are written, and their memory is the caller's again. One call at a time; a
   * failure may show only at the next call or at the commit.
   * @throws OperatingError `file-too-large`, `quota-exceeded`, `upload-conflict` (more than was
   *   declared), `upload-taken-over`, `vault-unavailable` (a full disk)
   */
  write(bytes: Buffer): Promise<void>;
  /**
   * Makes it a file, durably. Repeated, it gives the same record.
   * @throws OperatingError `digest-mismatch`, `type-mismatch` (nothing is kept after either),
   *   `upload-conflict` (less than was declared), `upload-taken-over`, `vault-unavailable`
   */
  commit(sha256: string): Promise<FileRecord>;
}

export interface OpenedFile extends AsyncDisposable {
  readonly record: FileRecord;
  /**
   * Fills the piece with what is in the file from an offset on, and resolves to the part of it that
   * is full: all of it, unless the file ends.
   */
  fill(piece: Buffer, offset: number): Promise<Buffer>;
}

export interface VaultOptions {
  readonly folder: string;
  /** Of all files and parts together. */
  readonly bytesMax: number;
  /** Of one user's. */
  readonly userBytesMax: number;
  readonly fileBytesMax: number;
  /** How many files and parts one user may have: the empty ones take room too. */
  readonly userFilesMax?: number;
  /** What is done with content whose type is not what its name and the claim say. */
  readonly mismatch: MismatchPolicy;
  /** Parts that nobody went on with for so long are dropped. Default: a day. */
  readonly partAgeMsMax?: number;
  readonly clock?: Clock;
}

/** @throws OperatingError `vault-unavailable` when another process writes this vault */
export async function openVault(options: VaultOptions): Promise<Vault> {
  const full = { ...defaults, ...options };
  const { folder, clock, partAgeMsMax } = full;
  return new WritingVault(
    full,
    await orUnavailable(takeInventory(folder, full, clock, partAgeMsMax)),
  );
}

/** Another process may be writing it. A vault that is not there yet is an empty one. */
export async function openVaultForReading(folder: string): Promise<ReadableVault> {
  return new ReadingVault(folder);
}
