// The kinds of setting: numbers, choices, names, lists, URLs. Each knows what may be written, says
// it for people, and reads a text without throwing.

import { BlockList, isIP } from 'node:net';

/** The text that is given for a name, wherever it was written. */
export type Given = (name: string) => string | undefined;

export interface Setting<T> {
  /** The name in the environment and in CONFIG_FILE. */
  readonly name: string;
  /** What it decides, in a few words. */
  readonly says: string;
  /** What may be written, for people. */
  readonly allowed: string;
  /** What holds when nothing is written, for people. */
  readonly fallback: string;
  /** True when the value must not be shown. It may then be in a file, which NAME_FILE names. */
  readonly secret: boolean;
  /** undefined for a text that is not allowed. */
  readonly parse: (text: string) => T | undefined;
  readonly absent: (given: Given) => T;
}

/** A default that depends on other settings, and how to say it. */
export interface Derived<T> {
  readonly says: string;
  readonly from: (given: Given) => T;
}

function derived<T extends string | number>(fallback: T | Derived<T>): Derived<T> {
  return typeof fallback === 'object' ? fallback : { says: `${fallback}`, from: () => fallback };
}

export function whole(
  name: string,
  says: string,
  fallback: number | Derived<number>,
  least: number,
  most: number,
) {
  const otherwise = derived(fallback);
  return {
    name,
    says,
    allowed: `a whole number from ${least} to ${most}`,
    fallback: otherwise.says,
    secret: false,
    parse: (text: string) => {
      const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
      return value >= least && value <= most ? value : undefined;
    },
    absent: otherwise.from,
  } satisfies Setting<number>;
}

export function oneOf<T extends string>(
  name: string,
  says: string,
  fallback: NoInfer<T> | Derived<NoInfer<T>>,
  values: readonly T[],
) {
  const otherwise = derived<T>(fallback);
  return {
    name,
    says,
    allowed: values.join(', '),
    fallback: otherwise.says,
    secret: false,
    parse: (text: string) => values.find((value) => value === text),
    absent: (given: Given): T => otherwise.from(given),
  } satisfies Setting<T>;
}

export function yesNo(name: string, says: string, fallback: boolean) {
  return {
    ...oneOf(name, says, String(fallback), ['true', 'false']),
    parse: (text: string) => (text === 'true' ? true : text === 'false' ? false : undefined),
    absent: () => fallback,
  } satisfies Setting<boolean>;
}

export function plainName(name: string, says: string, fallback: string | Derived<string>) {
  const otherwise = derived(fallback);
  return {
    name,
    says,
    allowed: 'up to 32 letters, digits, dots and dashes',
    fallback: otherwise.says,
    secret: false,
    parse: (text: string) => (/^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$/.test(text) ? text : undefined),
    absent: otherwise.from,
  } satisfies Setting<string>;
}

/** A text as it is; what may be written is for the setting to say. */
export function text(name: string, says: string) {
  return {
    name,
    says,
    secret: false,
    parse: (given: string): string | undefined => given,
    absent: (): string | undefined => undefined,
  };
}

/** Connection URLs are secrets as a whole, because they carry passwords. */
export function url(name: string, says: string, fallback: string, schemes: readonly string[]) {
  return {
    name,
    says,
    allowed: `a URL that begins with ${schemes.map((each) => `${each}://`).join(' or ')}`,
    fallback,
    secret: true,
    parse: (text: string): string | undefined => {
      const [scheme = '', rest = ''] = text.split('://', 2);
      // Several hosts with commas (Sentinel, Cluster) are no URL to the platform.
      const readable = scheme.includes('+') ? /^[^\s/?#]+/.test(rest) : URL.canParse(text);
      return schemes.includes(scheme) && readable ? text : undefined;
    },
    absent: (): string | undefined => undefined,
  } satisfies Setting<string | undefined>;
}

/** A secret that is a JSON object. */
export function jsonSecret(name: string, says: string, allowed: string) {
  return {
    name,
    says,
    allowed,
    fallback: 'none',
    secret: true,
    parse: (text: string): string | undefined => (isJsonObject(text) ? text : undefined),
    absent: (): string | undefined => undefined,
  } satisfies Setting<string | undefined>;
}

/** Several of one kind, with commas between. */
export function list(
  name: string,
  says: string,
  allowed: string,
  isOne: (text: string) => boolean,
) {
  return {
    name,
    says,
    allowed: `${allowed}; several with commas`,
    fallback: 'none',
    secret: false,
    parse: (text: string): readonly string[] | undefined => {
      const all = text.split(',').map((each) => each.trim());
      return all.every(isOne) ? all : undefined;
    },
    absent: (): readonly string[] => [],
  } satisfies Setting<readonly string[]>;
}

/**
 * An address, a network, or one of the names that stand for private networks. A network that is
 * wider than any private one is the world, and takes in whoever asks.
 */
export function isNetwork(text: string): boolean {
  if (['loopback', 'linklocal', 'uniquelocal'].includes(text)) return true;
  const [address = '', bits, more] = text.split('/');
  if (more !== undefined || isIP(address) === 0) return false;
  if (bits === undefined) return true;
  // A mapped network is one of IPv4, whose bits count from the 97th.
  if (/^::ffff:/i.test(address)) return false;
  const [least, most] = isIP(address) === 4 ? [8, 32] : [16, 128];
  return /^\d{1,3}$/.test(bits) && Number(bits) >= least && Number(bits) <= most;
}

export function isOrigin(text: string): boolean {
  return URL.parse(text)?.origin === text;
}

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8);
loopback.addAddress('::1', 'ipv6');

/** Can nobody but this machine reach it? */
export function isLoopback(host: string): boolean {
  const family = isIP(host);
  if (family === 0) return host === 'localhost';
  return loopback.check(host, family === 6 ? 'ipv6' : 'ipv4');
}

/** Do others than this machine get answers? Through a proxy that is named they do. */
export function isReachable(host: string, trustProxy: string | readonly string[] = ''): boolean {
  return !isLoopback(host) || trustProxy.length > 0;
}

function isJsonObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}
