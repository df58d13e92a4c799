// What the gateway does with a request. A server that could not be connected saw no byte of it, so
// another is asked, whatever the method; after that nothing is repeated (RFC 9110 section 9.2.2),
// and a client that gets 502 or 504 must assume that its request may have been carried out.

import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Server as TlsServer } from 'node:https';
import type { Socket } from 'node:net';
import { createProxyServer } from 'httpxy';
import { patience } from '../border.ts';
import { brokenRequestHandler } from './broken-request.ts';
import { ConnectedAgent, connected, SocketAgent } from './connect.ts';
import { Journey, type Parts } from './journey.ts';
import { type Problem, raw } from './problem.ts';

/** Where a request has to go instead: a URL, null for nowhere, undefined when it may come in. */
export type Doorkeeper = (request: IncomingMessage) => string | null | undefined;

/** Makes an HTTP server proxy to the servers of the site. */
export function handle(
  server: Server | TlsServer,
  parts: Parts,
  doorkeeper: Doorkeeper = () => undefined,
): void {
  const serve = requestHandler(parts, doorkeeper);
  const latest = new WeakMap<Socket, ServerResponse>();
  server.on('request', (request, response) => {
    latest.set(request.socket, response);
    void serve(request, response);
  });
  // What a client expects besides to be told to continue is its own affair (RFC 9110, 10.1.1).
  server.on('checkExpectation', serve);
  server.on('upgrade', upgradeHandler(parts, doorkeeper));
  server.on('clientError', brokenRequestHandler(parts, latest));
}

function requestHandler(parts: Parts, doorkeeper: Doorkeeper) {
  const journeys = new WeakMap<IncomingMessage, Journey>();
  const agent = new ConnectedAgent();
  const proxy = createProxyServer({ selfHandleResponse: true, agent });

  proxy.on('proxyReq', (outgoing, request) => {
    const journey = journeys.get(request);
    if (journey === undefined) return;
    journey.hasReached = true;
    outgoing.setTimeout(parts.answerTimeoutMs, () => {
      journey.isTooLate = true;
      outgoing.destroy();
    });
    outgoing.once('response', ({ headers }) => {
      request.socket.setTimeout(patience.silenceMs);
      if (!headers['content-type']?.startsWith('text/event-stream')) return;
      outgoing.setTimeout(patience.streamSilenceMs);
      request.socket.setTimeout(patience.streamSilenceMs);
    });
  });
  proxy.on('proxyRes', (answer, request, response) => {
    response.writeHead(answer.statusCode ?? 502, journeys.get(request)?.answered(answer));
    answer.pipe(response);
  });

  return async (request: IncomingMessage, response: ServerResponse) => {
    const elsewhere = doorkeeper(request);
    const journey = new Journey(request, parts);
    journeys.set(request, journey);
    response.once('close', () => {
      journey.end(response.headersSent ? response.statusCode : null, response.writableFinished);
    });
    const refusal = journey.refusal(elsewhere);
    if (refusal !== undefined) return send(refusal);
    // Whoever has asked and waits is not silent: how long servers may take is said elsewhere.
    request.once('end', () => {
      if (!response.headersSent) request.socket.setTimeout(0);
    });
    for (const server of journey.choices()) {
      server.inFlight += 1;
      // What went wrong is in the journey; the error could only repeat it.
      await proxy.web(request, response, { target: server.url }).catch(() => undefined);
      server.inFlight -= 1;
      if (response.closed || response.headersSent) return;
    }
    send(journey.problem());

    function send({ status, fields, body }: Problem): void {
      request.socket.setTimeout(patience.silenceMs);
      response.writeHead(status, fields).end(body);
      // The connection can be used again only when the rest of the request has been read.
      request.unpipe().resume();
    }
  };
}

function upgradeHandler(parts: Parts, doorkeeper: Doorkeeper) {
  return async (request: IncomingMessage, client: Socket, head: Buffer) => {
    const elsewhere = doorkeeper(request);
    const journey = new Journey(request, parts);
    let status: number | null = null;
    let isWhole = () => true;
    const refuse = (problem: Problem) => {
      status = problem.status;
      client.end(raw(problem));
    };
    client.on('error', () => undefined);
    client.once('close', () => journey.end(status, isWhole()));
    const refusal = journey.refusal(elsewhere);
    if (refusal !== undefined) return refuse(refusal);
    for (const server of journey.choices()) {
      const upstream = await connected(server.url).catch(() => undefined);
      if (upstream === undefined) continue;
      server.inFlight += 1;
      upstream.once('close', () => {
        server.inFlight -= 1;
      });
      journey.hasReached = true;
      if (client.destroyed) return upstream.destroy();
      // A proxy for each: its events then concern this connection alone.
      const proxy = createProxyServer({ agent: new SocketAgent(upstream) });
      proxy.on('proxyReqWs', (outgoing) => {
        outgoing.prependOnceListener('upgrade', (answer: IncomingMessage) => {
          status = 101;
          show(answer, journey, ['connection', 'upgrade']);
        });
        outgoing.prependOnceListener('response', (answer) => {
          status = answer.statusCode ?? 502;
          isWhole = () => answer.complete;
          show(answer, journey, ['transfer-encoding']);
        });
      });
      proxy.on('error', (error) => {
        journey.isTooLate = 'code' in error && error.code === 'ERR_UPSTREAM_UPGRADE_TIMEOUT';
        if (status === null && !client.destroyed) refuse(journey.problem());
      });
      request.headers.connection = 'upgrade';
      request.headers.upgrade = 'websocket';
      const options = { target: server.url, upgradeTimeout: parts.answerTimeoutMs };
      return proxy.ws(request, client, options, head);
    }
    if (!client.destroyed) refuse(journey.problem());
  };
}

/** Makes the fields of an answer what the client gets, in place; those of its form are kept. */
function show(answer: IncomingMessage, journey: Journey, form: readonly string[]): void {
  const { headers } = answer;
  const kept = Object.entries(headers).filter(([name]) => form.includes(name));
  const shown = { ...journey.answered(answer), ...Object.fromEntries(kept) };
  for (const name of Object.keys(headers)) delete headers[name];
  Object.assign(headers, shown);
}
