// The lines of a stage, under everything: whole, slow, cut or refusing, told by shape as well as by
// colour. Where servers stand in a crowd, one line leads to all of them.

import type { LaneView, LinkState } from '../../../src/api/contract.ts';
import { along, type Curve, type Layout, nodes } from './layout.ts';
import { fit } from './motion.ts';
import { type Palette, strokeCurve } from './shapes.ts';

export function drawWires(
  canvas: HTMLCanvasElement,
  layout: Layout,
  palette: Palette,
  view: LaneView,
): void {
  const draw = canvas.getContext('2d');
  if (draw === null) return;
  const scale = fit(canvas, layout);
  draw.setTransform(scale, 0, 0, scale, 0, 0);
  draw.clearRect(0, 0, layout.width, layout.height);
  const wire = (from: string, to: string, state: LinkState) => {
    const curve = layout.curve(from, to);
    if (curve !== undefined) drawWire(draw, curve, state, palette);
  };
  // Lines from a crowd would be all that one sees.
  draw.globalAlpha = view.clients.length > 8 ? 0.35 : 1;
  for (const { name } of view.clients) wire(nodes.client(name), nodes.gateway, 'whole');
  draw.globalAlpha = 1;
  const isCrowd = layout.spot(nodes.crowd) !== undefined;
  for (const server of view.servers) {
    if (isCrowd && server.link === 'whole') continue;
    const node = nodes.server(server.name);
    wire(nodes.gateway, node, server.link);
    if (view.store !== null && !isCrowd)
      wire(node, nodes.store, worse(server.storeLink, view.store.state));
  }
  wire(nodes.gateway, nodes.crowd, 'whole');
  if (view.store !== null) wire(nodes.crowd, nodes.store, view.store.state);
}

function worse(one: LinkState | null, other: LinkState): LinkState {
  return one === null || one === 'whole' ? other : one;
}

function drawWire(
  draw: CanvasRenderingContext2D,
  curve: Curve,
  state: LinkState,
  palette: Palette,
): void {
  draw.strokeStyle = state === 'whole' ? palette.line : palette.fate.nobody;
  draw.lineWidth = 1.5;
  draw.setLineDash(state === 'slow' ? [2, 6] : state === 'cut' ? [6, 6] : []);
  strokeCurve(draw, curve);
  draw.setLineDash([]);
  if (state === 'whole') return;
  const x = along(curve.x0, curve.x1, curve.x2, curve.x3, 0.5);
  const y = along(curve.y0, curve.y1, curve.y2, curve.y3, 0.5);
  draw.fillStyle = palette.surface;
  draw.beginPath();
  draw.arc(x, y, 9, 0, Math.PI * 2);
  draw.fill();
  draw.lineWidth = 2;
  draw.beginPath();
  if (state === 'cut') {
    draw.moveTo(x - 5, y - 5);
    draw.lineTo(x + 5, y + 5);
    draw.moveTo(x + 5, y - 5);
    draw.lineTo(x - 5, y + 5);
  } else if (state === 'slow') {
    for (const dx of [-5, 0, 5]) {
      draw.moveTo(x + dx - 0.5, y);
      draw.lineTo(x + dx + 0.5, y);
    }
  } else {
    draw.moveTo(x, y - 7);
    draw.lineTo(x, y + 7);
  }
  draw.stroke();
}
