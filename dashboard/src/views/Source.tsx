import { useEffect, useMemo, useState } from 'preact/hooks';
import { api } from '../api.ts';
import { Failure, Loading } from '../components/Answers.tsx';
import { StateBadge } from '../components/Badges.tsx';
import { Confirm } from '../components/Dialog.tsx';
import { Fact } from '../components/Explanation.tsx';
import { Moment } from '../components/Moment.tsx';
import { RangeBar } from '../components/RangeBar.tsx';
import { bytes, clock, count, parseTime, percent, plural, value } from '../format.ts';
import { throttled } from '../paint.ts';
import { useQuery } from '../query.ts';
import { fittingPreset, follows, readRange, refreshMs, toFixed, windowAround, windowOf, type Range, type Window } from '../range.ts';
import { go, place, setParams } from '../router.ts';
import { driftMarks, nowMs, onAnomaly } from '../state.ts';
import type { Drift, KeyDetail } from '../wire.ts';
import { SourceAnomalies } from './SourceAnomalies.tsx';
import { SourceCharts } from './SourceCharts.tsx';
import { Trainings } from './Trainings.tsx';

const POINTS = 600;
/** A history comes with all values of the source; a wide one comes coarser and less often, lest it be tens of megabytes. */
const CELLS = 24 * POINTS;
const FEWEST_POINTS = 60;
const WIDE_REFRESH_MS = 15_000;
const MARKED_ANOMALIES = 500;
const MARKED_DRIFTS = 100;
const SOON_MS = 2_000;

export function Source({ name }: { name: string }) {
  const { params } = place.value;
  const stream = params.get('stream') ?? undefined;
  const detail = useQuery(`key ${name} ${stream}`, (signal) => api.key(name, stream, signal), { everyMs: 10_000, keep: true });
  const [forgetting, setForgetting] = useState(false);
  const known = detail.data;

  return (
    <>
      <div class="title">
        <h1 class="clip" title={name}>
          {name}
        </h1>
        {known?.warming_up && <StateBadge state="warming up" />}
        <span class="muted">{known?.stream ?? stream}</span>
        <button type="button" class="quiet end" onClick={() => setForgetting(true)} disabled={!known}>
          Forget this source…
        </button>
      </div>
      {detail.error && <Failure what={name} error={detail.error} again={detail.again} />}
      {known ? <Facts known={known} /> : !detail.error && <Loading what="the source" rows={1} />}
      {known && <Over name={name} known={known} again={detail.again} />}
      {forgetting && known && (
        <Confirm
          title={`Forget ${name}?`}
          action="Forget it"
          run={() => api.forgetKey(name, known.stream)}
          onClose={() => setForgetting(false)}
          onDone={() => go('/sources', true)}
        >
          <p>
            This deletes what the detector learned of <strong>{name}</strong> in the stream <strong>{known.stream}</strong>: its state after{' '}
            {plural(known.sample_count, 'sample')}, its history of {plural(known.events, 'event')}, and its {plural(known.anomalies, 'anomaly', 'anomalies')}. It
            cannot be undone. The next event of this name starts anew.
          </p>
        </Confirm>
      )}
    </>
  );
}

const Facts = ({ known }: { known: KeyDetail }) => (
  <dl class="facts panel">
    <Fact name="Detector">
      {known.algorithm} <span class="muted">model {known.model_version}</span>
    </Fact>
    <Fact name="Learned from">
      {plural(known.sample_count, 'sample')}
      {known.warming_up && <span class="muted"> – too few to judge yet</span>}
    </Fact>
    <Fact name="Learned until">{known.learned_until ? clock(known.learned_until, nowMs.peek()) : '–'}</Fact>
    <Fact name="Events">{count(known.events)}</Fact>
    <Fact name="Anomalies">{count(known.anomalies)}</Fact>
    <Fact name="Last seen">
      <Moment time={known.last_seen} />
    </Fact>
    <Fact name="Memory">{bytes(known.memory_bytes)}</Fact>
    {known.features.slice(0, 3).map(
      ({ name, expected }) =>
        expected && (
          <Fact key={name} name={`Normal ${name}`}>
            {value(expected[0])} to {value(expected[2])}
          </Fact>
        ),
    )}
    {known.about && <Fact name="Found out">{known.about}</Fact>}
  </dl>
);

/** What the address asks for; a moment alone becomes the window around it. */
function wanted(params: URLSearchParams, known: KeyDetail): { range: Range; at: number | null } {
  const seconds = (time: string | undefined) => {
    const ms = parseTime(time);
    return ms === null ? null : ms / 1000;
  };
  const seen = { events: known.events, first: seconds(known.first_seen), last: seconds(known.last_seen) };
  const at = seconds(params.get('at') ?? undefined);
  if (at !== null) return { at, range: { kind: 'fixed', ...windowAround(at, seen) } };
  return { at, range: readRange(params, fittingPreset(seen, Date.now() / 1000)) };
}

/** Everything below the facts: it depends on the time range, whose default depends on what is known. */
function Over({ name, known, again }: { name: string; known: KeyDetail; again: () => void }) {
  const { params } = place.value;
  // The choice of a default must not jump about while events come in.
  const [first] = useState(known);
  const { range, at } = useMemo(() => wanted(params, first), [params, first]);
  const soon = useSoon(name, follows(range));
  const width = Math.max(1, first.features.length);
  const points = Math.max(FEWEST_POINTS, Math.min(POINTS, Math.floor(CELLS / width)));
  const everyMs = follows(range) ? Math.max(refreshMs(range), points < POINTS ? WIDE_REFRESH_MS : 0) : undefined;
  const question = `${name} ${known.stream} ${JSON.stringify(range)}`;
  const history = useQuery(
    `history ${question}`,
    async (signal) => {
      const window = windowOf(range, Date.now() / 1000);
      return { window, history: await api.history(name, known.stream, window, points, signal) };
    },
    { everyMs, on: [soon], keep: true },
  );
  const anomalies = useQuery(
    `anomalies ${question}`,
    (signal) => api.anomalies({ stream: known.stream, source: name, limit: MARKED_ANOMALIES, ...windowOf(range, Date.now() / 1000) }, signal),
    { everyMs: everyMs && Math.max(everyMs, 10_000), on: [soon], keep: true },
  );
  const live = driftMarks.value.filter((mark) => mark.source === name && mark.stream === known.stream).length;
  const drifts = useQuery(
    `drifts ${question}`,
    (signal) => api.drifts({ stream: known.stream, source: name, limit: MARKED_DRIFTS, ...windowOf(range, Date.now() / 1000) }, signal),
    { everyMs: everyMs && Math.max(everyMs, 10_000), on: [live], keep: true },
  );
  const drift = drifts.data?.items ?? [];
  const shown = history.data ? endsOf(history.data.window, history.data.history.times) : null;
  const zoom = (from: number, to: number) => setParams(toFixed(from, to));

  return (
    <>
      <RangeBar range={range} shown={shown} />
      {history.error && <Failure what="History" error={history.error} again={history.again} />}
      {history.data ? (
        <SourceCharts history={history.data.history} window={history.data.window} verdicts={anomalies.data?.items ?? []} drift={drift} at={at} onZoom={zoom} />
      ) : (
        history.loading && (
          <section class="panel">
            <Loading what="the history" rows={9} />
          </section>
        )
      )}
      {drift.length > 0 && <Drifts drifts={drift} />}
      <Trainings known={known} again={again} />
      <SourceAnomalies query={anomalies} at={at} capped={MARKED_ANOMALIES} />
    </>
  );
}

/** What is normal has changed: when, in which values, how much. */
const Drifts = ({ drifts }: { drifts: readonly Drift[] }) => (
  <section class="panel">
    <h2>Changes of what is normal</h2>
    <ul class="plain">
      {drifts.map((drift) => (
        <li key={drift.id}>
          <Moment time={drift.timestamp} />{' '}
          {Object.entries(drift.features)
            .map(([feature, size]) => `${feature} by ${percent(size)}`)
            .join(', ')}
          <span class="muted">
            {' '}
            seen by {drift.test}
            {drift.rows_ago !== undefined && `, begun about ${plural(drift.rows_ago, 'row')} before`}
          </span>
        </li>
      ))}
    </ul>
  </section>
);

function endsOf(window: Window, times: readonly number[]): { from: number; to: number } | null {
  const from = window.from ?? times[0];
  const to = window.to ?? times.at(-1);
  return from !== undefined && to !== undefined && to > from ? { from, to } : null;
}

/** Rises a little after an anomaly of this source came, so that it is seen before the next round. */
function useSoon(name: string, follow: boolean): number {
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    if (!follow) return;
    const ask = throttled(() => setTurn((n) => n + 1), SOON_MS);
    const stop = onAnomaly((verdict) => {
      if (verdict.source === name) ask.ask();
    });
    return () => {
      stop();
      ask.cancel();
    };
  }, [name, follow]);
  return turn;
}
