/** States as a shape and a word; colour only repeats them. */
import type { AlertState, Severity, StreamState } from '../wire.ts';

const SHAPES: Record<Severity, string> = {
  low: 'M8 3a5 5 0 1 0 0 10A5 5 0 0 0 8 3z',
  medium: 'M8 2.5 14.5 13.500H1.500z',
  high: 'M8 1.5 14.5 8 8 14.5 1.5 8z',
  critical: 'M5.2 1.500h5.600l3.7 3.700v5.600l-3.7 3.700H5.200L1.5 10.800V5.200z',
};

export const SeverityBadge = ({ severity, short = false }: { severity: Severity; short?: boolean }) => (
  <span class={`severity ${severity}`}>
    <svg viewBox="0 0 16 16" width="12" height="12" aria-hidden="true">
      <path d={SHAPES[severity]} />
    </svg>
    <span class={short ? 'visually-hidden' : ''}>{severity}</span>
  </span>
);

export const StateBadge = ({ state }: { state: AlertState | StreamState | 'warming up' }) => <span class={`state ${state.replace(' ', '-')}`}>{state}</span>;
