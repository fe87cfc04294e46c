/** Sources by time: how many anomalies each had when. Painted, with keys and words for those who do not see it. */
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { ActivityGrid } from '../buffers.ts';
import { count, minute, plural, score } from '../format.ts';
import { shade } from '../settings.ts';
import { go, sourceHref } from '../router.ts';
import { iso } from '../range.ts';
import { severityOf } from '../shapes.ts';
import { SeverityBadge } from '../components/Badges.tsx';
import { drawSeverity, HEAT_STEPS, palette } from './palette.ts';

const ROW_PX = 24;
const TOP_CELLS = 10;

interface Cell {
  row: number;
  bin: number;
}

/** `version` rises when the grid was counted on in place. */
export function HeatMap({ grid, version }: { grid: ActivityGrid; version: number }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [chosen, setChosen] = useState<Cell | null>(null);
  const [hovered, setHovered] = useState<Cell | null>(null);
  const [width, setWidth] = useState(0);
  const shown = shade.value;
  const cursor = chosen && grid.rows[chosen.row] && chosen.bin < grid.bins ? chosen : null;

  useEffect(() => {
    const element = canvas.current?.parentElement;
    if (!element) return;
    const observer = new ResizeObserver(() => setWidth(element.clientWidth));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  useEffect(() => {
    if (canvas.current && width > 0) paint(canvas.current, grid, width, cursor, shown);
  }, [grid, version, width, cursor, shown]);

  const open = ({ row, bin }: Cell) => {
    const source = grid.rows[row];
    const start = grid.times[bin];
    if (source && start !== undefined) go(sourceHref(source.source, source.stream, iso(start + grid.binSeconds / 2)));
  };

  const onKeyDown = (event: KeyboardEvent) => {
    const at = cursor ?? { row: 0, bin: grid.bins - 1 };
    const moves: Record<string, Cell> = {
      ArrowLeft: { row: at.row, bin: at.bin - 1 },
      ArrowRight: { row: at.row, bin: at.bin + 1 },
      ArrowUp: { row: at.row - 1, bin: at.bin },
      ArrowDown: { row: at.row + 1, bin: at.bin },
      Home: { row: at.row, bin: 0 },
      End: { row: at.row, bin: grid.bins - 1 },
    };
    const next = moves[event.key];
    if (next) {
      event.preventDefault();
      setChosen(cursor ? { row: clamp(next.row, grid.rows.length), bin: clamp(next.bin, grid.bins) } : at);
    } else if (event.key === 'Enter' && cursor) open(cursor);
    else if (event.key === 'Escape') setChosen(null);
  };

  const cellAt = (event: MouseEvent): Cell => ({
    row: clamp(Math.floor(event.offsetY / ROW_PX), grid.rows.length),
    bin: clamp(Math.floor((event.offsetX / width) * grid.bins), grid.bins),
  });

  const told = hovered ?? cursor;
  return (
    <div class="heat">
      <ul class="heat-names">
        {grid.rows.map(({ stream, source, total }, place) => (
          <li key={place}>
            <a href={sourceHref(source, stream)} title={source}>
              {source}
            </a>
            <span class="num muted">{count(total)}</span>
          </li>
        ))}
      </ul>
      <div class="heat-cells">
        <div
          class="heat-focus"
          role="application"
          tabIndex={0}
          aria-label={`Heat map of ${plural(grid.rows.length, 'source')} by time. Arrow keys move, Enter opens the source at that time.`}
          aria-describedby="heat-cell"
          onKeyDown={onKeyDown}
          onFocus={() => setChosen((cell) => cell ?? { row: 0, bin: grid.bins - 1 })}
          onMouseMove={(event) => setHovered(cellAt(event))}
          onMouseLeave={() => setHovered(null)}
          onClick={(event) => open(cellAt(event))}
        >
          <canvas ref={canvas} style={{ height: `${grid.rows.length * ROW_PX}px` }} />
        </div>
        <div class="heat-times muted" aria-hidden="true">
          {ticks(grid, width).map((time) => (
            <span key={time}>{minute(time * 1000).slice(grid.binSeconds * grid.bins > 86_400 * 2 ? 5 : -5)}</span>
          ))}
        </div>
      </div>
      <p class="heat-told" id="heat-cell" aria-live={hovered ? 'off' : 'polite'}>
        {told ? words(grid, told) : 'Point at a cell, or move with the arrow keys; Enter opens the source at that time.'}
      </p>
      <Legend />
      <TopCells grid={grid} />
    </div>
  );
}

const Legend = () => (
  <p class="heat-legend muted" aria-hidden="true">
    fewer
    {Array.from({ length: HEAT_STEPS }, (_, i) => (
      <i key={i} class={`heat-${i + 1}`} />
    ))}
    more anomalies
    <SeverityBadge severity="high" />
    <SeverityBadge severity="critical" />
  </p>
);

/** The same for screen readers: the fullest cells as a table, as of the last question to the server. */
function TopCells({ grid }: { grid: ActivityGrid }) {
  // The cells are remembered, not what is made of them: a remembered node keeps the whole tree it first stood in alive.
  const cells = useMemo(() => topCells(grid), [grid]);
  return (
    <table class="visually-hidden">
      <caption>Sources and times with the most anomalies</caption>
      <thead>
        <tr>
          <th scope="col">Source</th>
          <th scope="col">From</th>
          <th scope="col">Anomalies</th>
          <th scope="col">Highest score</th>
        </tr>
      </thead>
      <tbody>
        {cells.map((cell) => (
          <tr key={`${cell.row} ${cell.bin}`}>
            <th scope="row">{grid.rows[cell.row]?.source}</th>
            <td>{minute((grid.times[cell.bin] ?? 0) * 1000)}</td>
            <td>{grid.count(cell.row, cell.bin)}</td>
            <td>{score(grid.score(cell.row, cell.bin))}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function topCells(grid: ActivityGrid): Cell[] {
  const cells: Cell[] = [];
  for (let row = 0; row < grid.rows.length; row++) for (let bin = 0; bin < grid.bins; bin++) if (grid.count(row, bin) > 0) cells.push({ row, bin });
  return cells.sort((a, b) => grid.count(b.row, b.bin) - grid.count(a.row, a.bin)).slice(0, TOP_CELLS);
}

function words(grid: ActivityGrid, { row, bin }: Cell): string {
  const start = grid.times[bin] ?? 0;
  const n = grid.count(row, bin);
  const when = `${minute(start * 1000)} to ${minute((start + grid.binSeconds) * 1000).slice(-5)}`;
  const worst = grid.score(row, bin);
  return `${grid.rows[row]?.source ?? ''}, ${when}: ${n === 0 ? 'no anomalies' : `${plural(n, 'anomaly', 'anomalies')}, highest score ${score(worst)} (${severityOf(worst)})`}`;
}

function ticks(grid: ActivityGrid, width: number): number[] {
  const wanted = Math.max(2, Math.min(8, Math.floor(width / 110)));
  const first = grid.times[0] ?? 0;
  const span = grid.binSeconds * grid.bins;
  return Array.from({ length: wanted }, (_, i) => first + (span * i) / (wanted - 1));
}

const clamp = (n: number, length: number): number => Math.min(length - 1, Math.max(0, n));

function paint(canvas: HTMLCanvasElement, grid: ActivityGrid, width: number, cursor: Cell | null, shown: string): void {
  const context = canvas.getContext('2d');
  if (!context) return;
  const colours = palette(shown);
  const scale = devicePixelRatio;
  const height = grid.rows.length * ROW_PX;
  if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
  }
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.clearRect(0, 0, width, height);
  const cell = width / grid.bins;
  const gap = cell > 4 ? 1 : 0;
  const most = grid.counts.reduce((a, b) => Math.max(a, b), 1);
  context.strokeStyle = colours.panel;
  for (let row = 0; row < grid.rows.length; row++) {
    for (let bin = 0; bin < grid.bins; bin++) {
      const n = grid.count(row, bin);
      const [x, y] = [bin * cell, row * ROW_PX];
      // A logarithm, for one storm would make all else look like nothing.
      const step = n === 0 ? 0 : 1 + Math.round(((HEAT_STEPS - 1) * Math.log(n)) / Math.log(Math.max(most, HEAT_STEPS)));
      context.fillStyle = n === 0 ? colours.grid : (colours.heat[Math.min(step, HEAT_STEPS) - 1] ?? colours.accent);
      context.fillRect(x, y + 1, Math.max(1, cell - gap), ROW_PX - 2);
      const severity = severityOf(grid.score(row, bin));
      if (n > 0 && cell >= 7 && (severity === 'high' || severity === 'critical')) {
        context.fillStyle = step >= 3 ? colours.panel : colours.text;
        context.lineWidth = 0.01;
        drawSeverity(context, severity, x + (cell - gap) / 2, y + ROW_PX / 2, Math.min(4, cell / 3));
      }
    }
  }
  if (cursor) {
    context.lineWidth = 2;
    context.strokeStyle = colours.text;
    context.strokeRect(cursor.bin * cell - 0.5, cursor.row * ROW_PX + 1, cell, ROW_PX - 2);
  }
}
