// Does a request that changes something come from a page of ours? The browser says where it comes
// from (Fetch Metadata), and old ones say it in part (Origin). A request with neither comes from no
// browser of these years: what sends it has no credential but its own, so it counts as ours.

export interface Arrival {
  readonly method: string;
  /** As the client named us; undefined when it did not. */
  readonly host: string | undefined;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
}

export interface Origins {
  /** Other origins whose pages may send requests, as `https://app.example`. */
  readonly allowedOrigins: readonly string[];
  /** True when our own origin is https, whatever a proxy in between makes of it. */
  readonly secure: boolean;
}

const safeMethods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE']);

/** RFC 9110 section 9.2.1: a request with such a method asks for no change. */
export const isSafe = (method: string): boolean => safeMethods.has(method);

/** OWASP ASVS 5.0 3.5.1. */
export function isCrossSite(arrival: Arrival, origins: Origins): boolean {
  if (isSafe(arrival.method)) return false;
  const { 'sec-fetch-site': site, origin } = arrival.headers;
  if (site === 'same-origin' || site === 'none') return false;
  if (site === undefined && origin === undefined) return false;
  if (typeof origin !== 'string') return true;
  if (origins.allowedOrigins.includes(origin)) return false;
  return site !== undefined || !isOwn(origin, arrival.host, origins.secure);
}

/** The scheme is not compared where it cannot be known: a proxy may end TLS. */
function isOwn(origin: string, host: string | undefined, secure: boolean): boolean {
  const url = URL.parse(origin);
  if (url?.origin !== origin || (secure && url.protocol !== 'https:')) return false;
  return URL.parse(`${url.protocol}//${host}`)?.host === url.host;
}
