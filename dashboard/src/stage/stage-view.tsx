// The stage: clients, gateway, servers, store, as elements that can be read and pressed, with lines
// under them and what moves above them. It measures itself when something changes its size, and
// lets the motion do the rest.

import { useComputed, useSignalEffect } from '@preact/signals';
import { useEffect, useLayoutEffect, useMemo, useRef } from 'preact/hooks';
import type { Shown } from '../lane-state.ts';
import { initialOf, personClass } from '../people.ts';
import { isStill, theme } from '../theme.ts';
import { Clients } from './clients.tsx';
import { Gateway } from './gateway.tsx';
import { Inspector } from './inspector.tsx';
import { Layout } from './layout.ts';
import { Motion } from './motion.ts';
import { type OnStage, OnStageContext } from './selection.ts';
import { Servers } from './servers.tsx';
import { paletteOf } from './shapes.ts';
import { NoStore, Store } from './store.tsx';
import { asksStore } from './way.ts';
import { drawWires } from './wires.ts';

interface Props {
  readonly shown: Shown;
  readonly on: OnStage;
}

export function StageView({ shown, on }: Props) {
  const root = useRef<HTMLDivElement>(null);
  const under = useRef<HTMLCanvasElement>(null);
  const over = useRef<HTMLCanvasElement>(null);
  useDrawing(root, under, over, shown, on);
  const { view } = on;
  // That a token's renewals are kept somewhere is a story of its own.
  const hasStore = useComputed(() => {
    const { store, answer } = view.value;
    return store !== null && !(on.isBrief && answer.startsWith('token'));
  });
  return (
    <OnStageContext.Provider value={on}>
      <div class="stage" ref={root}>
        <canvas class="wires" ref={under} />
        <Clients />
        <Gateway />
        <Servers />
        {hasStore.value ? <Store /> : <NoStore />}
        <canvas class="moving" ref={over} />
      </div>
      <Inspector />
    </OnStageContext.Provider>
  );
}

interface Ref<T> {
  readonly current: T | null;
}

interface Drawing {
  readonly motion: Motion;
  /** Draws the lines anew. */
  redraw(): void;
  /** Takes the colours that the style sheet has now. */
  paint(): void;
}

function useDrawing(
  root: Ref<HTMLElement>,
  under: Ref<HTMLCanvasElement>,
  over: Ref<HTMLCanvasElement>,
  shown: Shown,
  on: OnStage,
): void {
  const layout = useMemo(() => new Layout(), []);
  const drawing = useRef<Drawing | null>(null);

  useLayoutEffect(() => {
    const [frame, wires, moving] = [root.current, under.current, over.current];
    if (frame === null || wires === null || moving === null) return;
    let palette = paletteOf(frame);
    const motion = new Motion(moving, layout, palette);
    motion.isStill = isStill.peek();
    const redraw = () => drawWires(wires, layout, palette, on.view.peek());
    const paint = () => {
      palette = paletteOf(frame);
      motion.paint(palette);
      redraw();
    };
    const measure = () => {
      layout.measure(frame);
      motion.resize();
      redraw();
    };
    drawing.current = { motion, redraw, paint };
    const sizes = new ResizeObserver(measure);
    sizes.observe(frame);
    // What comes and goes, or grows, inside the frame.
    const changes = new MutationObserver(() => {
      sizes.disconnect();
      sizes.observe(frame);
      for (const node of frame.querySelectorAll('[data-node]')) sizes.observe(node);
    });
    changes.observe(frame, { childList: true, subtree: true });
    for (const node of frame.querySelectorAll('[data-node]')) sizes.observe(node);
    return () => {
      changes.disconnect();
      sizes.disconnect();
      motion.stop();
      drawing.current = null;
    };
  }, [layout, on]);

  useEffect(() => {
    return shown.watch({
      begun: (journey) =>
        drawing.current?.motion.begin(
          journey,
          personClass(journey.user, journey.client),
          initialOf(journey.client),
        ),
      arrived: (arrived, stage) =>
        drawing.current?.motion.end(arrived, {
          store: asksStore(stage.run?.answer ?? '', arrived),
        }),
      cleared: () => drawing.current?.motion.clear(),
    });
  }, [shown]);

  useSignalEffect(() => {
    void on.view.value;
    drawing.current?.redraw();
  });
  useSignalEffect(() => {
    void theme.value;
    drawing.current?.paint();
  });
  useSignalEffect(() => {
    const { value } = isStill;
    if (drawing.current !== null) drawing.current.motion.isStill = value;
  });
}
