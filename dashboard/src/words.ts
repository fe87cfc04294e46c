/** Sentences for what the server says in single words. */
import { plural, span } from './format.ts';
import type { EventWindow } from './wire.ts';

/** What an anomaly speaks of, where that is not one event: its window and what is special about it. */
export function windowWords(window: EventWindow, nowMs: number): string {
  const parts = [`${plural(window.events, 'event')}`];
  const when = span(window.begin, window.end, nowMs);
  if (when !== undefined) parts.unshift(when);
  if (window.revision) parts.push(`corrected by late events (revision ${window.revision})`);
  if (window.left_out) parts.push(`${plural(window.left_out, 'silent bucket')} left out before`);
  if (window.is_cut) parts.push('some events left out, there were too many');
  return parts.join(', ');
}
