/** States as a shape and a word; colour only repeats them. */
import type { AlertState, RetrainState, Severity, StreamState } from '../wire.ts';

const SHAPES: Record<Severity, string> = {
  low: 'M8 3a5 5 0 1 0 0 10A5 5 0 0 0 8 3z',
  medium: 'M8 2l6.5 11.5h-13z',
  high: 'M8 1.5 14.5 8 8 14.5 1.5 8z',
  critical: 'M4.3 1.5 8 5.2l3.7-3.7 2.8 2.8L10.8 8l3.7 3.7-2.8 2.8L8 10.8l-3.7 3.7-2.8-2.8L5.2 8 1.5 4.3z',
};

export const SeverityBadge = ({ severity, short = false }: { severity: Severity; short?: boolean }) => (
  <span class={`severity ${severity}`}>
    <svg viewBox="0 0 16 16" width="12" height="12" aria-hidden="true">
      <path d={SHAPES[severity]} />
    </svg>
    <span class={short ? 'visually-hidden' : ''}>{severity}</span>
  </span>
);

/** `word` stands for the state where its name says too little. */
export const StateBadge = ({ state, word = state }: { state: AlertState | RetrainState | StreamState | 'warming up'; word?: string }) => (
  <span class={`state ${state.replace(' ', '-')}`}>{word}</span>
);
