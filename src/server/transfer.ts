// The transfer of files beside the web application: the same recogniser says who a client is, the
// same watch hears when the session ends, and what happens goes to the same log and the same meter.
// So a session that began over HTTP is known here, whatever the strategy and wherever it lives.

import { readFile } from 'node:fs/promises';
import { OperatingError } from '../core/errors.ts';
import type { Session } from '../core/session.ts';
import type { TransferServer } from '../transfer/server.ts';
import type { Surroundings, Watching } from '../transfer/surroundings.ts';
import { reachesSessions } from './config/session-settings.ts';
import type { Config } from './config.ts';
import type { Meter } from './meter.ts';
import type { App, Parts } from './parts.ts';

/** How long a client may take to say who it is. */
const helloMs = 10_000;
/** The longest that a timer takes; no transfer lasts that long. */
const timerMsMax = 2 ** 31 - 1;

/** The vault to write to where files are transferred; else to read from, if there is one. */
export async function openVaultIfAny(
  config: Config,
): Promise<Pick<Parts, 'vault' | 'writableVault'>> {
  const { vaultFolder: folder, transferPort, vaultBytesMax, vaultUserBytesMax } = config;
  if (folder === undefined) return {};
  const vaults = await import('../transfer/vault.ts');
  if (transferPort === undefined) return { vault: await vaults.openVaultForReading(folder) };
  const opening = vaults.openVault({
    folder,
    bytesMax: vaultBytesMax,
    userBytesMax: vaultUserBytesMax,
    fileBytesMax: config.vaultFileBytesMax,
    mismatch: config.transferMismatch,
  });
  const writableVault = await opening.catch((error: unknown) => {
    throw asUnfitFolder(folder, error);
  });
  return { vault: writableVault, writableVault };
}

/** Listens for transfers where the settings say so, for as long as the application is open. */
export async function openTransferIfAny(
  app: App,
  parts: Parts,
  meter: Meter,
): Promise<TransferServer | undefined> {
  const { config, writableVault: vault } = parts;
  const { transferPort: port, host } = config;
  if (port === undefined || vault === undefined) return undefined;
  const [{ openTransferServer }, tls] = await Promise.all([
    import('../transfer/server.ts'),
    readCertificate(config),
  ]);
  const server = await openTransferServer({
    vault,
    host,
    port,
    ...(tls && { tls }),
    helloMs,
    idleMs: config.transferIdleMs,
    totalMs: config.transferTotalMs,
    rateMin: config.transferRateMin,
    connectionsMax: config.transferConnectionsMax,
    addressMax: config.transferAddressMax,
    anonymous: config.transferAnonymous,
    fileBytesMax: config.vaultFileBytesMax,
    surroundings: surroundingsOf(app, parts, meter),
  });
  app.addHook('onClose', () => server[Symbol.asyncDispose]());
  meter.gauges = { ...meter.gauges, transferConnections: () => server.connections };
  return server;
}

function surroundingsOf(app: App, parts: Parts, meter: Meter): Surroundings {
  const { config, recogniser, audit } = parts;
  return {
    async identify(headers, peer) {
      const recognition = await recogniser.recognise(headers);
      meter.recognition(recognition);
      if (recognition.kind === 'unknown') app.securityEvent({ kind: 'store-unavailable' }, peer);
      if (recognition.kind === 'anonymous' && recognition.reason !== 'no-credential') {
        const { reason } = recognition;
        app.securityEvent({ kind: 'credential-refused', reason }, peer);
      }
      return recognition;
    },
    whileSessionLives: (session, onEnd) =>
      reachesSessions(config)
        ? app.sessionWatch.whileSessionLives(session, onEnd)
        : untilItExpires(session, onEnd),
    canRecord: () => audit?.canRecord !== false,
    record: (noticed, peer) => app.recorded(noticed, peer),
    note: (noticed, peer) => void app.securityEvent(noticed, peer),
    trouble: (error, { id: requestId }) => {
      if (error instanceof OperatingError && error.code !== 'internal') {
        app.serverLog.warn({ requestId, code: error.code }, error.message);
      } else app.serverLog.error({ requestId, err: error }, 'the transfer server failed');
    },
    tally: meter.transfers,
  };
}

/** Who starts a server can mend its folder, and is told what the system says of it. */
function asUnfitFolder(folder: string, error: unknown): unknown {
  const cause = error instanceof OperatingError ? error.cause : error;
  const isOfSystem = cause instanceof Error && ('syscall' in cause || 'errcode' in cause);
  if (!isOfSystem) return error;
  const detail = `VAULT_FOLDER ${folder} cannot be opened: ${cause.message}`;
  return new OperatingError('vault-unavailable', { detail, cause });
}

/** Where nobody knows what has ended, as for tokens of another server, the clock alone ends it. */
function untilItExpires({ absoluteExpiresAt }: Session, onEnd: (how: 'ended') => void): Watching {
  const timer = setTimeout(
    () => onEnd('ended'),
    Math.min(absoluteExpiresAt - Date.now(), timerMsMax),
  );
  return { used: () => undefined, [Symbol.dispose]: () => clearTimeout(timer) };
}

async function readCertificate({ transferCertFile, transferKeyFile }: Config) {
  if (transferCertFile === undefined || transferKeyFile === undefined) return undefined;
  const [cert, key] = await Promise.all([transferCertFile, transferKeyFile].map(readPem));
  return { cert: cert as Buffer, key: key as Buffer };
}

async function readPem(file: string): Promise<Buffer> {
  return readFile(file).catch((cause: NodeJS.ErrnoException) => {
    const detail = `${JSON.stringify(file)} cannot be read: ${cause.code}`;
    throw new OperatingError('unfit-certificate', { detail, cause });
  });
}
