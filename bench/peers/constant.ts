// The limit: what node:http can do when there is nothing to do.

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dashboardText, ready } from './answer.ts';

const server = createServer((_request, response) => {
  response.writeHead(200, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': dashboardText.length,
  });
  response.end(dashboardText);
});
server.listen(0, '127.0.0.1', () => ready((server.address() as AddressInfo).port));
