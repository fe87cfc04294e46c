/** What all views share: the link, the statistics, the latest anomalies, the notices, the settings. */
import { signal } from '@preact/signals';
import { api, token, tokenWanted } from './api.ts';
import { AnomalyRing, ValueRing } from './buffers.ts';
import { LiveLink, type DataMessage, type LinkState, type ServerMessage, type Socket } from './live.ts';
import { throttled } from './paint.ts';
import { plural } from './format.ts';
import type { Alert, Drift, Statistics, Verdict } from './wire.ts';

export const FEED_ROWS = 50;
const RATE_SECONDS = 300;
const DRIFT_MARKS = 200;

export const link = signal<LinkState>({ name: 'connecting', attempt: 0 });
export const statistics = signal<Statistics | null>(null);
export const serverVersion = signal('');
/** Rises when what a view shows may be wrong and has to be asked for again. */
export const refetch = signal(0);
/** Rises, at most a few times a second, when the ring of anomalies has changed. */
export const feedVersion = signal(0);
/** Rises when an alert was opened or has changed. */
export const alertVersion = signal(0);
export const driftMarks = signal<readonly Drift[]>([]);
export const nowMs = signal(Date.now());
/** Said above the view until it is closed. */
export const notice = signal<{ kind: 'good' | 'warn'; text: string } | null>(null);
/** Said to screen readers. */
export const announcement = signal('');
export const helpOpen = signal(false);

export const feed = new AnomalyRing(FEED_ROWS * 4);
export const rates = new ValueRing(RATE_SECONDS);
export const latencies = new ValueRing(RATE_SECONDS);

/** Views that count anomalies themselves hear each one; they must be quick. */
const anomalyListeners = new Set<(verdict: Verdict) => void>();
export function onAnomaly(listener: (verdict: Verdict) => void): () => void {
  anomalyListeners.add(listener);
  return () => anomalyListeners.delete(listener);
}

const showFeed = throttled(() => feedVersion.value++, 250);
const showAlerts = throttled(() => alertVersion.value++, 2_000);

/** A storm of alerts is said as a number, at most this often. */
const ANNOUNCE_MS = 5_000;
let unsaid: { count: number; first: Alert | null } = { count: 0, first: null };
const announce = throttled(() => {
  const { count, first } = unsaid;
  if (first) announcement.value = count === 1 ? `New ${first.severity} alert: ${first.title}` : plural(count, 'new alert');
  unsaid = { count: 0, first: null };
}, ANNOUNCE_MS);

function takeStatistics(next: Statistics): void {
  statistics.value = next;
  rates.push(next.events_per_second);
  latencies.push(next.latency_ms.p95 ?? 0);
}

function takeData(message: DataMessage): void {
  switch (message.type) {
    case 'statistics':
      takeStatistics(message.data);
      break;
    case 'anomaly':
      feed.push(message.data);
      for (const listener of anomalyListeners) listener(message.data);
      showFeed.ask();
      break;
    case 'alert':
      if (isNew(message.data)) {
        unsaid = { count: unsaid.count + 1, first: unsaid.first ?? message.data };
        announce.ask();
      }
      showAlerts.ask();
      break;
    case 'drift':
      driftMarks.value = [...driftMarks.value.slice(1 - DRIFT_MARKS), message.data];
      break;
    case 'prediction':
      break;
    default:
      message satisfies never;
  }
}

const isNew = (alert: Alert): boolean => alert.state === 'open' && alert.anomalies === 1 && !alert.silenced;

/** What was missed since the socket broke; `null` where the server does not know. */
let missed: number | null = 0;
let wasAway = false;
let reportTimer: ReturnType<typeof setTimeout> | undefined;

/** `lost` comes once per topic, right after the welcome; they are told as one. */
const REPORT_AFTER_MS = 400;
const SLOW_REFETCH_MS = 5_000;

function report(): void {
  reportTimer = undefined;
  if (wasAway) {
    notice.value =
      missed === null
        ? { kind: 'warn', text: 'Connected again; the server was started anew, and nobody knows what was missed. Everything shown was asked for again.' }
        : missed > 0
          ? { kind: 'warn', text: `Connected again; ${plural(missed, 'message was', 'messages were')} missed. Everything shown was asked for again.` }
          : { kind: 'good', text: 'Connected again; nothing was missed.' };
  } else if (missed === null || missed > 0) {
    notice.value = { kind: 'warn', text: `${missed === null ? 'Messages were' : plural(missed, 'message was', 'messages were')} missed because this page was too slow.` };
  }
  wasAway = false;
  missed = 0;
  refetch.value++;
}

function reportSoon(ms: number): void {
  reportTimer ??= setTimeout(report, ms);
}

function take(message: ServerMessage): void {
  switch (message.type) {
    case 'welcome':
      serverVersion.value = message.version;
      if (wasAway) reportSoon(REPORT_AFTER_MS);
      break;
    case 'lost':
      if (message.topic === 'statistics') break;
      missed = message.count === null || missed === null ? null : missed + message.count;
      reportSoon(message.reason === 'slow' ? SLOW_REFETCH_MS : REPORT_AFTER_MS);
      break;
    case 'error':
      notice.value = { kind: 'warn', text: `The live connection says: ${message.detail}` };
      break;
    case 'pong':
      break;
    default:
      takeData(message);
  }
}

const socketUrl = (): string => `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/ws`;

export const live = new LiveLink({
  url: globalThis.location ? socketUrl() : '',
  topics: ['anomalies', 'alerts', 'statistics', 'drift'],
  token,
  dial: (url, protocols) => new WebSocket(url, protocols) as Socket,
  onMessage: take,
  onState: (state) => {
    if (state.name === 'waiting' || state.name === 'closed') {
      wasAway = true;
      if (notice.peek()?.kind === 'good') notice.value = null;
    }
    if (state.name === 'closed' && state.code === 4401) tokenWanted.value = true;
    link.value = state;
  },
});

/** Statistics over REST while the socket does not bring them. */
const POLL_MS = 5_000;

async function poll(): Promise<void> {
  if (link.peek().name === 'open' || document.hidden || tokenWanted.peek()) return;
  try {
    takeStatistics(await api.statistics());
  } catch {
    // The bar over the page already says that the server is away.
  }
}

export function startState(): void {
  live.start();
  setInterval(() => {
    nowMs.value = Date.now();
  }, 1_000);
  setInterval(() => void poll(), POLL_MS);
  void poll();
}
