import { useEffect, useState } from 'preact/hooks';
import { api } from '../api.ts';
import { StateBadge } from '../components/Badges.tsx';
import { Confirm } from '../components/Dialog.tsx';
import { Moment } from '../components/Moment.tsx';
import { plural } from '../format.ts';
import { announcement } from '../state.ts';
import type { KeyDetail, Retrain } from '../wire.ts';
import { became, learned, what, why } from '../words.ts';

/** While a training goes on, it is asked for this often. */
const RUNNING_MS = 2_000;
/** A command stands in the log when it is answered; when it is obeyed is a matter of moments. */
const SOON_MS = [0, 300, 1_000, 3_000];

/** Older ones are shown when asked for: what was found strange is not to be far down. */
const FIRST_ROWS = 3;

interface Props {
  known: KeyDetail;
  again: () => void;
}

/** When the detector of this source was trained anew and why, and the way back. */
export function Trainings({ known, again }: Props) {
  const [asked, setAsked] = useState<'retrain' | 'back' | null>(null);
  const [all, setAll] = useState(false);
  const [turn, setTurn] = useState(0);
  const newestFirst = known.retrains.toReversed();
  const newest = newestFirst[0];
  const isRunning = newest?.state === 'running';
  useEffect(() => {
    if (!isRunning) return;
    const timer = setInterval(again, RUNNING_MS);
    return () => clearInterval(timer);
  }, [isRunning, again]);
  useEffect(() => {
    if (turn === 0) return;
    const timers = SOON_MS.map((ms) => setTimeout(again, ms));
    return () => timers.forEach(clearTimeout);
  }, [turn, again]);
  const done = (said: string) => {
    setAsked(null);
    setTurn((n) => n + 1);
    announcement.value = said;
  };
  const confirm = { onClose: () => setAsked(null), kind: 'primary' as const };

  return (
    <section class="panel flush" aria-labelledby="trainings">
      <div class="panel-title">
        <h2 id="trainings">Trained anew</h2>
        <div class="buttons">
          <button type="button" disabled={isRunning} title={isRunning ? 'A training is under way' : undefined} onClick={() => setAsked('retrain')}>
            Train anew…
          </button>
          <button type="button" disabled={!known.can_go_back} title={known.can_go_back ? undefined : 'There is nothing to go back to'} onClick={() => setAsked('back')}>
            Back to before…
          </button>
        </div>
      </div>
      {newestFirst.length > 0 ? <History trainings={all ? newestFirst : newestFirst.slice(0, FIRST_ROWS)} /> : <p class="pad muted">Not since it began to learn.</p>}
      {!all && newestFirst.length > FIRST_ROWS && (
        <p class="more">
          <button type="button" onClick={() => setAll(true)}>
            Show all {plural(newestFirst.length, 'training')}
          </button>
        </p>
      )}
      {asked === 'retrain' && (
        <Confirm
          {...confirm}
          title={`Train ${known.source} anew?`}
          action="Train it anew"
          run={() => api.steerKey(known.source, known.stream, 'retrain')}
          onDone={() => done(`${known.source} is being trained anew`)}
        >
          <p>
            A new detector learns the normal ones of the rows that are kept of <strong>{known.source}</strong> in the stream <strong>{known.stream}</strong>; where
            the stream keeps none, it learns from the rows that come. Until it is ready the present one answers, and you can go back to that one afterwards.
            {known.can_go_back && ' What you could go back to now will then be gone.'}
          </p>
        </Confirm>
      )}
      {asked === 'back' && (
        <Confirm
          {...confirm}
          title={`Take ${known.source} back to before?`}
          action={isRunning ? 'Stop the training' : 'Go back'}
          run={() => api.steerKey(known.source, known.stream, 'back')}
          onDone={() => done(`${known.source} was taken back to before`)}
        >
          <p>
            <strong>{known.source}</strong> in the stream <strong>{known.stream}</strong> {backWords(newest)}
          </p>
        </Confirm>
      )}
    </section>
  );
}

/** What going back means: before the end of a training what was learned before still answers. */
function backWords(newest: Retrain | undefined): string {
  if (newest?.state === 'running' && newest.action === 'retrain') {
    return 'goes on being judged by what was learned before, and the training ends. What it came to so far is kept: going back once more brings that back.';
  }
  const then = newest?.state === 'undone' ? 'what was left when it went back the last time' : 'what was learned before its last training';
  return `is judged again by ${then}. What answers now is kept: going back once more brings it back.`;
}

const History = ({ trainings }: { trainings: readonly Retrain[] }) => (
  <table class="list trainings">
    <caption class="visually-hidden">When this source was trained anew, newest first</caption>
    <thead>
      <tr>
        <th scope="col">When</th>
        <th scope="col">Why</th>
        <th scope="col">What was done</th>
        <th scope="col" class="num wide-only">
          Kept rows learned
        </th>
        <th scope="col">State</th>
      </tr>
    </thead>
    <tbody>
      {trainings.map((training) => (
        <tr key={`${training.sample_count} ${training.reason} ${training.timestamp}`}>
          <th scope="row">
            {training.timestamp && <Moment time={training.timestamp} />}{' '}
            <span class="muted small">after {plural(training.sample_count, 'sample')}</span>
          </th>
          <td>{why(training)}</td>
          <td>{what(training)}</td>
          <td class="num wide-only">{learned(training)}</td>
          <td>
            <StateBadge state={training.state} word={became(training)} />
          </td>
        </tr>
      ))}
    </tbody>
  </table>
);
