import { useState } from 'preact/hooks';
import { api } from '../api.ts';
import { Failure, Loading } from '../components/Answers.tsx';
import { SeverityBadge, StateBadge } from '../components/Badges.tsx';
import { Dialog, useTask } from '../components/Dialog.tsx';
import { Explanation, Fact } from '../components/Explanation.tsx';
import { Moment } from '../components/Moment.tsx';
import { count, score } from '../format.ts';
import { useQuery } from '../query.ts';
import { setParams, sourceHref } from '../router.ts';
import { person } from '../settings.ts';
import { alertVersion } from '../state.ts';
import type { Alert, Receipt } from '../wire.ts';
import { SilenceDialog } from './SilenceDialog.tsx';

type Asked = 'acknowledge' | 'resolve' | 'silence' | null;

export function AlertDetail({ id }: { id: string }) {
  const query = useQuery(`alert ${id}`, (signal) => api.alert(id, signal), { on: [alertVersion.value], keep: true });
  const [asked, setAsked] = useState<Asked>(null);
  const alert = query.data;
  if (!alert) return query.error ? <Failure error={query.error} again={query.again} /> : <Loading what="the alert" rows={8} />;
  const close = () => setAsked(null);
  const done = () => {
    setAsked(null);
    alertVersion.value++;
  };
  return (
    <article class="alert">
      <div class="panel-title">
        <h2>{alert.title}</h2>
        <button type="button" class="quiet" aria-label="Close this alert's panel" onClick={() => setParams({ alert: null })}>
          Close
        </button>
      </div>
      <p class="line">
        <SeverityBadge severity={alert.severity} />
        <StateBadge state={alert.state} />
        {alert.silenced && <span class="muted">silenced: nobody was told</span>}
        <a class="clip" href={sourceHref(alert.source, alert.stream, alert.verdict?.timestamp ?? alert.last_anomaly_at)}>
          {alert.source}
        </a>
      </p>
      <div class="buttons start">
        {alert.state === 'open' && (
          <button type="button" class="primary" data-acknowledge onClick={() => setAsked('acknowledge')}>
            Acknowledge
          </button>
        )}
        {alert.state !== 'resolved' && (
          <button type="button" onClick={() => setAsked('resolve')}>
            Resolve
          </button>
        )}
        <button type="button" onClick={() => setAsked('silence')}>
          Silence…
        </button>
      </div>
      <h3>Why</h3>
      {alert.verdict ? <Explanation verdict={alert.verdict} /> : <p class="muted">The verdict is no longer kept.</p>}
      <dl class="facts">
        <Fact name="Anomalies">{count(alert.anomalies)}</Fact>
        <Fact name="Highest score">{score(alert.max_anomaly_score)}</Fact>
        <Fact name="Stream">{alert.stream}</Fact>
      </dl>
      <h3>History</h3>
      <History alert={alert} />
      <h3>Messages sent</h3>
      <Receipts receipts={alert.receipts ?? []} />
      {(asked === 'acknowledge' || asked === 'resolve') && <ChangeDialog alert={alert} action={asked} onClose={close} onDone={done} />}
      {asked === 'silence' && <SilenceDialog source={alert.source} stream={alert.stream} onClose={close} onDone={done} />}
    </article>
  );
}

const History = ({ alert }: { alert: Alert }) => (
  <ol class="history">
    <li>
      <Moment time={alert.opened_at} /> opened
    </li>
    <li>
      <Moment time={alert.last_anomaly_at} /> last anomaly
    </li>
    {alert.acknowledged_at && (
      <li>
        <Moment time={alert.acknowledged_at} /> acknowledged{alert.acknowledged_by && ` by ${alert.acknowledged_by}`}
        {alert.note && <q>{alert.note}</q>}
      </li>
    )}
    {alert.resolved_at && (
      <li>
        <Moment time={alert.resolved_at} /> resolved
      </li>
    )}
  </ol>
);

const Receipts = ({ receipts }: { receipts: readonly Receipt[] }) =>
  receipts.length === 0 ? (
    <p class="muted">None.</p>
  ) : (
    <ul class="history">
      {receipts.map(({ webhook, at, status, attempts, detail }) => (
        <li key={`${webhook} ${at}`}>
          <Moment time={at} /> {webhook}: <strong>{status}</strong>
          {attempts > 1 && ` after ${attempts} attempts`}
          {detail && <span class="muted"> {detail}</span>}
        </li>
      ))}
    </ul>
  );

function ChangeDialog({ alert, action, onClose, onDone }: { alert: Alert; action: 'acknowledge' | 'resolve'; onClose: () => void; onDone: () => void }) {
  const [note, setNote] = useState('');
  const task = useTask();
  const title = action === 'acknowledge' ? 'Acknowledge this alert' : 'Resolve this alert';
  const submit = (event: Event) => {
    event.preventDefault();
    const by = person.value.trim();
    const body = { ...(by && { by }), ...(note.trim() && { note: note.trim() }) };
    void task.run(() => api.changeAlert(alert.id, action, body)).then((ok) => ok && onDone());
  };
  return (
    <Dialog title={title} onClose={onClose}>
      <form onSubmit={submit}>
        <p>{alert.title}</p>
        <label class="field">
          Your name
          <input autocomplete="name" value={person.value} onInput={(event) => (person.value = event.currentTarget.value)} />
        </label>
        <label class="field">
          Note
          <textarea rows={3} value={note} onInput={(event) => setNote(event.currentTarget.value)} />
        </label>
        {task.error && <Failure error={task.error} />}
        <div class="buttons">
          <button type="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" class="primary" disabled={task.busy}>
            {action === 'acknowledge' ? 'Acknowledge' : 'Resolve'}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
