/** Units and words for numbers and times; nothing else in the page formats. */

const MISSING = '–';

const grouped = new Intl.NumberFormat('en-GB', { maximumFractionDigits: 0 });

/** A count: `1,234`, from 100,000 on `123 k`, `4.56 M`. */
export function count(value: number | null | undefined): string {
  if (value == null || !Number.isFinite(value)) return MISSING;
  if (Math.abs(value) < 100_000) return grouped.format(value);
  return scaled(value, [[1e12, 'T'], [1e9, 'G'], [1e6, 'M'], [1e3, 'k']]);
}

/** The sum of counts by name; 0 of none. */
export function total(counts: Record<string, number> | undefined): number {
  return Object.values(counts ?? {}).reduce((sum, one) => sum + one, 0);
}

/** Counts by name: `3 duplicate, 1 missing`, the largest first. */
export function listed(counts: Record<string, number> | undefined): string | undefined {
  const largest = Object.entries(counts ?? {}).sort((a, b) => b[1] - a[1]);
  return largest.map(([name, number]) => `${count(number)} ${name}`).join(', ') || undefined;
}

/** A measured value with about four significant digits, without an exponent where it can be read without one. */
export function value(x: number | null | undefined): string {
  if (x == null || Number.isNaN(x)) return MISSING;
  if (!Number.isFinite(x)) return x > 0 ? '∞' : '−∞';
  if (x === 0) return '0';
  const size = Math.abs(x);
  if (size >= 1e9 || size < 1e-4) return minus(x.toExponential(2));
  const decimals = size >= 1000 ? 0 : Math.max(0, 3 - Math.floor(Math.log10(size)) - (size >= 10 ? 1 : 0));
  const text = x.toFixed(Math.min(decimals, 6));
  const trimmed = text.includes('.') ? text.replace(/\.?0+$/, '') : text;
  const [whole = '', fraction] = trimmed.split('.');
  const separated = whole.replace(/\B(?=(\d{3})+$)/g, ',');
  return minus(fraction ? `${separated}.${fraction}` : separated);
}

/** Events per second: `0.4`, `37`, `2,140`, `1.25 M`. */
export function rate(perSecond: number | null | undefined): string {
  if (perSecond == null || !Number.isFinite(perSecond)) return MISSING;
  if (perSecond > 0 && perSecond < 10) return perSecond.toFixed(1);
  return count(Math.round(perSecond));
}

export function percent(share: number | null | undefined): string {
  if (share == null || !Number.isFinite(share)) return MISSING;
  const hundredths = share * 100;
  if (hundredths === 0) return '0 %';
  if (hundredths < 0.01) return '< 0.01 %';
  return `${hundredths < 1 ? hundredths.toFixed(2) : hundredths < 10 ? trimZero(hundredths.toFixed(1)) : Math.round(hundredths)} %`;
}

export function score(x: number | null | undefined): string {
  return x == null || !Number.isFinite(x) ? MISSING : x.toFixed(3);
}

export function milliseconds(ms: number | null | undefined): string {
  if (ms == null || !Number.isFinite(ms)) return MISSING;
  if (ms < 1) return `${Math.round(ms * 1000)} µs`;
  if (ms < 100) return `${trimZero(ms.toFixed(1))} ms`;
  return ms < 10_000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

export function bytes(n: number | null | undefined): string {
  if (n == null || !Number.isFinite(n)) return MISSING;
  if (n < 1024) return `${n} B`;
  return scaled(n, [[2 ** 40, 'TiB'], [2 ** 30, 'GiB'], [2 ** 20, 'MiB'], [2 ** 10, 'KiB']]);
}

/** A length of time in its two largest units: `45 s`, `3 min 20 s`, `2 d 4 h`. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const units: [number, string][] = [[86_400, 'd'], [3_600, 'h'], [60, 'min'], [1, 's']];
  const parts: string[] = [];
  let rest = whole;
  for (const [size, name] of units) {
    const n = Math.floor(rest / size);
    rest -= n * size;
    if (n > 0) parts.push(`${n} ${name}`);
    else if (parts.length > 0) break;
    if (parts.length === 2) break;
  }
  return parts.join(' ') || '0 s';
}

/** How long ago, or when it lies ahead, in how long. */
export function ago(time: string | undefined, nowMs: number): string {
  const at = parseTime(time);
  if (at === null) return MISSING;
  const seconds = (nowMs - at) / 1000;
  if (Math.abs(seconds) < 2) return 'now';
  const largest = duration(Math.abs(seconds)).split(' ').slice(0, 2).join(' ');
  return seconds > 0 ? `${largest} ago` : `in ${largest}`;
}

const pad = (n: number): string => String(n).padStart(2, '0');

/** Local time of day; with the date where that is not today. */
export function clock(time: string | number | undefined, nowMs: number): string {
  const at = typeof time === 'number' ? time : parseTime(time);
  if (at === null || at === undefined) return MISSING;
  const date = new Date(at);
  const hours = `${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}`;
  const sameDay = date.toDateString() === new Date(nowMs).toDateString();
  return sameDay ? hours : `${day(date)} ${hours}`;
}

/** From when to when: the day once where it is the same, fractions of a second only where there are some. */
export function span(begin: string | undefined, end: string | undefined, nowMs: number): string | undefined {
  const [from, to] = [parseTime(begin), parseTime(end)];
  if (from === null || to === null) {
    const known = from ?? to;
    return known === null ? undefined : `${from === null ? 'until' : 'from'} ${clock(known, nowMs)}`;
  }
  const isFine = from % 1000 !== 0 || to % 1000 !== 0;
  const told = (ms: number, beside: number) => `${clock(ms, beside)}${isFine ? `.${String(new Date(ms).getMilliseconds()).padStart(3, '0')}` : ''}`;
  return `${told(from, nowMs)} to ${told(to, from)}`;
}

/** Date and time to the minute, for ends of a range. */
export function minute(ms: number): string {
  const date = new Date(ms);
  return `${day(date)} ${pad(date.getHours())}:${pad(date.getMinutes())}`;
}

const day = (date: Date): string => `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}`;

export function parseTime(time: string | undefined): number | null {
  if (!time) return null;
  const ms = Date.parse(time);
  return Number.isNaN(ms) ? null : ms;
}

export function plural(n: number, one: string, many = `${one}s`): string {
  return `${count(n)} ${n === 1 ? one : many}`;
}

function scaled(value: number, units: readonly (readonly [number, string])[]): string {
  const [size, name] = units.find(([size]) => Math.abs(value) >= size) ?? [1, ''];
  const n = value / size;
  return minus(`${Math.abs(n) >= 100 ? n.toFixed(0) : n.toPrecision(3)} ${name}`.trim());
}

const trimZero = (text: string): string => text.replace(/\.0$/, '');
const minus = (text: string): string => text.replace(/^-/, '−');
