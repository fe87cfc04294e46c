/** Sentences for what the server says in single words. */
import { count, plural, span } from './format.ts';
import type { Window as EventWindow, Retrain, RetrainAction, RetrainReason, RetrainState } from './wire.ts';

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

const REASONS: Record<RetrainReason, string> = {
  drift: 'What is normal has changed',
  schedule: 'So many rows had come that it was due',
  anomaly_rate: 'Too many rows were anomalies',
  command: 'Somebody asked for it',
};

const ACTIONS: Record<RetrainAction, string> = {
  retrain: 'Trained anew',
  incremental: 'Learned what it had held to be anomalies',
  switch: 'Chose anew which detector leads',
};

const STATES: Record<RetrainState, string> = {
  running: 'under way',
  done: 'done',
  'given up': 'given up',
  undone: 'taken back',
};

/** A word that this page does not know yet is shown as it came. */
const told = (words: Record<string, string>, word: string): string => words[word] ?? word.replaceAll('_', ' ');

export const why = ({ reason }: Retrain): string => told(REASONS, reason);
export const what = ({ action }: Retrain): string => told(ACTIONS, action);
export const became = ({ state }: Retrain): string => told(STATES, state);

/** How many kept rows were learned; a switch learns none. */
export const learned = ({ action, rows }: Retrain): string => (action === 'switch' ? '–' : count(rows));
