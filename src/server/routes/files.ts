// Files over HTTP: the list of mine and of those shared with me, and their content. They come in
// over the transfer protocol alone. What users sent is handed out as a thing to be kept, never as a
// page of this site: as an attachment, of the type that was found, in a sandbox should a browser
// show it all the same. A download ends with the session, as every stream does.

import { Readable } from 'node:stream';
import { create as contentDisposition } from 'content-disposition';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { OperatingError } from '../../core/errors.ts';
import type { Noticed } from '../../core/security-event.ts';
import type { OpenedFile, ReadableVault, Visitor } from '../../transfer/vault.ts';
import type { App } from '../parts.ts';
import { isoTime, time, username } from './schemas.ts';

/** With event streams, which are watched for the same end. */
const streamsPerSessionMax = 16;
const pieceBytes = 256 * 1024;

const id = { type: 'string', pattern: '^[0-9a-f]{32}$' } as const;

const fileList = {
  type: 'object',
  required: ['files'],
  properties: {
    files: {
      type: 'array',
      items: {
        type: 'object',
        required: ['id', 'name', 'type', 'bytes', 'sha256', 'storedAt', 'owner', 'mine'],
        properties: {
          id,
          name: { type: 'string' },
          type: { type: 'string' },
          bytes: { type: 'integer' },
          sha256: { type: 'string' },
          storedAt: time,
          owner: { ...username, minLength: 0 },
          mine: { type: 'boolean' },
          sharedWith: { type: 'array', items: username },
        },
      },
    },
  },
} as const;

const tags = ['files'];

export function fileRoutes(app: App, vault: ReadableVault): void {
  app.get(
    '/files',
    {
      onRequest: app.authenticated,
      schema: { summary: 'My files, and those shared with me', tags, response: { 200: fileList } },
    },
    async ({ login }) => {
      const records = await vault.list(visitorOf(login));
      const files = records.map(({ owner, ownerName, sharedWith, storedAt, ...record }) => {
        const mine = owner === login.userId;
        const seen = { storedAt: isoTime(storedAt), owner: ownerName, mine };
        return { ...record, ...seen, ...(mine && { sharedWith: [...sharedWith] }) };
      });
      return { files };
    },
  );

  app.get(
    '/files/:id',
    {
      onRequest: app.authenticated,
      // Fastify would read all of the file to say nothing of it.
      exposeHeadRoute: false,
      schema: {
        summary: 'The content of a file of mine, or of one shared with me',
        tags,
        params: { type: 'object', required: ['id'], properties: { id } } as const,
      },
    },
    async (request, reply) => {
      const { login, params } = request;
      if (app.sessionWatch.watchers(login) >= streamsPerSessionMax) {
        throw new OperatingError('overloaded', { retryAfterSeconds: 1 });
      }
      // Its place is taken before anything is waited for.
      using _ = app.sessionWatch.whileSessionLives(login, () => undefined);
      const file = await vault.open(visitorOf(login), params.id);
      if (file === undefined) {
        const about = { session: login.handle, userId: login.userId, file: params.id };
        void app.securityEvent({ kind: 'file-refused', reason: 'not-found', ...about }, request);
        throw new OperatingError('not-found');
      }
      const { record } = file;
      reply.header('content-type', record.type);
      reply.header('content-length', record.bytes);
      reply.header('content-disposition', contentDisposition(record.name));
      reply.header('repr-digest', digestField(record.sha256));
      reply.header('content-security-policy', "default-src 'none'; sandbox");
      reply.header('cross-origin-resource-policy', 'same-origin');
      return reply.send(streamed(app, file, request, reply));
    },
  );
}

function visitorOf({ userId, userName }: Visitor): Visitor {
  return { userId, userName };
}

/** RFC 9530. */
function digestField(sha256: string): string {
  return `sha-256=:${Buffer.from(sha256, 'hex').toString('base64')}:`;
}

async function* piecesOf(file: OpenedFile): AsyncGenerator<Buffer> {
  const { bytes } = file.record;
  for (let at = 0; at < bytes; at += pieceBytes) {
    yield await file.fill(Buffer.allocUnsafeSlow(Math.min(pieceBytes, bytes - at)), at);
  }
}

/** Whether it was received whole or in part is on record when it is over. */
function streamed(app: App, file: OpenedFile, request: FastifyRequest, { raw }: FastifyReply) {
  const { login } = request;
  const { id, bytes } = file.record;
  const stream = Readable.from(piecesOf(file), { objectMode: false });
  let outcome: Noticed = { kind: 'transfer-broken-off', reason: 'cut' };
  const watch = app.sessionWatch.whileSessionLives(login, (how) => {
    const reason = how === 'ended' ? 'session-ended' : 'unknown';
    outcome = { kind: 'transfer-broken-off', reason };
    stream.destroy();
  });
  raw.on('drain', watch.used);
  stream.once('end', () => {
    outcome = { kind: 'file-received' };
  });
  stream.once('close', () => {
    watch[Symbol.dispose]();
    void file[Symbol.asyncDispose]();
    const about = { session: login.handle, userId: login.userId, file: id, bytes };
    void app.securityEvent({ ...outcome, ...about }, request);
  });
  return stream;
}
