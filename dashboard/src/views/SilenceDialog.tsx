import { useState } from 'preact/hooks';
import { api } from '../api.ts';
import { Failure } from '../components/Answers.tsx';
import { Dialog, useTask } from '../components/Dialog.tsx';
import { person } from '../settings.ts';
import { refetch } from '../state.ts';

const LENGTHS = [
  { hours: 1, words: '1 hour' },
  { hours: 4, words: '4 hours' },
  { hours: 24, words: '1 day' },
  { hours: 168, words: '1 week' },
] as const;

interface Props {
  source?: string;
  stream?: string;
  onClose: () => void;
  onDone: () => void;
}

/** Ends are chosen as a length; a time of day typed on a phone at night is wrong too often. */
export function SilenceDialog({ source = '', stream, onClose, onDone }: Props) {
  const [pattern, setPattern] = useState(source);
  const [hours, setHours] = useState<number>(LENGTHS[0].hours);
  const [reason, setReason] = useState('');
  const task = useTask();
  const submit = (event: Event) => {
    event.preventDefault();
    const by = person.value.trim();
    const silence = {
      source: pattern.trim(),
      until: new Date(Date.now() + hours * 3_600_000).toISOString(),
      ...(stream && { stream }),
      ...(reason.trim() && { reason: reason.trim() }),
      ...(by && { by }),
    };
    void task
      .run(() => api.addSilence(silence))
      .then((ok) => {
        if (!ok) return;
        refetch.value++;
        onDone();
      });
  };
  return (
    <Dialog title="Silence" onClose={onClose}>
      <form onSubmit={submit}>
        <p class="muted">Anomalies are still found and alerts still kept; nobody is told of them.</p>
        <label class="field">
          Source
          <input required value={pattern} aria-describedby="pattern-help" onInput={(event) => setPattern(event.currentTarget.value)} />
        </label>
        <p class="muted small" id="pattern-help">
          A name, or a beginning with <code>*</code> as in <code>pump-*</code>; <code>*</code> alone is every source{stream ? ` of the stream ${stream}` : ''}.
        </p>
        <label class="field">
          For
          <select value={hours} onChange={(event) => setHours(Number(event.currentTarget.value))}>
            {LENGTHS.map((length) => (
              <option key={length.hours} value={length.hours}>
                {length.words}
              </option>
            ))}
          </select>
        </label>
        <label class="field">
          Reason
          <input value={reason} onInput={(event) => setReason(event.currentTarget.value)} />
        </label>
        <label class="field">
          Your name
          <input autocomplete="name" value={person.value} onInput={(event) => (person.value = event.currentTarget.value)} />
        </label>
        {task.error && <Failure error={task.error} />}
        <div class="buttons">
          <button type="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" class="primary" disabled={task.busy}>
            Silence
          </button>
        </div>
      </form>
    </Dialog>
  );
}
