import { useEffect, useState } from 'preact/hooks';
import { api } from '../api.ts';
import { Failure, Loading } from '../components/Answers.tsx';
import { useTask } from '../components/Dialog.tsx';
import { YamlField } from '../components/YamlField.tsx';
import { useQuery } from '../query.ts';
import { href, go } from '../router.ts';
import type { Stream } from '../wire.ts';

const TEMPLATE = `name: pumps
detector:
  algorithm: zscore      # robust_zscore, ewma, iqr, mad, hst, iforest, ensemble
decision:
  contamination: 0.005   # at most this share is called an anomaly
# bucket: {every: minute, what: count}   # judges the events of each minute, 0 when none comes, instead of each event
# retrain: {auto_retrain: true}          # trains sources anew every 1,000 rows
`;

interface Props {
  /** `null`: a new one. */
  stream: Stream | null;
  onClose: () => void;
  onSaved: () => void;
}

interface Draft {
  text: string;
  isSaved: boolean;
}

export function StreamEditor({ stream, onClose, onSaved }: Props) {
  const readOnly = stream?.managed_by === 'file';
  const stored = useQuery(stream && `yaml ${stream.name}`, (signal) => api.streamYaml(stream?.name ?? '', signal));
  /** What was typed; `null`: what is stored is shown. */
  const [draft, setDraft] = useState<Draft | null>(null);
  const [saved, setSaved] = useState(false);
  const task = useTask();
  const text = draft?.text ?? stored.data ?? (stream ? '' : TEMPLATE);
  const dirty = draft !== null && !draft.isSaved;
  useEffect(() => setDraft((now) => (now?.isSaved ? null : now)), [stored.data]);

  const save = () =>
    void task
      .run(async () => {
        const now = stream ? await api.changeStream(stream.name, text) : await api.createStream(text);
        if (!stream) go(href({ name: 'streams' }, { stream: now.name }), true);
      })
      .then((ok) => {
        if (!ok) return;
        // What was typed while it was being saved is kept.
        setDraft((now) => (now?.text === text ? { text, isSaved: true } : now));
        setSaved(true);
        stored.again();
        onSaved();
      });
  const change = (next: string) => {
    setDraft({ text: next, isSaved: false });
    setSaved(false);
    task.clear();
  };
  return (
    <section class="panel" aria-labelledby="editor">
      <div class="panel-title">
        <h2 id="editor">{stream ? stream.name : 'New stream'}</h2>
        <button type="button" class="quiet" onClick={onClose}>
          Close
        </button>
      </div>
      {readOnly && <p class="hint">This stream stands in the server's configuration file and is changed there; here it can only be read.</p>}
      {stored.error && <Failure error={stored.error} again={stored.again} />}
      {stream && stored.loading ? (
        <Loading what="the configuration" rows={8} />
      ) : (
        <div class="editor">
          <YamlField label={`Configuration of ${stream?.name ?? 'the new stream'} as YAML`} text={text} readOnly={readOnly} badLine={lineOf(task.error?.message)} onInput={change} onSave={save} />
          <div class="editor-side">
            {task.error && <Failure what="Not saved" error={task.error} />}
            {saved && (
              <p class="good" role="status">
                Saved.
              </p>
            )}
            {!readOnly && (
              <div class="buttons start">
                <button type="button" class="primary" disabled={task.busy || (stream !== null && !dirty)} onClick={save}>
                  {stream ? 'Save' : 'Create'}
                </button>
                {dirty && stream && (
                  <button
                    type="button"
                    onClick={() => {
                      setDraft(null);
                      task.clear();
                    }}
                  >
                    Undo changes
                  </button>
                )}
              </div>
            )}
            {!readOnly && <p class="muted small">{stream ? 'What was learned stays as far as it can.' : 'The same text may stand in the configuration file under streams.'} Ctrl+Enter saves.</p>}
          </div>
        </div>
      )}
    </section>
  );
}

/** The server's messages name the line where they know it. */
function lineOf(message: string | undefined): number | null {
  const found = /\bline (\d+)/.exec(message ?? '');
  return found ? Number(found[1]) : null;
}
