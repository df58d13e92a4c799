// What an operator can set: one table, read once, at the start. The environment goes before
// CONFIG_FILE, which goes before what the assurance policy says, which goes before defaults. Each
// bad value is refused with its name, the value (unless it is a secret) and what is allowed; all of
// them are reported together. The reference of settings is generated from this table.

import type { Setting } from './config/kinds.ts';
import { type ConfigProblem, type Environment, type Origin, Reading } from './config/reading.ts';
import { judge } from './config/safety.ts';
import { serverSettings } from './config/server-settings.ts';
import { sessionSettings } from './config/session-settings.ts';
import { transferSettings } from './config/transfer-settings.ts';

export type { Environment };

export const settings = { ...serverSettings, ...sessionSettings, ...transferSettings } as const;

type Settings = typeof settings;

export type Config = {
  readonly [K in keyof Settings]: ReturnType<Settings[K]['absent']>;
};

/** The settings do not make a configuration; holds every problem, none of them a secret. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[]) {
    super(problems.map((problem) => problem.detail).join('\n'));
    this.problems = problems;
  }
}

/** Asked for only when the accounts are opened: a server of tests may stand without. */
export const databaseIsNeeded: ConfigProblem = {
  name: 'DATABASE_URL',
  detail: 'DATABASE_URL: is needed, for the user accounts',
};

export interface ReadSettings {
  readonly config: Config;
  /** What may be wrong, and only the operator can know. */
  readonly warnings: readonly string[];
  readonly origins: Readonly<Record<keyof Settings, Origin>>;
}

/** @throws ConfigError naming every setting that is wrong. */
export function readSettings(environment: Environment): ReadSettings {
  const reading = new Reading(environment, Object.values(settings));
  const given = (name: string) => reading.of(name).text;
  const origins: Record<string, Origin> = {};
  const values = Object.entries(settings).map(([key, setting]: [string, Setting<unknown>]) => {
    const { text, origin } = reading.of(setting.name);
    origins[key] = origin;
    if (text === undefined) return [key, setting.absent(given)];
    const value = setting.parse(text);
    if (value === undefined) reading.refuse(setting.name, refusal(setting, text));
    return [key, value];
  });
  const config = Object.fromEntries(values) as Config;
  if (reading.problems.length === 0) judge(config, reading);
  if (reading.problems.length > 0) throw new ConfigError(reading.problems);
  return { config, warnings: reading.warnings, origins: origins as ReadSettings['origins'] };
}

/** @throws ConfigError naming every setting that is wrong. */
export function readConfig(environment: Environment): Config {
  return readSettings(environment).config;
}

function refusal({ secret, allowed }: Setting<unknown>, text: string): string {
  const shown = secret ? 'the value (not shown)' : JSON.stringify(text.slice(0, 80));
  return `${shown} is not allowed; allowed: ${allowed}`;
}

/** How a server names itself in answers: its place, and which life of it this is. */
export function servedBy(config: Config): string {
  return `${config.replica}#${config.incarnation}`;
}
