/** Bounded columns for what comes through the socket. However much comes, they hold the same memory. */
import { severityOf } from './shapes.ts';
import { SEVERITIES, type Activity, type Severity, type Verdict } from './wire.ts';

export interface FeedRow {
  id: string;
  stream: string;
  source: string;
  timeMs: number;
  score: number;
  severity: Severity;
  type: string;
  feature: string;
}

/** The latest anomalies: a ring of columns, oldest overwritten first. */
export class AnomalyRing {
  readonly #time: Float64Array;
  readonly #score: Float32Array;
  readonly #severity: Uint8Array;
  /** id, stream, source, type, feature of each place. */
  readonly #text: string[];
  #next = 0;
  #length = 0;
  /** How many ever came, also those that are gone. */
  total = 0;

  constructor(readonly capacity: number) {
    this.#time = new Float64Array(capacity);
    this.#score = new Float32Array(capacity);
    this.#severity = new Uint8Array(capacity);
    this.#text = new Array<string>(capacity * TEXTS).fill('');
  }

  get length(): number {
    return this.#length;
  }

  push(verdict: Verdict): void {
    const at = this.#next;
    const score = verdict.anomaly_score ?? 0;
    this.#time[at] = Date.parse(verdict.timestamp ?? '');
    this.#score[at] = score;
    this.#severity[at] = SEVERITIES.indexOf(verdict.severity ?? severityOf(score));
    this.#text[at * TEXTS] = verdict.id;
    this.#text[at * TEXTS + 1] = verdict.stream;
    this.#text[at * TEXTS + 2] = verdict.source ?? '';
    this.#text[at * TEXTS + 3] = verdict.anomaly_type ?? '';
    this.#text[at * TEXTS + 4] = guiltiest(verdict) ?? '';
    this.#next = (at + 1) % this.capacity;
    this.#length = Math.min(this.#length + 1, this.capacity);
    this.total++;
  }

  /** Puts a list that was asked for in the place of what is here; newest first, as the server sends it. */
  replace(newestFirst: readonly Verdict[]): void {
    this.#next = 0;
    this.#length = 0;
    for (const verdict of newestFirst.slice(0, this.capacity).toReversed()) this.push(verdict);
  }

  newest(limit: number): FeedRow[] {
    const rows: FeedRow[] = [];
    for (let back = 1; back <= Math.min(limit, this.#length); back++) {
      const at = (this.#next - back + this.capacity) % this.capacity;
      const text = (n: number) => this.#text[at * TEXTS + n] ?? '';
      rows.push({
        id: text(0),
        stream: text(1),
        source: text(2),
        type: text(3),
        feature: text(4),
        timeMs: this.#time[at] ?? Number.NaN,
        score: this.#score[at] ?? 0,
        severity: SEVERITIES[this.#severity[at] ?? 0] ?? 'low',
      });
    }
    return rows;
  }
}

const TEXTS = 5;

/** The feature with the largest share of the score. */
export function guiltiest(verdict: Verdict): string | undefined {
  let name: string | undefined;
  let most = -Infinity;
  for (const [feature, share] of Object.entries(verdict.contributions ?? {})) {
    if (share > most) {
      most = share;
      name = feature;
    }
  }
  return name;
}

/** Seconds and values of the last while, for small curves. */
export class ValueRing {
  readonly #values: Float64Array;
  #next = 0;
  #length = 0;

  constructor(readonly capacity: number) {
    this.#values = new Float64Array(capacity);
  }

  push(value: number): void {
    this.#values[this.#next] = value;
    this.#next = (this.#next + 1) % this.capacity;
    this.#length = Math.min(this.#length + 1, this.capacity);
  }

  /** Oldest first. */
  toArray(): number[] {
    return Array.from({ length: this.#length }, (_, i) => this.#values[(this.#next - this.#length + i + this.capacity) % this.capacity] ?? 0);
  }
}

/** Anomalies of sources by time: what the server counted, and what came through the socket since. */
export class ActivityGrid {
  readonly times: readonly number[];
  readonly binSeconds: number;
  readonly events: Float64Array;
  readonly anomalies: Float64Array;
  readonly rows: { stream: string; source: string; total: number }[];
  readonly counts: Float64Array;
  readonly scores: Float32Array;
  readonly #rowOf = new Map<string, number>();

  constructor(activity: Activity) {
    const bins = activity.times.length;
    this.times = activity.times;
    this.binSeconds = activity.bin_seconds;
    this.events = Float64Array.from(activity.events);
    this.anomalies = Float64Array.from(activity.anomalies);
    this.rows = activity.sources.map(({ stream, source, total }) => ({ stream, source, total }));
    this.counts = new Float64Array(bins * this.rows.length);
    this.scores = new Float32Array(bins * this.rows.length);
    activity.sources.forEach((source, row) => {
      this.#rowOf.set(rowName(source.stream, source.source), row);
      for (let bin = 0; bin < bins; bin++) {
        this.counts[row * bins + bin] = source.anomalies[bin] ?? 0;
        this.scores[row * bins + bin] = source.max_score[bin] ?? 0;
      }
    });
  }

  get bins(): number {
    return this.times.length;
  }

  count(row: number, bin: number): number {
    return this.counts[row * this.bins + bin] ?? 0;
  }

  score(row: number, bin: number): number {
    return this.scores[row * this.bins + bin] ?? 0;
  }

  /** Counts an anomaly in its place; one that has none waits until the server is asked again. */
  add(verdict: Verdict): 'counted' | 'unlisted' | 'outside' {
    const bin = this.#binOf(Date.parse(verdict.timestamp ?? '') / 1000);
    if (bin < 0) return 'outside';
    this.anomalies[bin] = (this.anomalies[bin] ?? 0) + 1;
    const row = this.#rowOf.get(rowName(verdict.stream, verdict.source ?? ''));
    const found = row === undefined ? undefined : this.rows[row];
    if (row === undefined || !found) return 'unlisted';
    const cell = row * this.bins + bin;
    found.total++;
    this.counts[cell] = (this.counts[cell] ?? 0) + 1;
    this.scores[cell] = Math.max(this.scores[cell] ?? 0, verdict.anomaly_score ?? 0);
    return 'counted';
  }

  #binOf(seconds: number): number {
    const first = this.times[0];
    if (first === undefined || !(seconds >= first)) return -1;
    const bin = Math.floor((seconds - first) / this.binSeconds);
    return bin < this.bins ? bin : -1;
  }
}

const rowName = (stream: string, source: string): string => `${stream}\u0000${source}`;
