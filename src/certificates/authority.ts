// A certificate authority for development, and the certificates it signs: ECDSA on P-256, in PEM.
// The authority may sign for the names it was made for and nothing else: no other authority
// (path length 0), no other hosts, no other purpose than servers. It keeps nothing and reads no
// clock. Not for production: nobody else trusts it, and it revokes nothing.

import './reflection.ts';
import { createPrivateKey, KeyObject, randomBytes, type X509Certificate } from 'node:crypto';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  X509Certificate as Parsed,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
} from '@peculiar/x509';
import { type Name, parseName } from './name.ts';
import { NAME_CONSTRAINTS, nameConstraints, permittedNames } from './name-constraints.ts';

export interface Pair {
  /** PEM; of a server with its chain. */
  readonly certificate: string;
  /** PEM, PKCS #8. */
  readonly key: string;
}

const DAY_MS = 86_400_000;
const AUTHORITY_DAYS = 3652;
/** Browsers accept no more of certificates made after September 2020. */
const SERVER_DAYS = 397;
/** Clocks of containers and phones differ a little. */
const BACKDATED_MS = 3_600_000;

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

export async function makeAuthority(names: readonly Name[], now: Date): Promise<Pair> {
  const keys = await makeKeys();
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: [{ CN: [`sessionlab development ${randomBytes(4).toString('hex')}`] }],
    keys,
    signingAlgorithm: algorithm,
    ...validity(now, AUTHORITY_DAYS),
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
      nameConstraints(names),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificate: pem(certificate), key: exported(keys) };
}

/** A new key and its certificate, which does not outlive the authority. */
export async function issue(authority: Pair, names: readonly Name[], now: Date): Promise<Pair> {
  const issuer = new Parsed(authority.certificate);
  const signingKey = createPrivateKey(authority.key).toCryptoKey(algorithm, false, ['sign']);
  const keys = await makeKeys();
  const { notBefore, notAfter } = validity(now, SERVER_DAYS);
  const certificate = await X509CertificateGenerator.create({
    subject: [{ CN: [names[0]?.value ?? ''] }],
    issuer: issuer.subjectName,
    publicKey: keys.publicKey,
    signingKey,
    signingAlgorithm: algorithm,
    notBefore,
    notAfter: notAfter < issuer.notAfter ? notAfter : issuer.notAfter,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
      new SubjectAlternativeNameExtension(names),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
      await AuthorityKeyIdentifierExtension.create(issuer),
    ],
  });
  return { certificate: pem(certificate) + authority.certificate, key: exported(keys) };
}

/** What a certificate vouches for. */
export function namesOf({ raw }: X509Certificate): readonly Name[] {
  const { names } = new Parsed(raw).getExtension(SubjectAlternativeNameExtension) ?? {};
  return names?.items.flatMap(({ value }) => parseName(value) ?? []) ?? [];
}

/** What an authority may vouch for; undefined for one without bounds. */
export function boundsOf({ raw }: X509Certificate): readonly Name[] | undefined {
  const extension = new Parsed(raw).getExtension(NAME_CONSTRAINTS);
  return extension ? permittedNames(extension) : undefined;
}

async function makeKeys() {
  return await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
}

function exported({ privateKey }: Awaited<ReturnType<typeof makeKeys>>): string {
  return KeyObject.from(privateKey).export({ type: 'pkcs8', format: 'pem' }).toString();
}

function pem(certificate: Parsed): string {
  return `${certificate.toString('pem').trim()}\n`;
}

function validity(now: Date, days: number) {
  const beginMs = Math.floor((now.getTime() - BACKDATED_MS) / 1_000) * 1_000;
  // The last second counts (RFC 5280, 4.1.2.5).
  return { notBefore: new Date(beginMs), notAfter: new Date(beginMs + days * DAY_MS - 1_000) };
}
