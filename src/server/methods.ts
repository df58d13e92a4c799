// Tells "there is nothing here" (404) from "not with this method" (405), which the router does not:
// the table of routes, searched by path alone, and only after the router found nothing.

export type RouteTable = Map<string, Set<string>>;

/** The methods that some route has for this path; none when there is no such path. */
export function allowedMethods(table: RouteTable, url: string): readonly string[] {
  const path = url.split('?', 1)[0] ?? '';
  for (const [pattern, methods] of table) {
    if (matches(pattern.split('/'), path.split('/'))) return [...methods].sort();
  }
  return [];
}

function matches(pattern: readonly string[], path: readonly string[]): boolean {
  const open = pattern.at(-1) === '*';
  if (open ? path.length < pattern.length : path.length !== pattern.length) return false;
  return pattern.every(
    (segment, index) =>
      segment === path[index] ||
      (segment === '*' && open) ||
      (segment.startsWith(':') && path[index] !== ''),
  );
}
