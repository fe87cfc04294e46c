/** The time range of a view: a preset that follows the clock, or two fixed ends. */
import type { Params } from './router.ts';

export const PRESETS = [
  { id: '15m', label: '15 m', words: 'the last 15 minutes', seconds: 900 },
  { id: '1h', label: '1 h', words: 'the last hour', seconds: 3_600 },
  { id: '6h', label: '6 h', words: 'the last 6 hours', seconds: 21_600 },
  { id: '24h', label: '24 h', words: 'the last 24 hours', seconds: 86_400 },
  { id: '7d', label: '7 d', words: 'the last 7 days', seconds: 604_800 },
  { id: '30d', label: '30 d', words: 'the last 30 days', seconds: 2_592_000 },
] as const;

export type PresetId = (typeof PRESETS)[number]['id'] | 'all';

export type Range =
  | { kind: 'preset'; preset: Exclude<PresetId, 'all'>; seconds: number; live: boolean }
  | { kind: 'fixed'; from: number; to: number }
  | { kind: 'all'; live: boolean };

/** Seconds since the epoch; absent ends are open. */
export interface Window {
  from?: number;
  to?: number;
}

export function readRange(params: URLSearchParams, fallback: PresetId): Range {
  const from = Date.parse(params.get('from') ?? '');
  const to = Date.parse(params.get('to') ?? '');
  if (from < to) return { kind: 'fixed', from: from / 1000, to: to / 1000 };
  const live = params.get('live') !== 'off';
  const id = params.get('range') ?? fallback;
  const preset = PRESETS.find((p) => p.id === id) ?? PRESETS.find((p) => p.id === fallback);
  if (id === 'all' || !preset) return { kind: 'all', live };
  return { kind: 'preset', preset: preset.id, seconds: preset.seconds, live };
}

export function windowOf(range: Range, nowSeconds: number): Window {
  switch (range.kind) {
    case 'all':
      return {};
    case 'fixed':
      return { from: range.from, to: range.to };
    case 'preset':
      return { from: nowSeconds - range.seconds, to: nowSeconds };
  }
}

export function rangeWords(range: Range, minute: (ms: number) => string): string {
  switch (range.kind) {
    case 'all':
      return 'all of the time kept';
    case 'fixed':
      return `${minute(range.from * 1000)} to ${minute(range.to * 1000)}`;
    case 'preset':
      return PRESETS.find((p) => p.id === range.preset)?.words ?? range.preset;
  }
}

export const follows = (range: Range): boolean => range.kind !== 'fixed' && range.live;

export const toPreset = (id: PresetId): Params => ({ range: id, from: null, to: null, at: null });

export const toFixed = (from: number, to: number): Params => ({ range: null, at: null, live: null, from: iso(from), to: iso(to) });

/** Ends in the URL are whole milliseconds; finer ones make addresses nobody can read. */
export const iso = (seconds: number): string => new Date(Math.round(seconds * 1000)).toISOString();

/** How often a view that follows asks again: once per pixel or so of its chart, never more often than every 2 s. */
export function refreshMs(range: Range): number {
  if (range.kind !== 'preset') return 15_000;
  return Math.min(60, Math.max(2, range.seconds / 600)) * 1000;
}

/** Shortest range that shows about this many events; shorter ones look empty, longer ones hide the day's shape. */
const WANTED_EVENTS = 240;

interface Seen {
  events: number;
  first: number | null;
  last: number | null;
}

/** What to show of a source when nobody asked for a range. Times are seconds. */
export function fittingPreset(seen: Seen, nowSeconds: number): PresetId {
  if (seen.first === null || seen.last === null) return '1h';
  const wanted = spacing(seen) * WANTED_EVENTS;
  const age = nowSeconds - seen.last;
  return PRESETS.find((p) => p.seconds >= 3_600 && p.seconds >= wanted && age < p.seconds / 2)?.id ?? 'all';
}

/** The window around one moment, wide enough for the shape before and after it. */
export function windowAround(at: number, seen: Seen): { from: number; to: number } {
  const half = Math.max(300, (spacing(seen) * WANTED_EVENTS) / 2);
  return { from: at - half, to: at + half };
}

function spacing(seen: Seen): number {
  if (seen.first === null || seen.last === null || seen.events < 2) return 0;
  return (seen.last - seen.first) / (seen.events - 1);
}
