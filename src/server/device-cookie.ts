// How a device shows at a login that somebody was let in from it before (accounts/device.ts). The
// cookie outlives the session, opens nothing, and is no session's. It names no path, so it goes to
// all that stands beside the login as the browser sees it, whatever a gateway takes off in between.

import type { Config } from './config.ts';

/** As long as browsers keep any cookie (RFC 6265bis). */
const seconds = 400 * 24 * 60 * 60;
const shape = /(?:^|;[ \t]*)(?:__Secure-)?device=([^;]*)/;

export function deviceIn(cookie: string | undefined): string | undefined {
  return shape.exec(cookie ?? '')?.[1];
}

export function deviceCookie(device: string, { secureCookies }: Config): string {
  const [name, secure] = secureCookies ? ['__Secure-device', '; Secure'] : ['device', ''];
  return `${name}=${device}; Max-Age=${seconds}; HttpOnly; SameSite=Strict${secure}`;
}
