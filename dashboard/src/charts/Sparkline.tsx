/** A small curve without axes; the number beside it says the value. */
import { useEffect, useRef } from 'preact/hooks';
import type { ValueRing } from '../buffers.ts';
import { shade } from '../settings.ts';
import { palette } from './palette.ts';

const WIDTH = 120;
const HEIGHT = 28;

export function Sparkline({ values, version }: { values: ValueRing; version: unknown }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const shown = shade.value;
  useEffect(() => {
    const context = canvas.current?.getContext('2d');
    if (!context || !canvas.current) return;
    const scale = devicePixelRatio;
    canvas.current.width = WIDTH * scale;
    canvas.current.height = HEIGHT * scale;
    context.scale(scale, scale);
    const points = values.toArray();
    const most = points.reduce((a, b) => Math.max(a, b), 1e-9);
    context.strokeStyle = palette(shown).accent;
    context.lineWidth = 1.5;
    context.lineJoin = 'round';
    context.beginPath();
    points.forEach((y, i) => context.lineTo(WIDTH - 1 - ((points.length - 1 - i) * (WIDTH - 2)) / (values.capacity - 1), HEIGHT - 2 - (y / most) * (HEIGHT - 5)));
    context.stroke();
  }, [version, shown]);
  return <canvas class="spark" ref={canvas} aria-hidden="true" />;
}
