// How what moves is drawn. A request on its way is a disc in the colour of who sent it; on its way
// back it has the shape, the colour and the sign of its outcome, so that no one of the three is
// needed.

import type { Fate } from '../../../src/api/stage.ts';
import type { Curve } from './layout.ts';

export interface Palette {
  readonly fate: Readonly<Record<Fate, string>>;
  readonly person: (name: string) => string;
  readonly surface: string;
  readonly line: string;
  readonly ink: string;
}

/** Colours as the style sheet has them now; asked when the theme changes, not in a frame. */
export function paletteOf(element: HTMLElement): Palette {
  const style = getComputedStyle(element);
  const colour = (name: string) => style.getPropertyValue(`--${name}`).trim();
  const people = new Map<string, string>();
  return {
    fate: {
      known: colour('known'),
      nobody: colour('nobody'),
      another: colour('another'),
      refused: colour('refused'),
      lost: colour('refused'),
    },
    person(name) {
      const kept = people.get(name) ?? colour(name);
      people.set(name, kept);
      return kept;
    },
    surface: colour('surface'),
    line: colour('line-strong'),
    ink: colour('ink'),
  };
}

export function strokeCurve(draw: CanvasRenderingContext2D, curve: Curve): void {
  draw.beginPath();
  draw.moveTo(curve.x0, curve.y0);
  draw.bezierCurveTo(curve.x1, curve.y1, curve.x2, curve.y2, curve.x3, curve.y3);
  draw.stroke();
}

export function drawDisc(
  draw: CanvasRenderingContext2D,
  x: number,
  y: number,
  radius: number,
  fill: string,
): void {
  draw.fillStyle = fill;
  draw.beginPath();
  draw.arc(x, y, radius, 0, Math.PI * 2);
  draw.fill();
}

/** Disc with ✓, diamond with ✗, square with ≠, triangle with !, and a ring for no answer. */
export function drawFate(
  draw: CanvasRenderingContext2D,
  x: number,
  y: number,
  radius: number,
  fate: Fate,
  palette: Palette,
): void {
  draw.fillStyle = palette.fate[fate];
  draw.beginPath();
  outline(draw, x, y, radius, fate);
  if (fate === 'lost') {
    draw.strokeStyle = palette.fate.lost;
    draw.lineWidth = Math.max(1.5, radius / 4);
    draw.stroke();
    return;
  }
  draw.fill();
  if (radius < 6) return;
  draw.strokeStyle = palette.surface;
  draw.lineWidth = Math.max(1.5, radius / 4.5);
  draw.lineCap = 'round';
  draw.beginPath();
  sign(draw, x, y, radius * 0.42, fate);
  draw.stroke();
}

function outline(
  draw: CanvasRenderingContext2D,
  x: number,
  y: number,
  r: number,
  fate: Fate,
): void {
  if (fate === 'known' || fate === 'lost') {
    draw.arc(x, y, r, 0, Math.PI * 2);
  } else if (fate === 'another') {
    draw.rect(x - r * 0.88, y - r * 0.88, r * 1.76, r * 1.76);
  } else if (fate === 'nobody') {
    const d = r * 1.28;
    draw.moveTo(x, y - d);
    draw.lineTo(x + d, y);
    draw.lineTo(x, y + d);
    draw.lineTo(x - d, y);
  } else {
    draw.moveTo(x, y - r * 1.25);
    draw.lineTo(x + r * 1.2, y + r * 0.9);
    draw.lineTo(x - r * 1.2, y + r * 0.9);
  }
}

function sign(draw: CanvasRenderingContext2D, x: number, y: number, s: number, fate: Fate): void {
  const line = (x0: number, y0: number, x1: number, y1: number) => {
    draw.moveTo(x + x0 * s, y + y0 * s);
    draw.lineTo(x + x1 * s, y + y1 * s);
  };
  if (fate === 'known') {
    line(-1, 0.1, -0.25, 0.85);
    line(-0.25, 0.85, 1, -0.7);
  } else if (fate === 'nobody') {
    line(-0.8, -0.8, 0.8, 0.8);
    line(0.8, -0.8, -0.8, 0.8);
  } else if (fate === 'another') {
    line(-1, -0.45, 1, -0.45);
    line(-1, 0.45, 1, 0.45);
    line(0.5, -1.1, -0.5, 1.1);
  } else {
    line(0, -1.2, 0, 0.3);
    line(0, 1.15, 0, 1.2);
  }
}
