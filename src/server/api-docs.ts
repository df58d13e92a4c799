// The description of the API in OpenAPI 3.1, made from the routes' own schemas, and a page to read
// and try it, which works without a network. Loaded only where it is switched on: a server that
// starts a hundred times an hour does without. The problems that any route may answer are added
// here, so that starting compiles no serialiser for them.

import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import { errors } from '../core/errors.ts';
import type { Config } from './config.ts';
import type { App } from './parts.ts';

const problem = {
  description: 'What went wrong (RFC 9457)',
  content: {
    'application/problem+json': {
      schema: {
        type: 'object',
        required: ['type', 'title', 'status', 'detail', 'code', 'requestId'],
        properties: {
          type: { type: 'string' },
          title: { type: 'string' },
          status: { type: 'integer' },
          detail: { type: 'string' },
          code: { type: 'string', enum: Object.keys(errors) },
          requestId: { type: 'string' },
        },
      },
    },
  },
} as const;

const credentials = {
  header: { type: 'apiKey', in: 'header', name: 'x-session-id' },
  token: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' },
} as const;

/** Must run before the routes that it describes are added to the same scope. */
export async function addApiDocs(scope: App, { cookieName }: Config): Promise<void> {
  const cookie = { type: 'apiKey', in: 'cookie', name: `__Host-${cookieName}` } as const;
  const securitySchemes = { cookie, ...credentials };
  const anyCredential = Object.keys(securitySchemes).map((name) => ({ [name]: [] }));
  await scope.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'sessionlab',
        description: 'One application, and three answers to "who is asking?".',
        version: '1',
      },
      components: { securitySchemes },
    },
    transform: ({ schema, url, route }) => {
      const asksWho = [route.onRequest].flat().includes(scope.authenticated);
      return {
        url,
        schema: {
          ...schema,
          response: {
            '2XX': { description: 'Done' },
            ...Object(schema?.response),
            default: problem,
          },
          ...(asksWho && { security: anyCredential }),
        },
      };
    },
  });
  const staticCSP = "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'";
  await scope.register(swaggerUi, { routePrefix: '/docs', staticCSP });
  scope.get(
    '/openapi.json',
    { schema: { summary: 'This description', tags: ['description'] } },
    async () => scope.swagger(),
  );
}
