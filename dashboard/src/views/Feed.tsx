import { useEffect, useRef, useState } from 'preact/hooks';
import { api } from '../api.ts';
import type { FeedRow } from '../buffers.ts';
import { Empty, Failure, Loading } from '../components/Answers.tsx';
import { SeverityBadge } from '../components/Badges.tsx';
import { clock, score } from '../format.ts';
import { useQuery } from '../query.ts';
import { sourceHref } from '../router.ts';
import { feed, FEED_ROWS, feedVersion, nowMs } from '../state.ts';

/** More rows than this are scrolled, in a box whose size does not depend on them. */
const FULL = 16;

/** The latest anomalies of all sources: asked for once, then as they come. */
export function Feed() {
  const first = useQuery('latest anomalies', (signal) => api.latestAnomalies(FEED_ROWS, signal));
  useEffect(() => {
    if (!first.data) return;
    feed.replace(first.data.anomalies);
    feedVersion.value++;
  }, [first.data]);
  // Read so that the list is made again when the ring has changed.
  void feedVersion.value;
  const [held, setHeld] = useState(false);
  const shown = useRef<FeedRow[]>([]);
  // A row must not move away under a pointer or the focus.
  if (!held || shown.current.length === 0) shown.current = feed.newest(FEED_ROWS);
  const rows = shown.current;
  return (
    <section class="panel" aria-labelledby="feed">
      <div class="panel-title">
        <h2 id="feed">Latest anomalies</h2>
        {held && <span class="muted small">held while you look</span>}
      </div>
      {rows.length > 0 ? (
        <ul
          class={`rows feed ${rows.length > FULL ? 'full' : ''}`}
          data-list
          onPointerEnter={() => setHeld(true)}
          onPointerLeave={(event) => setHeld(event.currentTarget.contains(document.activeElement))}
          onFocusCapture={() => setHeld(true)}
          onBlurCapture={() => setHeld(false)}
        >
          {/* Rows keep their place and change their words: in a storm that is a tenth of the work of new ones. */}
          {rows.map((row, place) => (
            <li key={place}>
              <a data-row href={sourceHref(row.source, row.stream, Number.isNaN(row.timeMs) ? undefined : new Date(row.timeMs).toISOString())}>
                <time class="num muted">{clock(row.timeMs, nowMs.peek())}</time>
                <span class="grow clip">
                  {row.source} <span class="muted">{row.feature}</span>
                </span>
                <SeverityBadge severity={row.severity} />
                <span class="num">{score(row.score)}</span>
              </a>
            </li>
          ))}
        </ul>
      ) : first.error ? (
        <Failure error={first.error} again={first.again} />
      ) : first.loading ? (
        <Loading what="the latest anomalies" />
      ) : (
        <Empty title="No anomalies yet." />
      )}
    </section>
  );
}
