// The servers of each group as nginx's upstreams. `<group>` takes whom the policy says. Where the
// policy leaves the choice open, a server that just failed is spared for a second, unless all have.
// nginx cannot spare anybody by dice or by hash, so a second try is then made by turns, `<group>.any`.

import { affinityCookieName } from '../border.ts';
import type { SiteGroup, SiteServer } from './site.ts';
import { literally, map, named } from './text.ts';

/** Idle connections to a server, for each worker; dropped long before the server would. */
const KEPT = ['keepalive 64;', 'keepalive_timeout 4s;'];
const CAREFUL = 'max_fails=1 fail_timeout=1s';
const TRUSTING = 'max_fails=0';

/** How nginx is told each policy; an empty text is taking turns. */
const methods: Readonly<Record<string, string>> = {
  'round-robin': '',
  'least-connections': 'least_conn;',
  'sticky-cookie': 'least_conn;',
  random: 'random;',
  'client-hash': 'hash $remote_addr;',
  'consistent-hash': 'hash $remote_addr consistent;',
};
/** With these nginx knows no backup, so nobody may be spared. */
const withoutBackup = ['random', 'client-hash', 'consistent-hash'];

export function upstreams(groups: readonly SiteGroup[]): string {
  return groups
    .filter(({ fit }) => fit.length > 0)
    .flatMap(ofGroup)
    .join('\n');
}

function ofGroup({ name, policyName, policy, fit }: SiteGroup): string[] {
  const method = methods[policyName];
  if (method === undefined) throw new Error(`nginx is not told how to do ${policyName}`);
  const careful = [...fit.map((each) => server(each, CAREFUL)), ...backups(fit)];
  const all = fit.map((each) => server(each, TRUSTING));
  const own = policy.setsCookie ? fit.map((one) => bound(name, one, fit)) : [];
  const any = secondTry({ name, policyName });
  if (any === name) return [upstream(name, [shared(name, fit), method, ...careful]), ...own];
  return [
    upstream(name, [shared(name, fit), method, ...all]),
    upstream(any, [shared(any, fit), ...careful]),
  ];
}

/** The upstream for those whose server could not be reached. */
export function secondTry({ name, policyName }: Pick<SiteGroup, 'name' | 'policyName'>): string {
  return withoutBackup.includes(policyName) ? `${name}.any` : name;
}

/** For clients that are bound to one server; the others only when it cannot be reached. */
function bound(group: string, one: SiteServer, fit: readonly SiteServer[]): string {
  const others = fit.filter((each) => each !== one);
  const rest = others.map((each) => server(each, `${TRUSTING} backup`));
  return upstream(`${group}.to.${one.name}`, [server(one, TRUSTING), ...rest]);
}

function backups(fit: readonly SiteServer[]): string[] {
  return fit.length > 1 ? fit.map((each) => server(each, `${TRUSTING} backup`)) : [];
}

function upstream(name: string, lines: readonly string[]): string {
  const all = [...lines.filter((line) => line !== ''), ...KEPT];
  return [`  upstream ${name} {`, ...all.map((line) => `    ${line}`), '  }'].join('\n');
}

function server({ address }: SiteServer, how: string): string {
  return `server ${address} ${how};`;
}

/** What one worker learns of a server all of them know. */
function shared(name: string, fit: readonly SiteServer[]): string {
  return `zone ${name} ${64 + 4 * fit.length}k;`;
}

/** Whom a request is given to, who that was by name, and to whom its client is bound. */
export function choices(groups: readonly SiteGroup[]): string {
  const sticky = groups.filter(({ policy }) => policy.setsCookie);
  const asked = groups.flatMap(({ name, servers }) =>
    servers.map((server): [string, string] => {
      const last = `${literally(server.address)}((, | : )${name}[^ ]*)?$`;
      return [`~^${name} (.* )?${last}`, server.name];
    }),
  );
  return [
    map('$group $upstream_addr', 'asked', [...asked, ['default', '']]),
    ...sticky.flatMap(ofCookie),
  ].join('\n');
}

function ofCookie({ name, variable, servers, fit }: SiteGroup): string[] {
  const names = servers.map((server): [string, string] => {
    const pair = `${affinityCookieName(name)}=${literally(server.name)}`;
    return [`~(^|;\\s*)${pair}\\s*(;|$)`, server.name];
  });
  const homes = fit.map((server): [string, string] => {
    return [named(server.name), `${name}.to.${server.name}`];
  });
  return [
    map('$http_cookie', `stuck_${variable}`, [...names, ['default', '']]),
    map(`$stuck_${variable}`, `home_${variable}`, [...homes, ['default', name]]),
  ];
}
