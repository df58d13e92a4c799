// The public keys, for others that verify our tokens (RFC 7517 section 5). The one answer that may
// be kept: for a minute, which is shorter than a new key is published before it signs. Secret keys
// (HS256) are not among them; servers that share one have it already.

import type { KeyRing } from '../../keys/key-ring.ts';
import type { App } from '../parts.ts';

const keySet = {
  type: 'object',
  required: ['keys'],
  properties: {
    keys: {
      type: 'array',
      items: {
        type: 'object',
        required: ['kty', 'crv', 'x', 'kid', 'alg', 'use'],
        properties: Object.fromEntries(
          ['kty', 'crv', 'x', 'y', 'kid', 'alg', 'use'].map((name) => [name, { type: 'string' }]),
        ),
      },
    },
  },
} as const;

export function jwksRoutes(app: App, keys: KeyRing): void {
  app.get(
    '/.well-known/jwks.json',
    {
      schema: {
        summary: 'Which keys verify the tokens of this service?',
        tags: ['keys'],
        response: { 200: keySet },
      },
    },
    async (_request, reply) => {
      reply.header('cache-control', 'public, max-age=60');
      return { keys: [...keys.jwks().keys] };
    },
  );
}
