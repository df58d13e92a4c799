// How far something is, and how much it is, for people.

export function bar(share: number, width = 24): string {
  const full = Math.round(Math.min(share, 1) * width);
  return '█'.repeat(full) + '░'.repeat(width - full);
}

const units = ['KiB', 'MiB', 'GiB', 'TiB'];

/** '24 B', '1.5 MiB'. */
export function size(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  const power = Math.min(Math.floor(Math.log2(bytes) / 10), units.length);
  return `${(bytes / 1024 ** power).toFixed(1)} ${units[power - 1]}`;
}
