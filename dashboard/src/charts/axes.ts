/** Axes and cursor that all charts have. */
import uPlot from 'uplot';
import { value } from '../format.ts';
import { CHART_FONT, type Palette } from './palette.ts';

const FORMATS: uPlot.Axis.Values = [
  [3600 * 24 * 28, '{YYYY}-{MM}', null, null, null, null, null, null, 1],
  [3600 * 24, '{MM}-{DD}', '\n{YYYY}', null, null, null, null, null, 1],
  [60, '{HH}:{mm}', '\n{YYYY}-{MM}-{DD}', null, '\n{MM}-{DD}', null, null, null, 1],
  [1, '{HH}:{mm}:{ss}', '\n{YYYY}-{MM}-{DD}', null, '\n{MM}-{DD}', null, null, null, 1],
  [0.001, ':{ss}.{fff}', '\n{YYYY}-{MM}-{DD} {HH}:{mm}', null, null, null, '\n{HH}:{mm}', null, 1],
];

export const AXIS_WIDTH = 58;

export function axes(colours: Palette): uPlot.Axis[] {
  const line = { stroke: colours.grid, width: 1 };
  const common = { stroke: colours.muted, font: CHART_FONT, grid: line, ticks: { ...line, size: 4 } };
  return [
    { ...common, values: FORMATS, space: 70, size: 36 },
    { ...common, size: AXIS_WIDTH, space: 26, values: (_, splits) => splits.map((x) => (x == null ? '' : value(x))) },
  ];
}
