// The routes of the site as nginx's locations. A location only notes what the way is; how a request
// is then passed on depends on what kind of request it is.

import { affinityCookieName } from '../border.ts';
import type { Route } from '../gateway.ts';
import type { SiteGroup } from './site.ts';
import { literally, map, word } from './text.ts';
import { secondTry } from './upstreams.ts';

/** nginx follows ten internal ways, and needs three for others. */
const TRIES_MAX = 7;

export function routes(all: readonly Route[], groups: readonly SiteGroup[]): string[] {
  const own = all.map((route) => {
    const sign = route.path.endsWith('/') ? '' : '= ';
    const target = `$target_${basesOf(all).indexOf(route.base ?? '')}`;
    return location(`${sign}${word(route.path)}`, route, target, groups);
  });
  return all.some(({ path }) => path === '/') ? own : [...own, '    location / { return 404; }'];
}

function location(
  pattern: string,
  route: Route,
  target: string,
  groups: readonly SiteGroup[],
): string {
  const group = groups.find(({ name }) => name === route.group);
  const lines = [
    `set $route ${word(route.path)};`,
    ...(group === undefined ? ['return 404;'] : to(group, target)),
  ];
  return [`    location ${pattern} {`, ...lines.map((line) => `      ${line}`), '    }'].join('\n');
}

function to(group: SiteGroup, target: string): string[] {
  const { name, variable, policy, fit } = group;
  if (fit.length === 0) return ['return 503;'];
  const sticky = policy.setsCookie;
  return [
    `set $group ${name};`,
    `set $target ${target};`,
    `set $first ${sticky ? `$home_${variable}` : name};`,
    `set $second ${secondTry(group)};`,
    `set $tries_max ${Math.min(TRIES_MAX, fit.length + 1)};`,
    ...(sticky ? [`set $stuck $stuck_${variable};`] : []),
    ...(sticky ? [`set $affinity ${affinityCookieName(name)};`] : []),
    'rewrite ^ //$kind last;',
  ];
}

/** What servers get of the path, as it came: without the base. */
export function targets(all: readonly Route[]): string {
  return basesOf(all)
    .map((base, index) =>
      map('$request_uri', `target_${index}`, [
        [`~^${literally(base)}(?<below_${index}>/.*)$`, `$below_${index}`],
        ['default', '$request_uri'],
      ]),
    )
    .join('\n');
}

/** Known by their place here: the name of what a pattern finds has at most 32 characters. */
function basesOf(all: readonly Route[]): string[] {
  return [...new Set(all.map(({ base = '' }) => base))];
}
