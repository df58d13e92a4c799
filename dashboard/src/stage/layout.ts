// Where everything on a stage stands, and the curves between: measured when something changes its
// size, never while something moves. A curve is kept in place when it is measured anew, so that
// what is on its way follows.

export interface Curve {
  x0: number;
  y0: number;
  x1: number;
  y1: number;
  x2: number;
  y2: number;
  x3: number;
  y3: number;
}

export interface Spot {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

export const nodes = {
  gateway: 'gateway',
  store: 'store',
  /** The frame around servers that are too many for a line each. */
  crowd: 'crowd',
  client: (name: string) => `client:${name}`,
  server: (name: string) => `server:${name}`,
} as const;

export class Layout {
  width = 0;
  height = 0;
  /** From left to right, else from top to bottom. */
  isWide = true;
  readonly #spots = new Map<string, Spot>();
  readonly #curves = new Map<string, Curve>();

  /** Reads the places of all elements in `root` that carry `data-node`. */
  measure(root: HTMLElement): void {
    const frame = root.getBoundingClientRect();
    this.width = frame.width;
    this.height = frame.height;
    this.#spots.clear();
    for (const element of root.querySelectorAll<HTMLElement>('[data-node]')) {
      const { left, top, right, bottom } = element.getBoundingClientRect();
      this.#spots.set(element.dataset.node ?? '', {
        left: left - frame.left,
        top: top - frame.top,
        right: right - frame.left,
        bottom: bottom - frame.top,
      });
    }
    this.isWide = this.#goesAcross();
    for (const [key, curve] of this.#curves) {
      const [from = '', to = ''] = key.split('|');
      if (!this.#place(curve, from, to)) this.#curves.delete(key);
    }
  }

  /** Undefined when one of the two is not on the stage. */
  curve(from: string, to: string): Curve | undefined {
    const key = `${from}|${to}`;
    const known = this.#curves.get(key);
    if (known !== undefined) return known;
    const made: Curve = { x0: 0, y0: 0, x1: 0, y1: 0, x2: 0, y2: 0, x3: 0, y3: 0 };
    if (!this.#place(made, from, to)) return undefined;
    this.#curves.set(key, made);
    return made;
  }

  spot(node: string): Spot | undefined {
    return this.#spots.get(node);
  }

  names(): Iterable<string> {
    return this.#spots.keys();
  }

  #goesAcross(): boolean {
    const gateway = this.#spots.get(nodes.gateway);
    for (const [name, spot] of this.#spots) {
      if (gateway && name.startsWith('server:')) return spot.left >= gateway.right;
    }
    return true;
  }

  #place(curve: Curve, from: string, to: string): boolean {
    const a = this.#spots.get(from);
    const b = this.#spots.get(to);
    if (a === undefined || b === undefined) return false;
    if (this.isWide) {
      curve.x0 = a.right;
      curve.x3 = b.left;
      curve.y0 = (a.top + a.bottom) / 2;
      curve.y3 = (b.top + b.bottom) / 2;
      curve.x1 = curve.x2 = (curve.x0 + curve.x3) / 2;
      curve.y1 = curve.y0;
      curve.y2 = curve.y3;
    } else {
      curve.y0 = a.bottom;
      curve.y3 = b.top;
      curve.x0 = (a.left + a.right) / 2;
      curve.x3 = (b.left + b.right) / 2;
      curve.y1 = curve.y2 = (curve.y0 + curve.y3) / 2;
      curve.x1 = curve.x0;
      curve.x2 = curve.x3;
    }
    return true;
  }
}

/** The point at `t` (0 to 1) of a cubic Bézier curve, one coordinate. */
export function along(a: number, b: number, c: number, d: number, t: number): number {
  const u = 1 - t;
  return u * u * u * a + 3 * u * u * t * b + 3 * u * t * t * c + t * t * t * d;
}
