// What the program says about its settings when it is asked instead of started: --help prints the
// table of what can be set, --check-config what would be used and where each value comes from.
// Secrets are never printed.

import { styleText } from 'node:util';
import {
  ConfigError,
  databaseIsNeeded,
  type Environment,
  readSettings,
  settings,
} from '../config.ts';
import type { Setting } from './kinds.ts';

const usage = `One server. It is configured by its environment, and by CONFIG_FILE, a JSON object of
the same names; the environment goes first. A secret NAME may be in a file, named by NAME_FILE.

  node main.ts                  serves
  node main.ts --check-config   says what would be used, and from where
  node main.ts --make-tables    makes the tables that are needed, as their owner, and ends
  node main.ts --help           says this
`;

/** Prints what was asked for. Returns the exit status: 64 for what cannot be used. */
export function tell(args: readonly string[], environment: Environment = process.env): number {
  if (args.length === 1 && args[0] === '--help') {
    console.log(`${usage}\n${help()}`);
    return 0;
  }
  if (args.length === 1 && args[0] === '--check-config') return check(environment);
  console.error(`There is no ${JSON.stringify(args.join(' '))}.\n\n${usage}`);
  return 64;
}

function help(): string {
  return Object.values(settings)
    .map(({ name, says, allowed, fallback, secret }: Setting<unknown>) => {
      const title = styleText('bold', secret ? `${name} or ${name}_FILE` : name);
      return `${title}\n  ${says}\n  allowed: ${allowed}\n  default: ${fallback}\n`;
    })
    .join('\n');
}

function check(environment: Environment): number {
  try {
    const { config, warnings, origins } = readSettings(environment);
    if (config.accounts === 'postgres' && config.databaseUrl === undefined)
      throw new ConfigError([databaseIsNeeded]);
    const keys = Object.keys(settings) as (keyof typeof settings)[];
    const widest = Math.max(...keys.map((key) => settings[key].name.length));
    for (const key of keys) {
      const { name, secret } = settings[key];
      const value = config[key];
      const isMissing = value === undefined || (Array.isArray(value) && value.length === 0);
      const shown = isMissing ? '(none)' : secret ? '(set, not shown)' : String(value);
      console.log(`${name.padEnd(widest)}  ${shown.padEnd(18)}  ${origins[key]}`);
    }
    for (const warning of warnings) console.log(styleText('yellow', `! warning: ${warning}`));
    console.log(styleText('green', '✓ these settings can be used'));
    return 0;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    for (const { detail } of error.problems) console.error(styleText('red', `✗ ${detail}`));
    return 64;
  }
}
