// JSON schemas that several routes share. They are plain JSON Schema, validated by Ajv as Fastify
// ships it; TypeBox only derives their types, so a server that starts loads no schema builder.

import type { SessionSummary } from '../../strategies/strategy.ts';

export const username = { type: 'string', minLength: 1, maxLength: 256 } as const;

/** What can be one is for the accounts to say. */
export const password = { type: 'string', minLength: 1, maxLength: 512 } as const;

/** What strategies hand over in the body. Those that use header fields hand over none of it. */
export const issued = {
  type: 'object',
  properties: {
    accessToken: { type: 'string' },
    refreshToken: { type: 'string' },
    expiresInSeconds: { type: 'number' },
  },
} as const;

export const time = { type: 'string', format: 'date-time' } as const;

/** How a session is named to people. */
export const handle = { type: 'string', pattern: '^[A-Za-z0-9_-]{1,64}$' } as const;

export const sessionList = {
  type: 'object',
  required: ['sessions'],
  properties: {
    sessions: {
      type: 'array',
      items: {
        type: 'object',
        required: ['handle', 'createdAt', 'lastSeenAt', 'expiresAt', 'current'],
        properties: {
          handle,
          createdAt: time,
          lastSeenAt: time,
          expiresAt: time,
          current: { type: 'boolean' },
        },
      },
    },
  },
} as const;

/** 204: an answer without a body. */
export const nothing = { type: 'null', description: 'Done' } as const;

/** `current` is the handle of the session that asks. */
export function listed(sessions: readonly SessionSummary[], current: string) {
  return {
    sessions: sessions.map((each) => ({
      handle: each.handle,
      createdAt: isoTime(each.createdAt),
      lastSeenAt: isoTime(each.lastSeenAt),
      expiresAt: isoTime(each.expiresAt),
      current: each.handle === current,
    })),
  };
}

export function isoTime(epochMs: number): string {
  return new Date(epochMs).toISOString();
}
