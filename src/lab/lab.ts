// The ground that all runs of one lab share: backing services, a template database in which the
// users are registered already, the key that tokens are signed with, and a folder for results.
// Opened once; each run takes its own database and its own Redis from it.

export interface LabOptions {
  /** Where the runs leave their folders; made when missing. */
  readonly folder: string;
  /** The program that is a server; another one plants a mutant. Default: src/server/main.ts. */
  readonly serverEntry?: string;
  /** A name in the registry of gateways. Default: node. */
  readonly gateway?: string;
}

export interface Lab extends AsyncDisposable {
  readonly folder: string;
  /** For people: what the backing services are. */
  readonly origin: string;
  /** How to get a Redis, when there is none here. */
  readonly redisHint: string | undefined;
  /** Settings that differ from production, for the header of a report. */
  readonly settings: readonly string[];
}

export async function openLab(_options: LabOptions): Promise<Lab> {
  throw new Error('under construction');
}
