import { useEffect } from 'preact/hooks';
import { api } from '../api.ts';
import { Empty, Failure, Loading } from '../components/Answers.tsx';
import { SeverityBadge, StateBadge } from '../components/Badges.tsx';
import { Moment } from '../components/Moment.tsx';
import { plural } from '../format.ts';
import { useQuery } from '../query.ts';
import { changed, place, setParams } from '../router.ts';
import { alertVersion } from '../state.ts';
import { SEVERITIES, type Alert } from '../wire.ts';
import { AlertDetail } from './AlertDetail.tsx';
import { Search } from './Sources.tsx';
import { Silences } from './Silences.tsx';

const PAGE = 50;
const STATES = [
  { value: 'open,acknowledged', words: 'not resolved' },
  { value: 'open', words: 'open' },
  { value: 'acknowledged', words: 'acknowledged' },
  { value: 'resolved', words: 'resolved' },
  { value: 'open,acknowledged,resolved', words: 'all' },
] as const;

export function Alerts() {
  const { params } = place.value;
  const state = params.get('state') ?? STATES[0].value;
  const severity = params.get('severity') ?? '';
  const source = params.get('q') ?? '';
  const cursor = params.get('cursor') ?? '';
  const chosen = params.get('alert');
  const alerts = useQuery(
    `alerts ${state} ${severity} ${source} ${cursor}`,
    (signal) => api.alerts({ state, limit: PAGE, ...(severity && { severity }), ...(source && { source }), ...(cursor && { cursor }) }, signal),
    { on: [alertVersion.value], everyMs: 30_000, keep: true },
  );
  const items = alerts.data?.items ?? [];

  useEffect(() => {
    const close = (event: KeyboardEvent) => {
      if (event.key === 'Escape' && !event.defaultPrevented && chosen && !document.querySelector('dialog[open]')) setParams({ alert: null });
    };
    document.addEventListener('keydown', close);
    return () => document.removeEventListener('keydown', close);
  }, [chosen]);

  return (
    <>
      <h1>Alerts</h1>
      <div class="filters" role="search">
        <Search q={source} label="Source, by its full name" />
        <label class="field inline">
          State
          <select value={state} onChange={(event) => setParams({ state: event.currentTarget.value, cursor: null })}>
            {STATES.map(({ value, words }) => (
              <option key={value} value={value}>
                {words}
              </option>
            ))}
          </select>
        </label>
        <label class="field inline">
          Severity
          <select value={severity} onChange={(event) => setParams({ severity: event.currentTarget.value, cursor: null })}>
            <option value="">any</option>
            {SEVERITIES.toReversed().map((name) => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
          </select>
        </label>
      </div>
      <div class={`split ${chosen ? 'chosen' : ''}`}>
        <section class="panel flush" aria-label="List of alerts">
          {alerts.error && <Failure error={alerts.error} again={alerts.again} />}
          {items.length > 0 ? (
            <ul class="rows" data-list>
              {items.map((alert) => (
                <Row key={alert.id} alert={alert} current={alert.id === chosen} />
              ))}
            </ul>
          ) : alerts.loading ? (
            <Loading what="alerts" />
          ) : (
            !alerts.error && <Empty title={state === 'open' || state === STATES[0].value ? 'Nothing needs attention.' : 'No alert is like this.'} />
          )}
          <nav class="pager" aria-label="Pages">
            {cursor && <a href={`/alerts?${changed(params, { cursor: null })}`}>First page</a>}
            {alerts.data?.next_cursor && <a href={`/alerts?${changed(params, { cursor: alerts.data.next_cursor })}`}>Next page</a>}
          </nav>
        </section>
        <section class="panel alert-panel" aria-label="The chosen alert">
          {chosen ? <AlertDetail key={chosen} id={chosen} /> : <Empty title="Choose an alert to see why it was raised." />}
        </section>
      </div>
      <Silences />
    </>
  );
}

const Row = ({ alert, current }: { alert: Alert; current: boolean }) => (
  <li>
    <a data-row class="two" aria-current={current ? 'true' : undefined} href={`/alerts?${changed(place.value.params, { alert: alert.id })}`}>
      <span class="line">
        <SeverityBadge severity={alert.severity} />
        <span class="grow clip">{alert.title}</span>
        <StateBadge state={alert.state} />
      </span>
      <span class="line muted small">
        <span class="grow clip">
          {alert.source}
          {alert.silenced && ' · silenced'}
        </span>
        <span>{plural(alert.anomalies, 'anomaly', 'anomalies')}</span>
        <Moment time={alert.last_anomaly_at} />
      </span>
    </a>
  </li>
);
