// A folder of certificates: an authority, made once and never replaced, and the certificates it has
// signed, each renewed before its time. A file is whole whenever somebody reads it, and a
// certificate is written after its key, so who watches the certificate finds both. Between the two
// writes they do not fit for a moment: a reader that sees that keeps what it has.

import { createPrivateKey, randomUUID, X509Certificate } from 'node:crypto';
import {
  constants,
  copyFile,
  link,
  mkdir,
  readFile,
  rename,
  rm,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { OperatingError } from '../core/errors.ts';
import { boundsOf, issue, makeAuthority, namesOf, type Pair } from './authority.ts';
import { distinct, loopback, type Name } from './name.ts';
import { isWithin } from './name-constraints.ts';

export interface Wish {
  /** Made, for its owner alone, if it is not there. */
  readonly folder: string;
  /** Of the files of the certificate: `server` is in server.pem, its key in server-key.pem. */
  readonly name?: string;
  /** Besides those of the loopback, and those that the certificate has. */
  readonly names?: readonly Name[];
  /** Make a new certificate, whatever the present one is like. */
  readonly renew?: boolean;
  readonly now?: Date;
}

/** Why a certificate was made. */
export type Reason = 'there was none' | 'asked for' | 'names added' | 'near its end' | 'key lost';

export interface Kept {
  readonly file: string;
  readonly keyFile: string;
  /** ISO 8601. */
  readonly validUntil: string;
  /** SHA-256 of the certificate, in hexadecimal with colons. */
  readonly fingerprint: string;
  /** What it vouches for; of an authority, what it may vouch for. */
  readonly names: readonly string[];
  /** Null for one that was there and is good. */
  readonly made: Reason | null;
}

export interface Certificates {
  readonly authority: Kept;
  readonly certificate: Kept;
}

const another = 'Make another authority in another folder, and trust that one.';

interface Files {
  readonly file: string;
  readonly keyFile: string;
}

interface Found extends Files, Pair {
  readonly parsed: X509Certificate;
  /** The key is there and is that of the certificate. */
  readonly fits: boolean;
}

/**
 * Makes what is missing, renews what must be, and leaves the rest as it is.
 *
 * @throws OperatingError `unfit-certificate` for a folder that cannot be used as it is, and says why.
 */
export async function keepCertificates(wish: Wish): Promise<Certificates> {
  try {
    return await keep(wish);
  } catch (cause) {
    throw isOfSystem(cause) ? unfit(cause.message, cause) : cause;
  }
}

async function keep({ folder, name = 'server', names = [], renew = false, ...rest }: Wish) {
  const now = rest.now ?? new Date();
  const files = filesOf(folder, name);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const authority = await keepAuthority(filesOf(folder, 'ca'), names, now);
  const old = await find(files);
  if (old && !isSigned(old, authority)) {
    throw unfit(`${old.file} was not signed by ${authority.file}. Move it away first.`);
  }
  const wanted = distinct([...loopback, ...(old ? namesOf(old.parsed) : []), ...names]);
  const outside = wanted.find((each) => authority.bounds && !isWithin(each, authority.bounds));
  if (outside) {
    throw unfit(
      `${authority.file} may vouch for ${valuesOf(authority.bounds).join(', ')}, and not for ${outside.value}. ${another}`,
    );
  }
  const made = reasonToMake(old, wanted, renew, now);
  if (made !== null) {
    const { certificate, key } = await issue(authority, wanted, now);
    await write(files.keyFile, key, 0o600, rename);
    await write(files.file, certificate, 0o644, rename);
  }
  const current = made === null ? old : await find(files);
  if (!current?.fits) throw unfit(`Another run is writing ${files.file}. Try again.`);
  return {
    authority: told(authority, authority.bounds, authority.made),
    certificate: told(current, namesOf(current.parsed), made),
  };
}

/** Whether the certificate of that name is there, and of another authority than the folder's. */
export async function isForeign(folder: string, name: string): Promise<boolean> {
  const [found, authority] = await Promise.all(
    [name, 'ca'].map((each) => find(filesOf(folder, each))),
  );
  return found !== undefined && !(authority && isSigned(found, authority));
}

function isSigned({ parsed }: Found, { parsed: by }: Found): boolean {
  return parsed.checkIssued(by) && parsed.verify(by.publicKey);
}

/** Neither file ever replaces one that is there, also not when two runs begin at once. */
async function keepAuthority(files: Files, names: readonly Name[], now: Date) {
  const old = await find(files);
  if (old === undefined) {
    const { certificate, key } = await makeAuthority(distinct([...loopback, ...names]), now);
    await write(files.keyFile, key, 0o600, placeNew)
      .then(() => write(files.file, certificate, 0o644, placeNew))
      .catch((error: unknown) => {
        if (!isOfSystem(error) || error.code !== 'EEXIST') throw error;
      });
  }
  const authority = old ?? (await find(files));
  if (authority === undefined) {
    const { file, keyFile } = files;
    throw unfit(
      `${keyFile} is there without ${file}: another run is at work, or broke off. Try again, or remove it.`,
    );
  }
  const { parsed, fits, key, file, keyFile } = authority;
  if (!parsed.ca) throw unfit(`${file} is not an authority.`);
  if (!fits) throw unfit(`${keyFile} is not there, or not the key of ${file}.`);
  if (createPrivateKey(key).asymmetricKeyDetails?.namedCurve !== 'prime256v1') {
    throw unfit(`${keyFile} is not a key of ECDSA on P-256. ${another}`);
  }
  if (parsed.validToDate <= now) throw unfit(`${file} has ended: ${parsed.validTo}. ${another}`);
  const made: Reason | null = old ? null : 'there was none';
  return { ...authority, bounds: boundsOf(parsed), made };
}

function reasonToMake(
  old: Found | undefined,
  wanted: readonly Name[],
  renew: boolean,
  now: Date,
): Reason | null {
  if (old === undefined) return 'there was none';
  if (!old.fits) return 'key lost';
  if (renew) return 'asked for';
  if (namesOf(old.parsed).length < wanted.length) return 'names added';
  const [fromMs, untilMs] = [old.parsed.validFromDate.getTime(), old.parsed.validToDate.getTime()];
  return untilMs - now.getTime() < (untilMs - fromMs) / 3 ? 'near its end' : null;
}

/** Undefined unless the certificate is there; a key that is missing or another's does not fit. */
async function find(files: Files): Promise<Found | undefined> {
  const { file, keyFile } = files;
  const [certificate, key] = await Promise.all([file, keyFile].map(readOrNothing));
  if (certificate === undefined) return undefined;
  try {
    const parsed = new X509Certificate(certificate);
    const fits = key !== undefined && parsed.checkPrivateKey(createPrivateKey(key));
    return { ...files, certificate, key: key ?? '', parsed, fits };
  } catch (cause) {
    throw unfit(`${file} or ${keyFile} is not a certificate or key in PEM.`, cause);
  }
}

async function readOrNothing(file: string): Promise<string | undefined> {
  return await readFile(file, 'utf8').catch((error: unknown) => {
    if (isOfSystem(error) && error.code === 'ENOENT') return undefined;
    throw error;
  });
}

/** Fails where there is a file. Where there are no links it copies, which is not whole at once. */
async function placeNew(draft: string, file: string): Promise<void> {
  await link(draft, file).catch((error: unknown) => {
    if (isOfSystem(error) && error.code === 'EEXIST') throw error;
    return copyFile(draft, file, constants.COPYFILE_EXCL);
  });
}

/** Puts a whole file in its place: `rename` replaces what is there, `placeNew` refuses to. */
async function write(
  file: string,
  text: string,
  mode: number,
  place: (draft: string, file: string) => Promise<void>,
): Promise<void> {
  const draft = `${file}.${randomUUID()}`;
  try {
    await writeFile(draft, text, { mode, flag: 'wx', flush: true });
    await place(draft, file);
  } finally {
    await rm(draft, { force: true });
  }
}

function told(found: Found, names: readonly Name[] | undefined, made: Reason | null): Kept {
  const { file, keyFile, parsed } = found;
  return {
    file,
    keyFile,
    validUntil: parsed.validToDate.toISOString(),
    fingerprint: parsed.fingerprint256,
    names: valuesOf(names),
    made,
  };
}

function valuesOf(names: readonly Name[] = []): readonly string[] {
  return names.map(({ value }) => value);
}

function filesOf(folder: string, name: string): Files {
  return { file: join(folder, `${name}.pem`), keyFile: join(folder, `${name}-key.pem`) };
}

function unfit(detail: string, cause?: unknown): OperatingError {
  return new OperatingError('unfit-certificate', { detail, cause });
}

function isOfSystem(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'code' in error && 'syscall' in error;
}
