// The description of the API says everything that there is, in valid OpenAPI 3.1, and its page
// needs no other server.

import { expect, test } from 'vitest';
import { answers, clientOf, startApp } from './ground.ts';

test('the description is OpenAPI 3.1 and lists every route with its answers', async () => {
  await using server = await startApp(answers[1], { API_DOCS: 'true' });
  const { status, body } = await clientOf(server.app).ask('GET', '/openapi.json');
  expect(status).toBe(200);
  expect(body.openapi).toMatch(/^3\.1\.\d+$/);
  expect(body.info).toMatchObject({ title: expect.any(String), version: expect.any(String) });
  const described = Object.entries<Record<string, unknown>>(body.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );
  const served = [...server.app.routeTable]
    .filter(([path]) => !path.startsWith('/docs'))
    .flatMap(([path, methods]) =>
      [...methods]
        .filter((method) => method !== 'HEAD')
        .map((method) => `${method} ${path.replace(/:(\w+)/g, '{$1}')}`),
    );
  expect(described.sort()).toEqual(served.sort());
  for (const methods of Object.values<Record<string, { responses: object; summary: string }>>(
    body.paths,
  )) {
    for (const operation of Object.values(methods)) {
      expect(operation.summary).toEqual(expect.any(String));
      expect(Object.keys(operation.responses)).toContain('default');
      for (const response of Object.values(operation.responses)) {
        expect(response).toHaveProperty('description');
      }
    }
  }
  expect(body.paths['/dashboard'].get.security.length).toBeGreaterThan(0);
  expect(body.paths['/login'].post.security).toBeUndefined();
});

test('the page and all that it loads come from this server', async () => {
  await using server = await startApp(answers[1], { API_DOCS: 'true' });
  const client = clientOf(server.app);
  const page = await client.ask('GET', '/docs/');
  expect(page.status).toBe(200);
  const loads = [...String(page.body).matchAll(/(?:src|href)="([^"]+)"/g)].map(([, url]) => url);
  expect(loads.length).toBeGreaterThan(3);
  for (const url of loads) {
    expect(url).not.toMatch(/^(https?:)?\/\//);
    const path = new URL(url ?? '', 'http://here/docs/').pathname;
    expect([path, (await client.ask('GET', path)).status]).toEqual([path, 200]);
  }
  expect(page.headers['content-security-policy']).toContain("default-src 'self'");
});

test('a server without the description has neither', async () => {
  await using server = await startApp(answers[1]);
  for (const path of ['/openapi.json', '/docs', '/docs/']) {
    expect((await clientOf(server.app).ask('GET', path)).status).toBe(404);
  }
});
