/** One value of a source over time: mean, spread, what was expected, and where it was strange. */
import { useMemo, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import { clock, parseTime, value } from '../format.ts';
import { shade } from '../settings.ts';
import type { Window } from '../range.ts';
import type { Drift, FeatureColumns as FeatureHistory, History, Verdict } from '../wire.ts';
import { axes } from './axes.ts';
import { chartColumns, marks, summary, type Mark } from './columns.ts';
import { CHART_FONT, drawSeverity, palette } from './palette.ts';
import { UplotChart } from './UplotChart.tsx';

interface Props {
  history: History;
  feature: FeatureHistory;
  verdicts: readonly Verdict[];
  drift: readonly Drift[];
  window: Window;
  /** The moment that was linked to, seconds. */
  at: number | null;
  height: number;
  onZoom: (from: number, to: number) => void;
}

/** Drags shorter than this are clicks. */
const LEAST_DRAG_PX = 6;

export function FeatureChart({ history, feature, verdicts, drift, window, at, height, onZoom }: Props) {
  const readout = useRef<HTMLSpanElement>(null);
  const data = useMemo(() => chartColumns(history, feature), [history, feature]);
  const drawn = useRef<{ marks: Mark[]; drift: readonly Drift[]; at: number | null }>({ marks: [], drift, at });
  drawn.current = useMemo(() => ({ marks: marks(history, feature, verdicts), drift, at }), [history, feature, verdicts, drift, at]);
  const zoom = useRef(onZoom);
  zoom.current = onZoom;
  const shown = shade.value;

  const options = (): Omit<uPlot.Options, 'width' | 'height'> => {
    const colours = palette(shown);
    const edge: Partial<uPlot.Series> = { stroke: colours.bandEdge, width: 1, dash: [4, 3], points: { show: false } };
    const spread: Partial<uPlot.Series> = { width: 0, points: { show: false } };
    return {
      legend: { show: false },
      padding: [8, 18, 0, 0],
      axes: axes(colours),
      scales: { y: { range: (_, min, max) => uPlot.rangeNum(min ?? 0, max ?? 1, 0.1, true) } },
      series: [
        {},
        edge,
        edge,
        spread,
        spread,
        { stroke: colours.accent, width: 1.5, points: { show: data[0].length < 80, size: 4, fill: colours.accent } },
      ],
      bands: [
        { series: [2, 1], fill: colours.band },
        { series: [4, 3], fill: colours.area },
      ],
      cursor: { drag: { x: true, y: false, setScale: false }, sync: { key: 'source' }, points: { show: false } },
      hooks: {
        draw: [(plot) => paint(plot, drawn.current, shown)],
        setCursor: [
          (plot) => {
            if (readout.current) readout.current.textContent = readoutOf(plot);
          },
        ],
        setSelect: [
          (plot) => {
            const { left, width } = plot.select;
            if (width < LEAST_DRAG_PX) return;
            zoom.current(plot.posToVal(left, 'x'), plot.posToVal(left + width, 'x'));
            plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
          },
        ],
      },
    };
  };

  return (
    <figure class="feature">
      <figcaption>
        <h3 class="feature-name">{feature.name}</h3>
        <span class="readout" ref={readout} aria-hidden="true" />
      </figcaption>
      <UplotChart
        options={options}
        version={`${shown} ${data[0].length < 80}`}
        height={height}
        data={data}
        window={window}
        label={summary(history, feature, value)}
        over={drawn.current}
      />
    </figure>
  );
}

function readoutOf(plot: uPlot): string {
  const i = plot.cursor.idx;
  if (i == null) return '';
  const [x, low, high, min, max, mean] = plot.data.map((column) => column[i]);
  if (x == null || mean == null) return '';
  const spread = min != null && max != null && min !== max ? ` (${value(min)} to ${value(max)})` : '';
  const expected = low != null && high != null ? `, expected ${value(low)} to ${value(high)}` : '';
  return `${clock(x * 1000, Date.now())}  ${value(mean)}${spread}${expected}`;
}

function paint(plot: uPlot, { marks, drift, at }: { marks: Mark[]; drift: readonly Drift[]; at: number | null }, shown: string): void {
  const { ctx } = plot;
  const { left, top, width, height } = plot.bbox;
  const colours = palette(shown);
  const scale = devicePixelRatio;
  ctx.save();
  ctx.beginPath();
  ctx.rect(left, top, width, height);
  ctx.clip();
  ctx.lineWidth = scale;
  const upright = (x: number) => {
    ctx.beginPath();
    ctx.moveTo(x, top);
    ctx.lineTo(x, top + height);
    ctx.stroke();
  };
  ctx.font = CHART_FONT.replace('11px', `${11 * scale}px`);
  for (const mark of drift) {
    const time = parseTime(mark.timestamp);
    if (time === null) continue;
    const x = plot.valToPos(time / 1000, 'x', true);
    ctx.strokeStyle = ctx.fillStyle = colours.drift;
    ctx.setLineDash([2 * scale, 4 * scale]);
    upright(x);
    ctx.textAlign = 'left';
    ctx.fillText('drift', x + 4 * scale, top + 12 * scale);
  }
  ctx.setLineDash([]);
  if (at !== null) {
    ctx.strokeStyle = colours.muted;
    upright(plot.valToPos(at, 'x', true));
  }
  ctx.strokeStyle = colours.panel;
  ctx.lineWidth = 2.5 * scale;
  for (const { x, y, severity } of marks) {
    ctx.fillStyle = colours.severity[severity];
    drawSeverity(ctx, severity, plot.valToPos(x, 'x', true), plot.valToPos(y, 'y', true), 5.5 * scale);
  }
  ctx.restore();
}
