/** Drawing at most once per animation frame, and no more often than asked. */

/** Charts stay readable and cheap at four redraws a second. */
export const CHART_MS = 250;

/** Calls `draw` in an animation frame, at least `everyMs` after the last time; calls in between become one. */
export function throttled(draw: () => void, everyMs: number): { ask: () => void; cancel: () => void } {
  let last = -Infinity;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let frame = 0;
  const run = () => {
    frame = 0;
    last = performance.now();
    draw();
  };
  return {
    ask() {
      if (timer !== undefined || frame !== 0) return;
      const wait = last + everyMs - performance.now();
      const request = () => {
        timer = undefined;
        frame = requestAnimationFrame(run);
      };
      if (wait > 0) timer = setTimeout(request, wait);
      else request();
    },
    cancel() {
      clearTimeout(timer);
      timer = undefined;
      cancelAnimationFrame(frame);
      frame = 0;
    },
  };
}

/** Calls `act` once, this long after the first of many calls. */
export function delayed(act: () => void, afterMs: number): { ask: () => void; cancel: () => void } {
  let timer: ReturnType<typeof setTimeout> | undefined;
  return {
    ask() {
      timer ??= setTimeout(() => {
        timer = undefined;
        act();
      }, afterMs);
    },
    cancel() {
      clearTimeout(timer);
      timer = undefined;
    },
  };
}
