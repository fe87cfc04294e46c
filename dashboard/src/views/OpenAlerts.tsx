import { api } from '../api.ts';
import { Empty, Failure, Loading } from '../components/Answers.tsx';
import { SeverityBadge } from '../components/Badges.tsx';
import { Moment } from '../components/Moment.tsx';
import { plural } from '../format.ts';
import { useQuery } from '../query.ts';
import { href } from '../router.ts';
import { alertVersion } from '../state.ts';

const SHOWN = 8;

export function OpenAlerts() {
  const alerts = useQuery('open alerts', (signal) => api.alerts({ state: 'open', limit: SHOWN + 1 }, signal), { on: [alertVersion.value], everyMs: 30_000 });
  const items = alerts.data?.items ?? [];
  return (
    <section class="panel" aria-labelledby="open-alerts">
      <h2 id="open-alerts">Open alerts</h2>
      {items.length > 0 ? (
        <ul class="rows" data-list>
          {items.slice(0, SHOWN).map((alert) => (
            <li key={alert.id}>
              <a data-row class="two" href={href({ name: 'alerts' }, { alert: alert.id })}>
                <span class="line">
                  <SeverityBadge severity={alert.severity} />
                  <span class="grow clip">{alert.title}</span>
                </span>
                <span class="line muted small">
                  <span class="grow clip">{alert.source}</span>
                  <span>{plural(alert.anomalies, 'anomaly', 'anomalies')}</span>
                  <Moment time={alert.opened_at} />
                </span>
              </a>
            </li>
          ))}
        </ul>
      ) : alerts.error ? (
        <Failure error={alerts.error} again={alerts.again} />
      ) : alerts.loading ? (
        <Loading what="open alerts" rows={4} />
      ) : (
        <Empty title="No open alerts." />
      )}
      {items.length > SHOWN && (
        <p class="more">
          <a href="/alerts?state=open">All open alerts</a>
        </p>
      )}
    </section>
  );
}
