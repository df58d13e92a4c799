// What both gateways hold to at the border, written once: which paths are refused, which fields
// every answer carries, whose fields are not believed, and how patient a gateway is.

/**
 * Paths that two readers may read in two ways: dot segments, empty segments, backslashes, control
 * characters, a `#` (for some the path ends there), and percent-encoding of what needs none or of a
 * slash. Applied to the path as it came, without the query. Its source means the same to PCRE.
 */
export const ambiguousPath =
  /\/\/|\/\.\.?(?=[/?]|$)|\\|#|[^!-~]|%(2[def]|3\d|[46][1-9a-f]|5[\dacf]|7[\daef]|[01][\da-f])/i;

/** On every answer, the gateway's own errors included; a server's own value is replaced. */
export const securityFields: Readonly<Record<string, string>> = {
  'x-content-type-options': 'nosniff',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
};
/** On every answer over TLS (RFC 6797): a year. */
export const strictTransport = 'max-age=31536000; includeSubDomains';

/**
 * What is spoken over TLS, in OpenSSL's words: of TLS 1.2 only what has forward secrecy and
 * authenticates what it encrypts (RFC 9325, 4.2), which all of TLS 1.3 does.
 */
export const ciphers = {
  'TLSv1.2': [
    ...['ECDHE-ECDSA-AES128-GCM-SHA256', 'ECDHE-RSA-AES128-GCM-SHA256'],
    ...['ECDHE-ECDSA-AES256-GCM-SHA384', 'ECDHE-RSA-AES256-GCM-SHA384'],
    ...['ECDHE-ECDSA-CHACHA20-POLY1305', 'ECDHE-RSA-CHACHA20-POLY1305'],
  ],
  'TLSv1.3': ['TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256'],
} as const;

/** What a log may say of a method (RFC 9110, RFC 5789). */
export const knownMethods: readonly string[] = [
  ...['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH'],
];

export const patience = {
  /** A client sends the header of a request within this. */
  headersMs: 8_000,
  /** A client may be silent for this long in the middle of a request or of an answer. */
  silenceMs: 8_000,
  /** A client sends a whole request within this. */
  requestMs: 10_000,
  /** A stream of events may be silent for this long; servers let it beat more often. */
  streamSilenceMs: 60_000,
  /** Longer than clients keep a connection that they do not use. */
  keepAliveMs: 75_000,
  /** A server accepts a connection within this. */
  connectMs: 1_000,
} as const;

export const sizes = {
  headerBytesMax: 16_384,
  bodyBytesMax: 1_048_576,
  /** Requests at once; each holds at most one connection to a server. */
  requestsMax: 4_096,
} as const;

/** How long what is in flight may take to finish when a gateway is told to end. */
export function drainMs({ answerTimeoutMs }: { readonly answerTimeoutMs: number }): number {
  return Math.max(2_000, answerTimeoutMs);
}

export function affinityCookieName(group: string): string {
  return `affinity_${group}`;
}
