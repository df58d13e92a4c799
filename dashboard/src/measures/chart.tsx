// Two small charts over the same seconds, light enough to draw anew each time: how many requests
// ended how, and how long they took, with faults as bands behind both. The numbers stand beside
// them; what the colours and the bands are stands underneath.

import { useMemo } from 'preact/hooks';
import { type Latencies, quantile } from '../../../src/api/latency.ts';
import { type Mark, marks, type Second, type Stage, type Trouble } from '../../../src/api/stage.ts';
import { markWords } from '../fate.tsx';

/** What is drawn: the last minute, or less as long as there was less. */
const spanMin = 15;
const spanMax = 60;
/** In units of the drawing. */
const secondWidth = 4;
const barWidth = 3.2;
const height = 60;

interface Props {
  readonly stage: Stage;
  /** The run's clock now, in milliseconds. */
  readonly now: number;
}

export function Charts({ stage, now }: Props) {
  if (stage.seconds.length === 0) return null;
  const last = Math.floor(now / 1000);
  const span = Math.max(spanMin, Math.min(spanMax, last + 1));
  const first = last - span + 1;
  const recent = stage.seconds.slice(-span).filter(({ at }) => at >= first);
  const bands = stage.troubles.filter(({ to }) => to === null || to / 1000 >= first);
  const most = Math.max(4, ...recent.map(inAll));
  const p95s = recent.map(({ at, latencies }) => ({ at, ms: p95Of(latencies) }));
  const slowest = Math.max(10, ...p95s.map(({ ms }) => ms));
  const axis = { bands, first, span, now };
  return (
    <div class="charts">
      <Chart title="requests a second" top={`${most}`} {...axis}>
        <Bars seconds={recent} first={first} most={most} />
      </Chart>
      <Chart title="95 % within" top={inMs(slowest)} {...axis}>
        <path class="latency" d={pathOf(p95s, first, slowest)} />
      </Chart>
      <Legend recent={recent} bands={bands} />
    </div>
  );
}

interface ChartProps {
  readonly title: string;
  readonly top: string;
  readonly bands: readonly Trouble[];
  readonly first: number;
  /** In seconds. */
  readonly span: number;
  readonly now: number;
  readonly children: preact.ComponentChildren;
}

function Chart({ title, top, bands, first, span, now, children }: ChartProps) {
  const names = namesOf(bands);
  const said = names.length === 0 ? '' : `, with faults: ${names.join(', ')}`;
  return (
    <figure>
      <figcaption class="label">
        {title} <span class="push">0 to {top}</span>
      </figcaption>
      <svg
        viewBox={`0 0 ${xOf(span)} ${height}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`${title}, the last ${span} seconds, at most ${top}${said}`}
      >
        {bands.map(({ kind, target, from, to }) => (
          <rect
            key={`${kind} ${target} ${from}`}
            class="band"
            x={xOf(from / 1000 - first)}
            width={Math.max(1.5, xOf((to ?? now) / 1000) - xOf(from / 1000))}
            y="0"
            height={height}
          />
        ))}
        {children}
        <line class="floor" x1="0" x2={xOf(span)} y1={height - 0.5} y2={height - 0.5} />
      </svg>
      <p class="axis label" aria-hidden="true">
        <span>{span} s ago</span>
        <span>now</span>
      </p>
    </figure>
  );
}

interface LegendProps {
  readonly recent: readonly Second[];
  readonly bands: readonly Trouble[];
}

function Legend({ recent, bands }: LegendProps) {
  const isSeen = (mark: Mark) => recent.some(({ tally }) => tally[mark] > 0);
  return (
    <p class="legend label">
      {marks.filter(isSeen).map((mark) => (
        <span key={mark} class={markWords[mark].looks}>
          <i aria-hidden="true" /> {markWords[mark].glyph} {markWords[mark].word}
        </span>
      ))}
      {namesOf(bands).map((name) => (
        <span key={name} class="fault">
          <i aria-hidden="true" /> {name}
        </span>
      ))}
    </p>
  );
}

function namesOf(bands: readonly Trouble[]): readonly string[] {
  return [...new Set(bands.map(({ kind, target }) => `${kind} ${target}`))];
}

interface BarsProps {
  readonly seconds: readonly Second[];
  readonly first: number;
  readonly most: number;
}

/** What is over stands as it stood; only the newest second still grows. Each place has its bar. */
function Bars({ seconds, first, most }: BarsProps) {
  const barOf = (second: Second) => {
    const x = second.at - first;
    return <Bar key={x} second={second} x={x} most={most} />;
  };
  const over = seconds.slice(0, -1);
  const bars = useMemo(() => over.map(barOf), [over.at(-1), first, most]);
  return (
    <>
      {bars}
      {seconds.slice(-1).map(barOf)}
    </>
  );
}

function Bar({ second, x, most }: { second: Second; x: number; most: number }) {
  const tall = (count: number) => (count / most) * (height - 2);
  let y = height;
  const piece = (mark: Mark) => {
    const height = tall(second.tally[mark]);
    const { looks } = markWords[mark];
    y -= height;
    return <rect key={mark} class={looks} x={xOf(x)} width={barWidth} y={y} height={height} />;
  };
  return <g>{marks.filter((mark) => second.tally[mark] > 0).map(piece)}</g>;
}

function pathOf(points: readonly { at: number; ms: number }[], first: number, most: number) {
  let last = Number.NaN;
  return points
    .map(({ at, ms }) => {
      const begins = at !== last + 1;
      last = at;
      const x = xOf(at - first + 0.5).toFixed(1);
      const y = (height - 2 - (ms / most) * (height - 4)).toFixed(1);
      return begins ? `M${x} ${y}h0.01` : `L${x} ${y}`;
    })
    .join('');
}

/** Of seconds that are over: they stay as they are, and need not be sorted again. */
const p95s = new WeakMap<Latencies, number>();

function p95Of(latencies: Latencies): number {
  const known = p95s.get(latencies) ?? quantile(latencies, 0.95) ?? 0;
  p95s.set(latencies, known);
  return known;
}

const xOf = (second: number) => second * secondWidth;
const inAll = ({ tally }: Second) => marks.reduce((sum, mark) => sum + tally[mark], 0);

export function inMs(ms: number): string {
  return ms >= 1000
    ? `${(ms / 1000).toFixed(1)} s`
    : `${ms < 10 ? ms.toFixed(1) : ms.toFixed(0)} ms`;
}
