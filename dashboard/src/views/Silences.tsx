import { useState } from 'preact/hooks';
import { api } from '../api.ts';
import { Empty, Failure, Loading } from '../components/Answers.tsx';
import { useTask } from '../components/Dialog.tsx';
import { Moment } from '../components/Moment.tsx';
import { useQuery } from '../query.ts';
import { SilenceDialog } from './SilenceDialog.tsx';

export function Silences() {
  const silences = useQuery('silences', (signal) => api.silences(signal), { everyMs: 30_000 });
  const [adding, setAdding] = useState(false);
  const task = useTask();
  const items = (silences.data?.items ?? []).filter(({ until }) => Date.parse(until) > Date.now());
  const end = (id: string) => void task.run(() => api.endSilence(id)).then(silences.again);
  return (
    <section class="panel" aria-labelledby="silences">
      <div class="panel-title">
        <h2 id="silences">Active silences</h2>
        <button type="button" onClick={() => setAdding(true)}>
          New silence…
        </button>
      </div>
      {(task.error ?? silences.error) && <Failure error={(task.error ?? silences.error)!} />}
      {items.length > 0 ? (
        <ul class="silences">
          {items.map(({ id, source, stream, until, reason, by }) => (
            <li key={id} class="line">
              <code class="clip">{source}</code>
              <span class="muted">{stream}</span>
              <span class="grow clip">
                {reason}
                {by && <span class="muted"> {by}</span>}
              </span>
              <span>
                ends <Moment time={until} />
              </span>
              <button type="button" aria-label={`End the silence of ${source}`} onClick={() => end(id)}>
                End it
              </button>
            </li>
          ))}
        </ul>
      ) : silences.loading ? (
        <Loading what="silences" rows={1} />
      ) : (
        !silences.error && <Empty title="Nothing is silenced." />
      )}
      {adding && (
        <SilenceDialog
          onClose={() => setAdding(false)}
          onDone={() => {
            setAdding(false);
            silences.again();
          }}
        />
      )}
    </section>
  );
}
