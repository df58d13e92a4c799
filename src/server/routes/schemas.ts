// JSON schemas that several routes share. They are plain JSON Schema, validated by Ajv as Fastify
// ships it; TypeBox only derives their types, so a server that starts loads no schema builder.

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

/** 204: an answer without a body. */
export const nothing = { type: 'null', description: 'Done' } as const;

export function isoTime(epochMs: number): string {
  return new Date(epochMs).toISOString();
}
