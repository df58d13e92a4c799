// The page's own server, put together: the page and its files, what there is to choose, the stream
// of what happens, orders, and what is recorded. It listens on this machine alone, behind the front
// gateway. What it refuses is a problem document (RFC 9457).

import Fastify, { type FastifyInstance, type FastifyReply } from 'fastify';
import { destination, pino } from 'pino';
import { OperatingError } from '../core/errors.ts';
import type { Lab } from '../lab/lab.ts';
import { sendProblem } from '../server/problem.ts';
import { choicesIn } from './choices.ts';
import { type Order, paths } from './contract.ts';
import { chapterPath, type Document, documentAt } from './documents.ts';
import { type Admission, addGuard } from './guard.ts';
import type { Lanes } from './lanes.ts';
import { preformatted } from './markdown.ts';
import { carryOut, orderSchema } from './orders.ts';
import type { PageFiles } from './page-files.ts';
import { type Recorded, runPattern } from './recorded.ts';
import { framePath, textPage } from './text-page.ts';

export interface PageParts {
  readonly lanes: Lanes;
  readonly lab: Promise<Lab>;
  readonly recorded: Recorded;
  readonly files: PageFiles;
  readonly admission: Admission;
  /** Where people find the page. */
  url(): string;
}

const orderBytesMax = 4_096;

/** Nothing inline, nothing from elsewhere. */
const contentPolicy = [
  ...["default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self'"],
  ...["connect-src 'self'", "font-src 'self'", "base-uri 'none'", "form-action 'none'"],
  "frame-ancestors 'none'",
].join('; ');

export function buildPageServer(parts: PageParts): FastifyInstance {
  const log = pino({ level: 'error' }, destination(2));
  const app = Fastify({
    bodyLimit: orderBytesMax,
    forceCloseConnections: true,
    routerOptions: { maxParamLength: 256 },
    ajv: {
      customOptions: {
        discriminator: true,
        coerceTypes: false,
        removeAdditional: false,
        useDefaults: false,
      },
    },
  });
  // Orders are JSON: what a form of another site can send, as text too, is none.
  app.removeContentTypeParser('text/plain');
  app.addHook('onRequest', (_request, reply, done) => {
    reply.headers({
      'content-security-policy': contentPolicy,
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
      'cache-control': 'no-store',
    });
    done();
  });
  addGuard(app, parts.admission);
  const refuse = (error: unknown, id: string, reply: FastifyReply) =>
    sendProblem(error, id, reply, log);
  app.setErrorHandler((error, { id }, reply) => void refuse(error, id, reply));
  app.setNotFoundHandler(
    ({ id }, reply) => void refuse(new OperatingError('not-found'), id, reply),
  );
  addLabRoutes(app, parts);
  addRunRoutes(app, parts);
  addFileRoutes(app, parts);
  return app;
}

function addLabRoutes(app: FastifyInstance, { lanes, lab, url }: PageParts): void {
  app.get(paths.choices, async () => choicesIn(await lab));
  app.get(paths.events, (_request, reply) => {
    if (lanes.live.isFull) throw new OperatingError('overloaded', { retryAfterSeconds: 5 });
    reply.header('content-type', 'text/event-stream').header('x-accel-buffering', 'no');
    return reply.send(lanes.live.open(lanes.everything()));
  });
  app.post(paths.orders, { schema: { body: orderSchema } }, ({ body }) =>
    // The schema beside says what an order is; the type says it again for the compiler.
    carryOut(body as Order, lanes, url()),
  );
}

interface Named {
  Params: { readonly name: string };
}

function addRunRoutes(app: FastifyInstance, { recorded, files }: PageParts): void {
  const params = { type: 'object', properties: { name: { type: 'string', pattern: runPattern } } };
  const ofRun = { schema: { params } };
  app.get(paths.runs, () => recorded.list());
  app.get<Named>(`${paths.runs}/:name/history`, ofRun, ({ params }, reply) => {
    reply.header('content-type', 'application/x-ndjson');
    return reply.send(found(recorded.history(params.name)));
  });
  app.get<Named>(`${paths.runs}/:name/verdicts`, ofRun, async ({ params }) =>
    found(await recorded.verdicts(params.name)),
  );
  app.get<Named>(`${paths.runs}/:name/report`, ofRun, async ({ params }, reply) => {
    const title = `Report of ${params.name}`;
    const html = preformatted(title, found(await recorded.report(params.name)));
    return sendDocument(reply, files, { title, html });
  });
}

function addFileRoutes(app: FastifyInstance, { files }: PageParts): void {
  app.get<Named>(`${paths.chapters}/:name`, async ({ params }, reply) =>
    sendDocument(reply, files, found(await documentAt(chapterPath(params.name)))),
  );
  app.get<{ Params: { readonly '*': string } }>(`${paths.files}/*`, async ({ params }, reply) =>
    sendDocument(reply, files, found(await documentAt(params['*']))),
  );
  app.get('/*', async ({ url }, reply) => {
    const [path = '/'] = url.split('?', 1);
    const { type, body, isForever } = found(await files.read(path));
    if (isForever) reply.header('cache-control', 'public, max-age=31536000, immutable');
    return reply.type(type).send(body);
  });
}

async function sendDocument(
  reply: FastifyReply,
  files: PageFiles,
  document: Document,
): Promise<FastifyReply> {
  if ('body' in document) return reply.type(document.type).send(document.body);
  const frame = (await files.read(framePath))?.body.toString();
  const text = textPage(document.title, document.html, frame);
  return reply.type('text/html; charset=utf-8').send(text);
}

function found<T>(thing: T | undefined): T {
  if (thing === undefined) throw new OperatingError('not-found');
  return thing;
}
