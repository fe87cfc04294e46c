import { useState } from 'preact/hooks';
import { api } from '../api.ts';
import { Failure, Loading } from '../components/Answers.tsx';
import { StateBadge } from '../components/Badges.tsx';
import { Confirm, useTask } from '../components/Dialog.tsx';
import { Moment } from '../components/Moment.tsx';
import { count, listed, plural, rate, total } from '../format.ts';
import { useQuery } from '../query.ts';
import { changed, place, setParams } from '../router.ts';
import { statistics } from '../state.ts';
import type { Stream } from '../wire.ts';
import { FirstEvent } from './FirstEvent.tsx';
import { StreamEditor } from './StreamEditor.tsx';

export function Streams() {
  const { params } = place.value;
  const editing = params.get('stream');
  const creating = params.has('new');
  const streams = useQuery('streams', (signal) => api.streams(signal), { everyMs: 5_000 });
  const items = streams.data?.items ?? [];
  const edited = items.find(({ name }) => name === editing);
  const nothingYet = statistics.value?.total_events === 0;
  const close = () => setParams({ stream: null, new: null });
  return (
    <>
      <div class="title">
        <h1>Streams</h1>
        <a class="button end" href="/streams?new">
          New stream
        </a>
      </div>
      {nothingYet && <FirstEvent />}
      <section class="panel flush" aria-label="Streams">
        {streams.error && <Failure error={streams.error} again={streams.again} />}
        {streams.loading ? <Loading what="streams" rows={3} /> : items.length > 0 && <Table items={items} editing={editing} changed={streams.again} />}
        {streams.data && items.length === 0 && <p class="pad muted">No stream yet; the first event makes the stream “default”.</p>}
      </section>
      {creating ? (
        <StreamEditor key="new" stream={null} onClose={close} onSaved={streams.again} />
      ) : edited ? (
        <StreamEditor key={edited.name} stream={edited} onClose={close} onSaved={streams.again} />
      ) : (
        editing && streams.data && <p class="muted">There is no stream “{editing}”.</p>
      )}
    </>
  );
}

function Table({ items, editing, changed: again }: { items: Stream[]; editing: string | null; changed: () => void }) {
  const task = useTask();
  const [deleting, setDeleting] = useState<Stream>();
  const steer = (stream: Stream) => {
    const action = stream.status.state === 'paused' ? 'resume' : 'pause';
    void task.run(() => api.steerStream(stream.name, action)).then(again);
  };
  return (
    <>
      {task.error && <Failure error={task.error} />}
      <table class="list" data-list>
        <thead>
          <tr>
            <th scope="col">Stream</th>
            <th scope="col">State</th>
            <th scope="col" class="num">
              Events/s
            </th>
            <th scope="col" class="num wide-only">
              Events
            </th>
            <th scope="col" class="num wide-only">
              Anomalies
            </th>
            <th scope="col" class="num wide-only">
              Rejected
            </th>
            <th scope="col" class="num wide-only">
              Not judged
            </th>
            <th scope="col" class="num wide-only">
              Last event
            </th>
            <th scope="col">
              <span class="visually-hidden">Actions</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {items.map((stream) => {
            const { name, status, managed_by } = stream;
            return (
              <tr key={name} class={name === editing ? 'open' : ''}>
                <th scope="row">
                  <a data-row class="row-link" href={`/streams?${changed(new URLSearchParams(), { stream: name })}`}>
                    {name}
                  </a>
                  {managed_by !== 'api' && <span class="muted small"> {managed_by === 'file' ? 'from the file' : 'demo'}</span>}
                </th>
                <td>
                  <StateBadge state={status.state} />
                  {status.detail && <span class="muted small"> {status.detail}</span>}
                </td>
                <td class="num">{rate(status.events_per_second)}</td>
                <td class="num wide-only">{count(status.events)}</td>
                <td class="num wide-only">{count(status.anomalies)}</td>
                <td class="num wide-only">{count(status.rejected)}</td>
                <td class="num wide-only" title={listed(status.skipped)}>
                  {count(total(status.skipped))}
                </td>
                <td class="num wide-only">
                  <Moment time={status.last_event_at} />
                </td>
                <td class="actions">
                  <button type="button" disabled={task.busy} aria-label={`${status.state === 'paused' ? 'Resume' : 'Pause'} ${name}`} onClick={() => steer(stream)}>
                    {status.state === 'paused' ? 'Resume' : 'Pause'}
                  </button>
                  <button type="button" class="quiet" disabled={managed_by === 'file'} aria-label={`Delete ${name}`} onClick={() => setDeleting(stream)}>
                    Delete…
                  </button>
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
      {deleting && (
        <Confirm
          title={`Delete the stream ${deleting.name}?`}
          action="Delete it"
          run={() => api.deleteStream(deleting.name)}
          onClose={() => setDeleting(undefined)}
          onDone={() => {
            setDeleting(undefined);
            setParams({ stream: null }, true);
            again();
          }}
        >
          <p>
            This deletes the stream <strong>{deleting.name}</strong> with what it learned of {plural(deleting.status.keys, 'source')}, the history of{' '}
            {plural(deleting.status.events, 'event')}, and {plural(deleting.status.anomalies, 'anomaly', 'anomalies')}. It cannot be undone.
          </p>
        </Confirm>
      )}
    </>
  );
}
