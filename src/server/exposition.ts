// The text format of Prometheus, for numbers that are kept as plain numbers: a counter that is a
// member of an array costs a request nothing, one of a library costs it more than its look-up.

export interface Sample {
  readonly labels?: Readonly<Record<string, string | number>>;
  readonly value: number | Histogram;
}

export interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly samples: readonly Sample[];
}

/** Upper bounds in milliseconds: from a look-up in memory to what nobody waits for. */
const boundsMs = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000];

/** How often something took how long. */
export class Histogram {
  /** One count for each bound, and one for what is above all. Not cumulative. */
  readonly counts: number[] = new Array(boundsMs.length + 1).fill(0);
  sumMs = 0;

  observe(ms: number): void {
    let at = 0;
    while (at < boundsMs.length && ms > (boundsMs[at] as number)) at += 1;
    this.counts[at] = (this.counts[at] as number) + 1;
    this.sumMs += ms;
  }
}

export function expositionOf(families: readonly Family[]): string {
  return families
    .flatMap(({ name, help, type, samples }) => [
      `# HELP ${name} ${help}`,
      `# TYPE ${name} ${type}`,
      ...samples.flatMap((sample) => linesOf(name, sample)),
      '',
    ])
    .join('\n');
}

function linesOf(name: string, { labels = {}, value }: Sample): string[] {
  if (typeof value === 'number') return [`${name}${braced(labels)} ${value}`];
  let total = 0;
  const buckets = value.counts.map((count, index) => {
    total += count;
    const bound = boundsMs[index];
    const le = bound === undefined ? '+Inf' : bound / 1_000;
    return `${name}_bucket${braced({ ...labels, le })} ${total}`;
  });
  const own = braced(labels);
  return [...buckets, `${name}_sum${own} ${value.sumMs / 1_000}`, `${name}_count${own} ${total}`];
}

function braced(labels: Readonly<Record<string, string | number>>): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(`${value}`)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

function escaped(value: string): string {
  return value.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n');
}
