/** Colours of painted charts, read from the style sheet so that they are written once. */
import type { Severity } from '../wire.ts';

export interface Palette {
  text: string;
  muted: string;
  grid: string;
  accent: string;
  area: string;
  band: string;
  bandEdge: string;
  panel: string;
  drift: string;
  severity: Record<Severity, string>;
  heat: string[];
}

export const HEAT_STEPS = 5;
let cached: { shade: string; palette: Palette } | undefined;

/** `shade` is the theme on the screen; the palette is read once for each. */
export function palette(shade: string): Palette {
  if (cached?.shade === shade) return cached.palette;
  const probe = document.createElement('span');
  probe.hidden = true;
  document.body.append(probe);
  const read = (name: string): string => {
    probe.style.color = `var(--${name})`;
    return getComputedStyle(probe).color;
  };
  const palette: Palette = {
    text: read('text'),
    muted: read('muted'),
    grid: read('grid'),
    accent: read('accent'),
    area: read('chart-area'),
    band: read('chart-band'),
    bandEdge: read('chart-band-edge'),
    panel: read('panel'),
    drift: read('chart-drift'),
    severity: { low: read('low'), medium: read('medium'), high: read('high'), critical: read('critical') },
    heat: Array.from({ length: HEAT_STEPS }, (_, i) => read(`heat-${i + 1}`)),
  };
  probe.remove();
  cached = { shade, palette };
  return palette;
}

export const CHART_FONT = '11px system-ui, sans-serif';

/** Corners as fractions of the radius, the same shapes as the words' badges; none is a circle. */
const CORNERS: Record<Severity, readonly (readonly [number, number])[]> = {
  low: [],
  medium: [[0, -1], [1, 0.85], [-1, 0.85]],
  high: [[0, -1.1], [1.1, 0], [0, 1.1], [-1.1, 0]],
  critical: [[-0.6, -1], [0, -0.4], [0.6, -1], [1, -0.6], [0.4, 0], [1, 0.6], [0.6, 1], [0, 0.4], [-0.6, 1], [-1, 0.6], [-0.4, 0], [-1, -0.6]],
};

export function drawSeverity(context: CanvasRenderingContext2D, severity: Severity, x: number, y: number, radius: number): void {
  const corners = CORNERS[severity];
  context.beginPath();
  if (corners.length === 0) context.arc(x, y, radius * 0.85, 0, 2 * Math.PI);
  for (const [right, down] of corners) context.lineTo(x + right * radius, y + down * radius);
  context.closePath();
  context.stroke();
  context.fill();
}
