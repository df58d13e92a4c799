// Who was served, said in `x-audit` to the gateway that logs it: which life of which server, the
// template of the route, whose session it was and which; `-` for nothing. A login counts as its own
// session's. It is for the gateway alone, which takes it out of the answer.

import { servedBy } from './config.ts';
import type { App, Parts } from './parts.ts';

/** What can be said before a request was looked at. */
export function unserved(config: Parts['config']): string {
  return `${servedBy(config)} - - -`;
}

/** Adds nothing where AUDIT_FIELD is off. */
export function addAuditField(app: App, { config }: Parts): void {
  if (!config.auditField) return;
  const server = servedBy(config);
  app.addHook('onSend', ({ recognition, routeOptions }, reply, payload, done) => {
    const { userId = '-', handle = '-' } =
      recognition?.kind === 'recognised' ? recognition.session : {};
    reply.header('x-audit', `${server} ${routeOptions.url ?? '-'} ${userId} ${handle}`);
    done(null, payload);
  });
}
