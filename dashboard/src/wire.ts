/** The shapes of docs/http.md, as they come over the wire. */

export type Severity = 'low' | 'medium' | 'high' | 'critical';
export const SEVERITIES: readonly Severity[] = ['low', 'medium', 'high', 'critical'];

/** From which `anomaly_score` on an anomaly is called so; docs/http.md has the same table. */
const SEVERITY_FROM: readonly (readonly [number, Severity])[] = [
  [0.885, 'critical'],
  [0.875, 'high'],
  [0.86, 'medium'],
];

export function severityOf(score: number): Severity {
  return SEVERITY_FROM.find(([from]) => score >= from)?.[1] ?? 'low';
}

export type Band = [low: number, middle: number, high: number];

/** A window or bucket of events. */
export interface EventWindow {
  begin?: string;
  end?: string;
  events: number;
  /** Silent buckets left out just before it. */
  left_out?: number;
  /** Events of it were left out, since there were too many. */
  is_cut?: boolean;
  /** 1, 2, ... where late events corrected it. */
  revision?: number;
}

export interface Verdict {
  id: string;
  stream: string;
  source?: string;
  timestamp?: string;
  is_anomaly: boolean;
  warming_up?: boolean;
  anomaly_score?: number;
  score?: number;
  threshold?: number;
  confidence?: number;
  severity?: Severity;
  anomaly_type?: string;
  reason?: string;
  expected?: Record<string, Band>;
  contributions?: Record<string, number>;
  values?: Record<string, number | null>;
  late?: boolean;
  /** The window or bucket that it speaks of; absent where it speaks of an event. */
  window?: EventWindow;
  skipped?: string;
  algorithm?: string;
  model_version?: number;
  sample_count?: number;
}

export interface Receipt {
  webhook: string;
  at: string;
  status: 'delivered' | 'failed' | 'pending';
  attempts: number;
  detail?: string;
}

export type AlertState = 'open' | 'acknowledged' | 'resolved';

export interface Alert {
  id: string;
  stream: string;
  source: string;
  state: AlertState;
  severity: Severity;
  title: string;
  opened_at: string;
  updated_at: string;
  last_anomaly_at: string;
  resolved_at?: string;
  acknowledged_at?: string;
  acknowledged_by?: string;
  note?: string;
  anomalies: number;
  max_anomaly_score: number;
  silenced: boolean;
  first_verdict: string;
  verdict?: Verdict;
  receipts?: Receipt[];
}

export interface Silence {
  id: string;
  source: string;
  stream?: string;
  from: string;
  until: string;
  reason?: string;
  by?: string;
  created_at: string;
}

export interface Statistics {
  total_events: number;
  total_anomalies: number;
  anomaly_rate: number;
  events_per_second: number;
  latency_ms: { p50: number | null; p95: number | null };
  error_rate: number;
  sources: number;
  uptime_seconds: number;
  open_alerts: number;
  rejected_events: number;
  /** Taken and not judged. */
  skipped_events: number;
  refused_requests: number;
}

export interface Key {
  stream: string;
  source: string;
  events: number;
  anomalies: number;
  first_seen?: string;
  last_seen?: string;
  values?: Record<string, number | null>;
}

export interface KeyDetail {
  stream: string;
  source: string;
  algorithm: string;
  /** What the detector found out or chose for this series, in words. */
  about?: string;
  model_version: number;
  sample_count: number;
  warming_up: boolean;
  learned_until?: string;
  learned_position?: number | string;
  memory_bytes: number;
  features: { name: string; expected?: Band }[];
  /** Oldest first; the last ones. */
  retrains: Retrain[];
  can_go_back: boolean;
  events: number;
  anomalies: number;
  first_seen?: string;
  last_seen?: string;
}

export type RetrainReason = 'drift' | 'schedule' | 'anomaly_rate' | 'command';
export type RetrainAction = 'retrain' | 'incremental' | 'switch';
export type RetrainState = 'running' | 'done' | 'given up' | 'undone';

/** A training of a series, after the first. */
export interface Retrain {
  /** Event time when it began. */
  timestamp?: string;
  sample_count: number;
  reason: RetrainReason;
  action: RetrainAction;
  /** Kept rows that were learned. */
  rows: number;
  state: RetrainState;
}

export type Column = (number | null)[];

export interface FeatureHistory {
  name: string;
  mean: Column;
  min: Column;
  max: Column;
  low: Column;
  middle: Column;
  high: Column;
}

export interface History {
  stream: string;
  source: string;
  bucket_seconds: number;
  times: number[];
  events: number[];
  anomalies: number[];
  max_score: Column;
  features: FeatureHistory[];
}

export interface Activity {
  bin_seconds: number;
  times: number[];
  events: number[];
  anomalies: number[];
  sources: { stream: string; source: string; anomalies: number[]; max_score: Column; total: number }[];
}

export type StreamState = 'running' | 'paused' | 'degraded' | 'failed';

export interface Stream {
  name: string;
  managed_by: 'api' | 'file' | 'demo';
  created_at: string;
  config: unknown;
  status: {
    state: StreamState;
    detail?: string;
    events: number;
    anomalies: number;
    rejected: number;
    /** Events that were taken and not judged, by reason. */
    skipped?: Record<string, number>;
    keys: number;
    model_version: number;
    events_per_second: number;
    last_event_at?: string;
  };
}

export interface Drift {
  id: string;
  stream: string;
  source?: string;
  timestamp?: string;
  test: string;
  magnitude: number;
  rows_ago?: number;
  /** Size of the change of each feature that changed. */
  features: Record<string, number>;
  action: string;
}

export interface Page<T> {
  items: T[];
  next_cursor?: string;
}

/** `application/problem+json`, and what else an error may be shaped as. */
export interface Problem {
  title?: string;
  status?: number;
  detail?: string;
  code?: string;
  request_id?: string;
}
