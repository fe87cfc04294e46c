/** Choosing the time range; it is kept in the address. */
import { minute } from '../format.ts';
import { follows, PRESETS, rangeWords, toFixed, toPreset, type Range } from '../range.ts';
import { setParams } from '../router.ts';

interface Props {
  range: Range;
  /** Ends of what is shown, for moving and zooming without a pointer. Seconds. */
  shown: { from: number; to: number } | null;
}

export function RangeBar({ range, shown }: Props) {
  const preset = range.kind === 'preset' ? range.preset : range.kind === 'all' ? 'all' : null;
  const move = (fromShare: number, toShare: number) => {
    if (!shown) return;
    const span = shown.to - shown.from;
    setParams(toFixed(shown.from + span * fromShare, shown.to + span * toShare));
  };
  return (
    <div class="rangebar">
      <div class="segments" role="group" aria-label="Time range">
        {[...PRESETS, { id: 'all' as const, label: 'all', words: 'all of the time kept' }].map(({ id, label, words }) => (
          <button type="button" key={id} aria-pressed={preset === id} title={words} onClick={() => setParams(toPreset(id))}>
            {label}
          </button>
        ))}
      </div>
      <div class="segments" role="group" aria-label="Move and zoom">
        <button type="button" aria-label="Earlier" title="Earlier" disabled={!shown} onClick={() => move(-0.5, -0.5)}>
          ←
        </button>
        <button type="button" aria-label="Later" title="Later" disabled={!shown} onClick={() => move(0.5, 0.5)}>
          →
        </button>
        <button type="button" aria-label="Zoom in" title="Zoom in" disabled={!shown} onClick={() => move(0.25, -0.25)}>
          +
        </button>
        <button type="button" aria-label="Zoom out" title="Zoom out" disabled={!shown} onClick={() => move(-0.5, 0.5)}>
          −
        </button>
      </div>
      {range.kind === 'fixed' ? (
        <button type="button" onClick={() => setParams(toPreset('1h'))}>
          Go live
        </button>
      ) : (
        <button type="button" class="live-switch" aria-pressed={follows(range)} onClick={() => setParams({ live: range.live ? 'off' : null }, true)}>
          <span class="dot" aria-hidden="true" /> Live
        </button>
      )}
      <span class="muted small num range-words">{rangeWords(range, minute)}</span>
    </div>
  );
}
