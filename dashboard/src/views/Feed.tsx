import { useEffect } from 'preact/hooks';
import { api } from '../api.ts';
import { Empty, Failure, Loading } from '../components/Answers.tsx';
import { SeverityBadge } from '../components/Badges.tsx';
import { clock, score } from '../format.ts';
import { useQuery } from '../query.ts';
import { sourceHref } from '../router.ts';
import { feed, FEED_ROWS, feedVersion, nowMs } from '../state.ts';

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
  const rows = feed.newest(FEED_ROWS);
  return (
    <section class="panel" aria-labelledby="feed">
      <h2 id="feed">Latest anomalies</h2>
      {rows.length > 0 ? (
        <ul class="rows feed" data-list>
          {rows.map((row) => (
            <li key={row.id}>
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
