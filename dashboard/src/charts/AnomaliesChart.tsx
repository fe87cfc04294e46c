/** Anomalies of all sources over time, as bars. */
import uPlot from 'uplot';
import type { ActivityGrid } from '../buffers.ts';
import { count, minute } from '../format.ts';
import { shade } from '../settings.ts';
import { axes } from './axes.ts';
import { palette } from './palette.ts';
import { UplotChart } from './UplotChart.tsx';

interface Props {
  grid: ActivityGrid;
  data: uPlot.AlignedData;
  onZoom: (from: number, to: number) => void;
}

export function AnomaliesChart({ grid, data, onZoom }: Props) {
  const shown = shade.value;
  const options = (): Omit<uPlot.Options, 'width' | 'height'> => {
    const colours = palette(shown);
    const [x = {}, y = {}] = axes(colours);
    return {
      legend: { show: false },
      padding: [8, 18, 0, 0],
      axes: [x, { ...y, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 1e6, 1e7], values: (_, splits) => splits.map(count) }],
      scales: { y: { range: (_, __, max) => [0, Math.max(4, (max ?? 0) * 1.1)] } },
      series: [{}, { fill: colours.accent, width: 0, points: { show: false }, paths: uPlot.paths.bars!({ size: [0.8, 40], align: 1 }) }],
      cursor: { drag: { x: true, y: false, setScale: false }, points: { show: false }, y: false },
      hooks: {
        setSelect: [
          (plot) => {
            const { left, width } = plot.select;
            if (width < 6) return;
            onZoom(plot.posToVal(left, 'x'), plot.posToVal(left + width, 'x'));
            plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
          },
        ],
      },
    };
  };
  const from = grid.times[0] ?? 0;
  const to = (grid.times.at(-1) ?? 0) + grid.binSeconds;
  const all = grid.anomalies.reduce((sum, n) => sum + n, 0);
  const most = grid.anomalies.reduce((a, b) => Math.max(a, b), 0);
  const at = grid.times[grid.anomalies.indexOf(most)];
  const peak = most > 0 && at !== undefined ? ` The most at once were ${count(most)}, from ${minute(at * 1000)} on.` : '';
  return (
    <UplotChart options={options} version={shown} height={150} data={data} window={{ from, to }} label={`${count(all)} anomalies from ${minute(from * 1000)} to ${minute(to * 1000)}.${peak}`} />
  );
}
