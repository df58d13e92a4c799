// Settings of the transfer of files over TCP: whether there is any, how it is secured, how patient
// it is, and how much may be kept. Whom it believes is not said here: that is the server's STRATEGY.

import type { Config } from '../config.ts';
import { isLoopback, oneOf, text, whole, yesNo } from './kinds.ts';
import type { Reading } from './reading.ts';

const gibibyte = 1024 ** 3;
const bytesMax = Number.MAX_SAFE_INTEGER;
const hour = 60 * 60_000;
const userBytesMax = gibibyte;

export const transferSettings = {
  transferPort: {
    ...whole(
      'TRANSFER_PORT',
      'the port for the transfer of files; 0 takes a free one',
      0,
      0,
      65_535,
    ),
    fallback: 'none: no files are transferred',
    absent: (): number | undefined => undefined,
  },
  transferCertFile: {
    ...text('TRANSFER_TLS_CERT_FILE', 'the certificate for the transfer, with its chain'),
    allowed: 'a file (PEM)',
    fallback: 'none: files are transferred without TLS',
  },
  transferKeyFile: {
    ...text('TRANSFER_TLS_KEY_FILE', 'the private key of that certificate'),
    allowed: 'a file (PEM)',
    fallback: 'none',
  },
  transferAnonymous: yesNo(
    'TRANSFER_ANONYMOUS',
    'let visitors without a credential transfer files too, to and from each other',
    false,
  ),
  transferMismatch: oneOf(
    'TRANSFER_MISMATCH',
    'what becomes of a file whose content is not of the type that its name or its sender claims',
    'refuse',
    ['refuse', 'octet-stream'] as const,
  ),
  transferConnectionsMax: whole(
    'TRANSFER_CONNECTIONS_MAX',
    'how many connections may transfer files at once',
    256,
    1,
    65_536,
  ),
  transferAddressMax: whole(
    'TRANSFER_ADDRESS_CONNECTIONS_MAX',
    'how many of them may come from one address (IPv6: one network /64)',
    {
      says: 'half of TRANSFER_CONNECTIONS_MAX',
      from: (given) => Math.ceil(Number(given('TRANSFER_CONNECTIONS_MAX') ?? 256) / 2),
    },
    1,
    65_536,
  ),
  transferIdleMs: whole(
    'TRANSFER_IDLE_MS',
    'how long a client may keep silent, and over which TRANSFER_RATE_MIN is averaged',
    30_000,
    100,
    hour,
  ),
  transferTotalMs: whole(
    'TRANSFER_TOTAL_MS',
    'how long the transfer of one file may take',
    6 * hour,
    100,
    7 * 24 * hour,
  ),
  transferRateMin: whole(
    'TRANSFER_RATE_MIN',
    'how many bytes a second a client must send or take, at least',
    1_024,
    1,
    gibibyte,
  ),
  vaultFolder: {
    ...text('VAULT_FOLDER', 'where transferred files are kept'),
    allowed: 'a folder; one server writes it, with TRANSFER_PORT, and others read',
    fallback: 'none: needed with TRANSFER_PORT',
  },
  vaultBytesMax: whole(
    'VAULT_BYTES_MAX',
    'how much is kept in all, in bytes, with what is not complete',
    10 * gibibyte,
    0,
    bytesMax,
  ),
  vaultUserBytesMax: whole(
    'VAULT_USER_BYTES_MAX',
    'how much is kept for one user; all anonymous visitors are one',
    userBytesMax,
    0,
    bytesMax,
  ),
  vaultFileBytesMax: whole(
    'VAULT_FILE_BYTES_MAX',
    'how large one file may be',
    {
      says: 'as VAULT_USER_BYTES_MAX',
      from: (given) => Number(given('VAULT_USER_BYTES_MAX') ?? userBytesMax),
    },
    0,
    bytesMax,
  ),
} as const;

export function judgeTransfer(config: Config, reading: Reading): void {
  const { transferPort, transferCertFile, transferKeyFile, vaultFolder } = config;
  if (transferPort !== undefined && vaultFolder === undefined) {
    reading.refuse('VAULT_FOLDER', 'is needed with TRANSFER_PORT: the files are kept there');
  }
  if ((transferCertFile === undefined) !== (transferKeyFile === undefined)) {
    const [given, missing] =
      transferKeyFile === undefined ? (['CERT', 'KEY'] as const) : (['KEY', 'CERT'] as const);
    const file = (what: string) => `TRANSFER_TLS_${what}_FILE`;
    reading.refuse(file(missing), `is needed with ${file(given)}`);
  }
}

/** Passwords and files of others would go over the network in the clear. */
export function isTransferExposed({ transferPort, transferCertFile, host }: Config): boolean {
  return transferPort !== undefined && transferCertFile === undefined && !isLoopback(host);
}
