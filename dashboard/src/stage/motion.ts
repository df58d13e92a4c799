// What moves on one stage: requests that really were sent, along the way they really took. A
// request sets out when the history says so, waits at the gateway while no answer is known, and
// then goes on to the server that answered, to the store if that was asked, and back with its
// outcome. It moves slower than it was, or nobody would see it; when many are on their way, all
// move faster. The loop runs only while something moves, reads no layout, and makes no garbage:
// what moved is used again.

import type { Arrived, Fate, Journey } from '../../../src/api/stage.ts';
import { wordsOf } from '../fate.tsx';
import { along, type Curve, type Layout, nodes } from './layout.ts';
import { drawDisc, drawFate, type Palette, strokeCurve } from './shapes.ts';

const legsMax = 6;
const movingMax = 500;
const slowLegMs = 300;
const fastLegMs = 80;
const stillMs = 1_100;
/** From so many on they are dots without signs, and light no lines. */
const crowd = 30;

interface Mover {
  i: number;
  curves: (Curve | undefined)[];
  /** 1 there, -1 back. */
  ways: number[];
  legs: number;
  leg: number;
  /** 0 to 1 within the leg. */
  at: number;
  /** The leg from which on the outcome is known. */
  turn: number;
  isAnswered: boolean;
  fate: Fate;
  colour: string;
  initial: string;
  age: number;
}

export interface Asking {
  /** Whether the server asked the store before it answered. */
  readonly store: boolean;
}

export class Motion {
  isStill = false;
  readonly #layout: Layout;
  readonly #draw: CanvasRenderingContext2D;
  readonly #canvas: HTMLCanvasElement;
  #palette: Palette;
  readonly #moving: Mover[] = [];
  readonly #resting: Mover[] = [];
  readonly #byNumber = new Map<number, Mover>();
  #frame = 0;
  #last = 0;
  #scale = 1;

  constructor(canvas: HTMLCanvasElement, layout: Layout, palette: Palette) {
    const draw = canvas.getContext('2d');
    if (draw === null) throw new Error('This browser draws on no canvas.');
    this.#canvas = canvas;
    this.#draw = draw;
    this.#layout = layout;
    this.#palette = palette;
  }

  paint(palette: Palette): void {
    this.#palette = palette;
  }

  resize(): void {
    this.#scale = fit(this.#canvas, this.#layout);
    this.#wake();
  }

  begin(journey: Journey, person: string, initial: string): void {
    if (this.#moving.length >= movingMax || document.hidden) return;
    const from = nodes.client(journey.client);
    const mover = this.#resting.pop() ?? fresh();
    mover.i = journey.i;
    mover.legs = 0;
    mover.leg = 0;
    mover.at = 0;
    mover.age = 0;
    mover.turn = legsMax;
    mover.isAnswered = false;
    mover.colour = this.#palette.person(person);
    mover.initial = initial;
    if (journey.to === 'gateway') go(mover, this.#layout.curve(from, nodes.gateway), 1);
    this.#moving.push(mover);
    this.#byNumber.set(journey.i, mover);
    this.#wake();
  }

  end(arrived: Arrived, asking: Asking): void {
    const mover = this.#byNumber.get(arrived.i);
    if (mover === undefined) return;
    this.#byNumber.delete(arrived.i);
    mover.isAnswered = true;
    mover.fate = wordsOf(arrived).looks;
    const from = nodes.client(arrived.client);
    const isDirect = arrived.to !== 'gateway';
    const reached = arrived.server ?? (isDirect ? arrived.to : null);
    if (reached !== null) {
      const server = nodes.server(reached);
      go(mover, this.#layout.curve(isDirect ? from : nodes.gateway, server), 1);
      if (asking.store) {
        go(mover, this.#layout.curve(server, nodes.store), 1);
        mover.turn = mover.legs;
        go(mover, this.#layout.curve(server, nodes.store), -1);
      }
      mover.turn = Math.min(mover.turn, mover.legs);
      go(mover, this.#layout.curve(isDirect ? from : nodes.gateway, server), -1);
    }
    mover.turn = Math.min(mover.turn, mover.legs);
    if (!isDirect) go(mover, this.#layout.curve(from, nodes.gateway), -1);
    this.#wake();
  }

  /** Forgets all that is on its way: the history begins anew, or jumps. */
  clear(): void {
    this.#resting.push(...this.#moving.splice(0));
    this.#byNumber.clear();
    this.#wake();
  }

  stop(): void {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    this.#moving.length = 0;
  }

  #wake(): void {
    if (this.#frame !== 0) return;
    this.#last = performance.now();
    this.#frame = requestAnimationFrame(this.#step);
  }

  readonly #step = (now: number): void => {
    // A tab that slept must not make everything jump.
    const passedMs = Math.min(50, now - this.#last);
    this.#last = now;
    const legMs = legMsFor(this.#moving.length);
    let isAnythingMoving = false;
    this.#draw.setTransform(this.#scale, 0, 0, this.#scale, 0, 0);
    this.#draw.clearRect(0, 0, this.#layout.width, this.#layout.height);
    for (let n = this.#moving.length - 1; n >= 0; n -= 1) {
      const mover = this.#moving[n];
      if (mover === undefined) continue;
      const moved = this.isStill ? stay(mover, passedMs) : move(mover, passedMs / legMs);
      isAnythingMoving ||= moved;
      if (isOver(mover, this.isStill)) this.#retire(n);
      else if (this.isStill) this.#drawStill(mover);
      else this.#drawMoving(mover);
    }
    this.#frame = isAnythingMoving ? requestAnimationFrame(this.#step) : 0;
  };

  #retire(n: number): void {
    const mover = this.#moving[n];
    const last = this.#moving.pop();
    if (mover === undefined || last === undefined) return;
    if (last !== mover) this.#moving[n] = last;
    this.#resting.push(mover);
  }

  #drawMoving(mover: Mover): void {
    const isCrowded = this.#moving.length > crowd;
    const isWaiting = mover.leg >= mover.legs;
    const leg = isWaiting ? mover.legs - 1 : mover.leg;
    const curve = mover.curves[leg];
    if (curve === undefined) return;
    const isBack = mover.isAnswered && mover.leg >= mover.turn;
    const way = mover.ways[leg] ?? 1;
    const t = isWaiting ? 1 : ease(mover.at);
    const s = way === 1 ? t : 1 - t;
    const x = along(curve.x0, curve.x1, curve.x2, curve.x3, s);
    const y = along(curve.y0, curve.y1, curve.y2, curve.y3, s);
    const colour = isBack ? this.#palette.fate[mover.fate] : mover.colour;
    if (!isCrowded && !isWaiting) this.#light(curve, colour, 0.45);
    if (isBack) {
      drawFate(this.#draw, x, y, isCrowded ? 4.5 : 9, mover.fate, this.#palette);
    } else {
      drawDisc(this.#draw, x, y, isCrowded ? 4.5 : 9.5, this.#palette.surface);
      drawDisc(this.#draw, x, y, isCrowded ? 3.5 : 8, mover.colour);
      if (!isCrowded) this.#letter(mover.initial, x, y);
    }
  }

  /** Without motion: the whole way lit up, and the outcome where it was decided. */
  #drawStill(mover: Mover): void {
    const isCrowded = this.#moving.length > crowd;
    const alpha = mover.isAnswered ? 0.6 * (1 - mover.age / stillMs) : 0.4;
    const colour = mover.isAnswered ? this.#palette.fate[mover.fate] : mover.colour;
    for (let leg = 0; leg < mover.legs && !isCrowded; leg += 1) {
      const curve = mover.curves[leg];
      if (curve !== undefined && mover.ways[leg] === 1) this.#light(curve, colour, alpha);
    }
    const end = mover.curves[Math.max(0, mover.turn - 1)];
    if (mover.isAnswered && end !== undefined) {
      drawFate(this.#draw, end.x3, end.y3, isCrowded ? 4.5 : 9, mover.fate, this.#palette);
    }
  }

  #light(curve: Curve, colour: string, alpha: number): void {
    this.#draw.globalAlpha = alpha;
    this.#draw.strokeStyle = colour;
    this.#draw.lineWidth = 2.5;
    strokeCurve(this.#draw, curve);
    this.#draw.globalAlpha = 1;
  }

  #letter(text: string, x: number, y: number): void {
    this.#draw.fillStyle = this.#palette.surface;
    this.#draw.font = `600 ${text.length > 1 ? 8 : 9.5}px system-ui, sans-serif`;
    this.#draw.textAlign = 'center';
    this.#draw.textBaseline = 'middle';
    this.#draw.fillText(text, x, y + 0.5);
  }
}

/** Makes the canvas as fine as the screen; gives the scale to draw with. */
export function fit(canvas: HTMLCanvasElement, { width, height }: Layout): number {
  const scale = Math.min(3, devicePixelRatio || 1);
  const [across, down] = [Math.round(width * scale), Math.round(height * scale)];
  if (canvas.width !== across) canvas.width = across;
  if (canvas.height !== down) canvas.height = down;
  return scale;
}

function fresh(): Mover {
  return {
    i: 0,
    curves: new Array<Curve | undefined>(legsMax),
    ways: new Array<number>(legsMax).fill(1),
    legs: 0,
    leg: 0,
    at: 0,
    turn: legsMax,
    isAnswered: false,
    fate: 'known',
    colour: '',
    initial: '',
    age: 0,
  };
}

function go(mover: Mover, curve: Curve | undefined, way: 1 | -1): void {
  if (curve === undefined || mover.legs === legsMax) return;
  mover.curves[mover.legs] = curve;
  mover.ways[mover.legs] = way;
  mover.legs += 1;
}

/** Whether it moved: one that waits for its answer does not. */
function move(mover: Mover, legs: number): boolean {
  if (mover.leg >= mover.legs) return false;
  mover.at += legs;
  if (mover.at >= 1) {
    mover.at = 0;
    mover.leg += 1;
  }
  return true;
}

function stay(mover: Mover, passedMs: number): boolean {
  if (mover.isAnswered) mover.age += passedMs;
  return mover.isAnswered;
}

function isOver(mover: Mover, isStill: boolean): boolean {
  return mover.isAnswered && (isStill ? mover.age >= stillMs : mover.leg >= mover.legs);
}

function legMsFor(moving: number): number {
  return Math.max(fastLegMs, slowLegMs - moving * 4);
}

function ease(t: number): number {
  return t * t * (3 - 2 * t);
}
