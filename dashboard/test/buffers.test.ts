import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ActivityGrid, AnomalyRing, guiltiest, ValueRing } from '../src/buffers.ts';
import { chartColumns, marks, placeOf, summary } from '../src/charts/columns.ts';
import { severityOf } from '../src/shapes.ts';
import { type Activity, type History, type Verdict } from '../src/wire.ts';

const verdict = (n: number, rest: Partial<Verdict> = {}): Verdict => ({
  id: `default/0/${n}`,
  stream: 'default',
  source: 'pump-7',
  timestamp: new Date(n * 1000).toISOString(),
  is_anomaly: true,
  algorithm: 'auto',
  anomaly_score: 0.88,
  ...rest,
});

test('the ring holds its capacity, newest first, however much comes', () => {
  const ring = new AnomalyRing(3);
  for (let n = 0; n < 10_000; n++) ring.push(verdict(n));
  assert.equal(ring.length, 3);
  assert.equal(ring.total, 10_000);
  assert.deepEqual(ring.newest(50).map(({ id }) => id), ['default/0/9999', 'default/0/9998', 'default/0/9997']);
  assert.equal(ring.newest(1)[0]?.severity, 'high');
});

test('a list that was asked for takes the place of what was there', () => {
  const ring = new AnomalyRing(3);
  ring.push(verdict(1));
  ring.replace([verdict(9), verdict(8), verdict(7), verdict(6)]);
  assert.deepEqual(ring.newest(9).map(({ id }) => id), ['default/0/9', 'default/0/8', 'default/0/7']);
});

test('values come out oldest first', () => {
  const ring = new ValueRing(3);
  for (const x of [1, 2, 3, 4]) ring.push(x);
  assert.deepEqual(ring.toArray(), [2, 3, 4]);
});

const activity = (): Activity => ({
  bin_seconds: 60,
  times: [0, 60, 120],
  events: [5, 5, 5],
  anomalies: [0, 1, 0],
  sources: [{ stream: 'default', source: 'pump-7', anomalies: [0, 1, 0], max_score: [null, 0.865, null], total: 1 }],
});

test('the grid counts what comes in its bin and row', () => {
  const grid = new ActivityGrid(activity());
  assert.equal(grid.add(verdict(61)), 'counted');
  assert.equal(grid.count(0, 1), 2);
  assert.equal(grid.score(0, 1).toFixed(2), '0.88');
  assert.deepEqual([...grid.anomalies], [0, 2, 0]);
});

test('the grid does not grow for what lies outside', () => {
  const grid = new ActivityGrid(activity());
  assert.equal(grid.add(verdict(500)), 'outside');
  assert.equal(grid.add(verdict(-1)), 'outside');
  assert.equal(grid.add(verdict(0, { timestamp: 'never' })), 'outside');
  assert.equal(grid.add(verdict(1, { source: 'new' })), 'unlisted');
  assert.equal(grid.rows.length, 1);
  assert.deepEqual([...grid.anomalies], [1, 1, 0]);
});

test('the grid of no bins takes nothing', () => {
  assert.equal(new ActivityGrid({ bin_seconds: 60, times: [], events: [], anomalies: [], sources: [] }).add(verdict(1)), 'outside');
});

test('the guiltiest value has the largest share', () => {
  assert.equal(guiltiest(verdict(1, { contributions: { a: 0.1, b: 0.7, c: 0.2 } })), 'b');
  assert.equal(guiltiest(verdict(1)), undefined);
});

test('severity is named as the documentation says', () => {
  for (const [score, name] of [[0.82, 'low'], [0.86, 'medium'], [0.875, 'high'], [0.885, 'critical']] as const) assert.equal(severityOf(score), name);
});

const history: History = {
  stream: 'default',
  source: 'pump-7',
  bucket_seconds: 1,
  times: [0, 1, 2, 100],
  events: [1, 1, 1, 1],
  anomalies: [0, 0, 1, 1],
  max_score: [null, null, 0.89, 0.865],
  features: [
    { name: 'a', mean: [1, 2, 9, 2], min: [1, 2, 9, 2], max: [1, 2, 9, 2], low: [0, 0, 0, 0], middle: [1, 1, 1, 1], high: [3, 3, 3, 3] },
    { name: 'b', mean: [1, 1, 1, -7], min: [1, 1, 1, -7], max: [1, 1, 1, -7], low: [0, 0, 0, 0], middle: [1, 1, 1, 1], high: [3, 3, 3, 3] },
  ],
};
const [a, b] = history.features as [History['features'][number], History['features'][number]];

test('a long hole ends the line', () => {
  const [xs, , , , , mean] = chartColumns(history, a);
  assert.deepEqual(xs, [0, 1, 2, 51, 100]);
  assert.deepEqual(mean, [1, 2, 9, null, 2]);
});

test('an anomaly is marked at the value that made it strange', () => {
  const told = [verdict(2, { contributions: { a: 0.9, b: 0.1 }, values: { a: 9.5, b: 1 }, severity: 'critical' })];
  assert.deepEqual(marks(history, a, told), [{ x: 2, y: 9.5, severity: 'critical' }]);
  assert.deepEqual(marks(history, b, told), [{ x: 100, y: -7, severity: 'medium' }]);
});

test('places are found by time', () => {
  assert.deepEqual([-1, 0, 1.5, 2, 1000].map((x) => placeOf(history.times, x)), [-1, 0, 1, 2, 3]);
});

test('a chart can be told in words', () => {
  assert.equal(summary(history, a, String), 'a: from 1 to 9, last 2. Expected lately 0 to 3. 2 anomalies of the source in this range.');
});
