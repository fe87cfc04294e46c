import { useEffect, useMemo, useState } from 'preact/hooks';
import type uPlot from 'uplot';
import { api } from '../api.ts';
import { ActivityGrid } from '../buffers.ts';
import { AnomaliesChart } from '../charts/AnomaliesChart.tsx';
import { HeatMap } from '../charts/HeatMap.tsx';
import { Sparkline } from '../charts/Sparkline.tsx';
import { Empty, Failure, Loading } from '../components/Answers.tsx';
import { RangeBar } from '../components/RangeBar.tsx';
import { count, duration, milliseconds, percent, plural, rate } from '../format.ts';
import { CHART_MS, delayed, throttled } from '../paint.ts';
import { useQuery } from '../query.ts';
import { follows, readRange, toFixed, toPreset, windowOf, type Range, type Window } from '../range.ts';
import { place, setParams } from '../router.ts';
import { latencies, onAnomaly, rates, statistics } from '../state.ts';
import type { Statistics } from '../wire.ts';
import { Feed } from './Feed.tsx';
import { FirstEvent } from './FirstEvent.tsx';
import { OpenAlerts } from './OpenAlerts.tsx';

const BINS = 60;
const HEAT_ROWS = 30;
const REFETCH_MS = 15_000;
const NEW_ROW_MS = 2_000;

export function Overview() {
  const { params } = place.value;
  const range = readRange(params, '1h');
  const activity = useQuery(
    `activity ${JSON.stringify(range)}`,
    (signal) => api.activity(binned(range, Date.now() / 1000), BINS, HEAT_ROWS, signal),
    { everyMs: follows(range) ? REFETCH_MS : undefined, keep: true },
  );
  const grid = useMemo(() => activity.data && new ActivityGrid(activity.data), [activity.data]);
  const version = useLive(grid, follows(range), activity.again);
  const data = useMemo<uPlot.AlignedData>(() => (grid ? [[...grid.times], [...grid.anomalies]] : [[], []]), [grid, version]);
  const numbers = statistics.value;
  const from = grid?.times[0];
  const shown = grid && from !== undefined ? { from, to: (grid.times.at(-1) ?? from) + grid.binSeconds } : null;

  if (numbers && numbers.total_events === 0 && numbers.sources === 0) {
    return (
      <>
        <h1>Overview</h1>
        <FirstEvent />
      </>
    );
  }
  return (
    <>
      <h1 class="visually-hidden">Overview</h1>
      <Numbers />
      <RangeBar range={range} shown={shown} />
      <div class="overview">
        <div class="column">
          <section class="panel" aria-labelledby="over-time">
            <h2 id="over-time">Anomalies over time</h2>
            {grid ? (
              <AnomaliesChart grid={grid} data={data} onZoom={(from, to) => setParams(toFixed(from, to))} />
            ) : activity.error ? (
              <Failure error={activity.error} again={activity.again} />
            ) : (
              <Loading what="anomalies over time" rows={5} />
            )}
          </section>
          <section class="panel" aria-labelledby="by-source">
            <h2 id="by-source">Anomalies by source and time</h2>
            {!grid ? (
              !activity.error && <Loading what="the heat map" rows={12} />
            ) : grid.rows.length > 0 ? (
              <HeatMap grid={grid} version={version} />
            ) : (
              <Empty title="No anomalies in this range.">
                {range.kind !== 'all' && (
                  <button type="button" onClick={() => setParams(toPreset('all'))}>
                    Show all of the time kept
                  </button>
                )}
              </Empty>
            )}
          </section>
        </div>
        <div class="column">
          <OpenAlerts />
          <Feed />
        </div>
      </div>
    </>
  );
}

/** Ends on the bins' edges, with room for what happens before the next question. */
function binned(range: Range, nowSeconds: number): Window {
  if (range.kind !== 'preset') return windowOf(range, nowSeconds);
  const bin = range.seconds / BINS;
  const to = Math.ceil((nowSeconds + REFETCH_MS / 1000) / bin) * bin;
  return { from: to - range.seconds, to };
}

/** Counts what the socket brings into the grid; the number rises when it is time to draw. */
function useLive(grid: ActivityGrid | undefined, follow: boolean, again: () => void): number {
  const [version, setVersion] = useState(0);
  useEffect(() => {
    if (!grid || !follow) return;
    const draw = throttled(() => setVersion((n) => n + 1), CHART_MS);
    const ask = delayed(again, NEW_ROW_MS);
    const stop = onAnomaly((verdict) => {
      const place = grid.add(verdict);
      if (place !== 'outside') draw.ask();
      // Where there is room for another row the source gets it soon; a full map waits for the next round.
      if (place === 'unlisted' && grid.rows.length < HEAT_ROWS) ask.ask();
    });
    return () => {
      stop();
      draw.cancel();
      ask.cancel();
    };
  }, [grid, follow, again]);
  return version;
}

function Numbers() {
  const now = statistics.value;
  return (
    <section class="numbers" aria-label="Numbers">
      <div>
        <h2>Events per second</h2>
        <p>
          <strong class="num">{rate(now?.events_per_second)}</strong>
          <Sparkline values={rates} version={now} />
        </p>
        <p class="muted small">{now ? `${count(now.total_events)} since the start` : ' '}</p>
      </div>
      <div>
        <h2>Latency</h2>
        <p>
          <strong class="num">{milliseconds(now?.latency_ms.p95)}</strong>
          <Sparkline values={latencies} version={now} />
        </p>
        <p class="muted small">95th percentile; half within {milliseconds(now?.latency_ms.p50)}</p>
      </div>
      <div>
        <h2>Sources</h2>
        <p>
          <a class="figure" href="/sources">
            <strong class="num">{count(now?.sources)}</strong>
          </a>
        </p>
        <p class="muted small">up for {now ? duration(now.uptime_seconds) : '–'}</p>
      </div>
      <div>
        <h2>Anomalies</h2>
        <p>
          <strong class="num">{count(now?.total_anomalies)}</strong>
        </p>
        <p class="muted small">{percent(now?.anomaly_rate)} of all events</p>
      </div>
      <div>
        <h2>Open alerts</h2>
        <p>
          <a class="figure" href="/alerts">
            <strong class={`num ${now && now.open_alerts > 0 ? 'attention' : ''}`}>{count(now?.open_alerts)}</strong>
          </a>
        </p>
        <p class="muted small">{now ? lost(now) : ' '}</p>
      </div>
    </section>
  );
}

/** Events that no verdict came of. */
function lost({ rejected_events: rejected, skipped_events: skipped }: Statistics): string {
  const told = [rejected > 0 && `${plural(rejected, 'event')} rejected`, skipped > 0 && `${count(skipped)} not judged`].filter(Boolean);
  return told.length > 0 ? told.join(', ') : 'no event rejected';
}
