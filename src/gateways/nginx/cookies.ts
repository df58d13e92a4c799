// The cookies as servers are shown them: `$cookies`. The gateway's own are taken out; a group that
// names those it wants is shown just these, one after the other, put together from what was found.

import { affinityCookieName } from '../border.ts';
import type { SiteGroup } from './site.ts';
import { literally, map, named } from './text.ts';

export function cookies(groups: readonly SiteGroup[]): string {
  const choosy = groups.filter((group) => group.cookies !== undefined);
  const names = [...new Set(choosy.flatMap((group) => group.cookies ?? []))];
  const found = (name: string) => `$cookie_found_${names.indexOf(name)}`;
  const shown = choosy.map((group): [string, string] => {
    return [named(group.name), (group.cookies ?? []).map(found).join('')];
  });
  return [
    ...withoutOurs(groups.filter(({ policy }) => policy.setsCookie)),
    ...names.map(finding),
    map('$group', 'cookies_shown', [...shown, ['default', '; $cookies_left']]),
    map('$cookies_shown', 'cookies', [
      ['~^; (?<cookies_of_group>.*)$', '$cookies_of_group'],
      ['default', ''],
    ]),
  ].join('\n');
}

/** The first of this name, behind what separates it from another. */
function finding(name: string, index: number): string {
  return map('$http_cookie', `cookie_found_${index}`, [
    [`~(^|;)\\s*(?<cookie_${index}_is>${literally(name)}=[^;]*)`, `; $cookie_${index}_is`],
    ['default', ''],
  ]);
}

/** Each step takes out the cookie of one group. */
function withoutOurs(sticky: readonly SiteGroup[]): string[] {
  const steps = sticky.map(({ name }, index) => {
    const from = index === 0 ? '$http_cookie' : `$cookies_${index}`;
    const [head, tail] = [`head_${index}`, `tail_${index}`];
    const ours = `${affinityCookieName(name)}=[^;]*`;
    return map(from, `cookies_${index + 1}`, [
      [`~^(?<${head}>.*?);\\s*${ours}(?<${tail}>;.*)?$`, `$${head}$${tail}`],
      [`~^\\s*${ours}(;\\s*(?<rest_${index}>.*))?$`, `$rest_${index}`],
      ['default', from],
    ]);
  });
  const last = sticky.length === 0 ? '$http_cookie' : `$cookies_${sticky.length}`;
  return [...steps, map(last, 'cookies_left', [['default', last]])];
}
