/** From the server's history to the columns that uPlot draws. Nothing here touches the page. */
import { guiltiest } from '../buffers.ts';
import { severityOf, type Column } from '../shapes.ts';
import { type FeatureColumns as FeatureHistory, type History, type Severity, type Verdict } from '../wire.ts';

/** x, low, high, min, max, mean. */
export type ChartColumns = [x: number[], low: Column, high: Column, min: Column, max: Column, mean: Column];

/** A hole this many times wider than usual ends the line; nothing is known of what was between. */
const GAP_FACTOR = 6;

export function chartColumns(history: History, feature: FeatureHistory): ChartColumns {
  const columns: ChartColumns = [[], [], [], [], [], []];
  const [xs, low, high, min, max, mean] = columns;
  const gap = usualStep(history.times, history.bucket_seconds) * GAP_FACTOR;
  let last = Number.NaN;
  history.times.forEach((x, i) => {
    if (x - last > gap) {
      xs.push((x + last) / 2);
      for (const column of [low, high, min, max, mean]) column.push(null);
    }
    xs.push(x);
    low.push(feature.low[i] ?? null);
    high.push(feature.high[i] ?? null);
    min.push(feature.min[i] ?? null);
    max.push(feature.max[i] ?? null);
    mean.push(feature.mean[i] ?? null);
    last = x;
  });
  return columns;
}

function usualStep(times: readonly number[], bucketSeconds: number): number {
  const steps = times.slice(1).map((x, i) => x - (times[i] ?? x));
  steps.sort((a, b) => a - b);
  return Math.max(bucketSeconds, steps[Math.floor(steps.length / 2)] ?? 0);
}

export interface Mark {
  x: number;
  y: number;
  severity: Severity;
}

/** A feature is marked where it has this share of the score, or more than any other. */
const GUILTY_SHARE = 0.2;

/** Where to mark anomalies on the curve of one feature: those told in full, then the counted ones nobody told of. */
export function marks(history: History, feature: FeatureHistory, verdicts: readonly Verdict[]): Mark[] {
  const found: Mark[] = [];
  const told = new Set<number>();
  for (const verdict of verdicts) {
    const x = Date.parse(verdict.timestamp ?? '') / 1000;
    const at = placeOf(history.times, x);
    if (at < 0) continue;
    told.add(at);
    const share = verdict.contributions?.[feature.name];
    const guilty = share === undefined ? !verdict.contributions : share >= GUILTY_SHARE || guiltiest(verdict) === feature.name;
    if (!guilty) continue;
    const y = verdict.values?.[feature.name] ?? extreme(feature, at);
    if (y !== null) found.push({ x, y, severity: verdict.severity ?? severityOf(verdict.anomaly_score ?? 0) });
  }
  history.anomalies.forEach((n, at) => {
    const y = n > 0 && !told.has(at) && strays(feature, at) ? extreme(feature, at) : null;
    if (y !== null) found.push({ x: history.times[at] ?? 0, y, severity: severityOf(history.max_score[at] ?? 0) });
  });
  return found;
}

/** The last place that begins at or before `x`. */
export function placeOf(times: readonly number[], x: number): number {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((times[middle] ?? Infinity) <= x) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** Whether a bucket left its expected band; where there is none, any may have. */
function strays({ min, max, low, high }: FeatureHistory, at: number): boolean {
  const [bottom, top] = [low[at], high[at]];
  if (bottom == null || top == null) return true;
  return (max[at] ?? -Infinity) > top || (min[at] ?? Infinity) < bottom;
}

/** The end of a bucket that lies farther outside of what was expected. */
function extreme({ mean, min, max, low, high }: FeatureHistory, at: number): number | null {
  const [least, most] = [min[at], max[at]];
  if (least == null || most == null) return mean[at] ?? null;
  const over = most - (high[at] ?? most);
  const under = (low[at] ?? least) - least;
  return under > over ? least : most;
}

/** What a reader who cannot see the chart is told. */
export function summary(history: History, feature: FeatureHistory, format: (x: number | null) => string): string {
  const known = (column: Column) => column.filter((x): x is number => x !== null);
  const [mins, maxs] = [known(feature.min), known(feature.max)];
  if (mins.length === 0) return `${feature.name}: no values in this range.`;
  const anomalies = history.anomalies.reduce((sum, n) => sum + n, 0);
  const lowest = mins.reduce((a, b) => Math.min(a, b));
  const highest = maxs.reduce((a, b) => Math.max(a, b));
  const [low, high] = [feature.low.findLast((x) => x !== null), feature.high.findLast((x) => x !== null)];
  const expected = low != null && high != null ? ` Expected lately ${format(low)} to ${format(high)}.` : '';
  return `${feature.name}: from ${format(lowest)} to ${format(highest)}, last ${format(feature.mean.at(-1) ?? null)}.${expected} ${anomalies} anomalies of the source in this range.`;
}
