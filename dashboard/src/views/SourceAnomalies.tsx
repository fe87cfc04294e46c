import { useEffect, useState } from 'preact/hooks';
import { guiltiest } from '../buffers.ts';
import { Empty, Failure, Loading } from '../components/Answers.tsx';
import { SeverityBadge } from '../components/Badges.tsx';
import { Explanation } from '../components/Explanation.tsx';
import { clock, count, parseTime, percent, plural, score, value } from '../format.ts';
import type { Query } from '../query.ts';
import { nowMs } from '../state.ts';
import { severityOf, type Page } from '../shapes.ts';
import { type Verdict } from '../wire.ts';

const FIRST_ROWS = 25;

interface Props {
  query: Query<Page<Verdict>>;
  /** The moment that was linked to, seconds: the anomaly nearest to it is open. */
  at: number | null;
  capped: number;
}

export function SourceAnomalies({ query, at, capped }: Props) {
  const items = query.data?.items ?? [];
  const [rows, setRows] = useState(FIRST_ROWS);
  const [open, setOpen] = useState<string | null | undefined>();
  // Until somebody opens or closes one, the one that was linked to is open, else the newest of when the list first came:
  // newer ones must not push away what is being read.
  const first = at === null ? items[0]?.id : nearest(items, at);
  const shown = open === undefined || (open !== null && !items.some(({ id }) => id === open)) ? first : open;
  useEffect(() => setOpen(undefined), [at]);
  useEffect(() => {
    if (open === undefined && first !== undefined) setOpen(first);
  }, [open, first]);
  const list = items.slice(0, Math.max(rows, items.findIndex(({ id }) => id === shown) + 1));
  return (
    <section class="panel flush" aria-labelledby="anomalies">
      <h2 id="anomalies">
        Anomalies <span class="muted num">{query.data ? `${count(items.length)}${items.length >= capped ? ' newest' : ''}` : ''}</span>
      </h2>
      {items.length > 0 ? (
        <table class="list anomalies" data-list>
          <thead>
            <tr>
              <th scope="col">Time</th>
              <th scope="col">Value</th>
              <th scope="col">Severity</th>
              <th scope="col" class="num">
                Score
              </th>
              <th scope="col" class="num wide-only">
                Confidence
              </th>
              <th scope="col" class="wide-only">
                Kind
              </th>
            </tr>
          </thead>
          <tbody>
            {list.map((verdict) => (
              <Row key={verdict.id} verdict={verdict} open={verdict.id === shown} toggle={() => setOpen(verdict.id === shown ? null : verdict.id)} />
            ))}
          </tbody>
        </table>
      ) : query.error ? (
        <Failure error={query.error} again={query.again} />
      ) : query.loading ? (
        <Loading what="anomalies" />
      ) : (
        <Empty title="No anomalies in this range." />
      )}
      {items.length > list.length && (
        <p class="more">
          <button type="button" onClick={() => setRows((n) => n + 100)}>
            Show more of {plural(items.length, 'anomaly', 'anomalies')}
          </button>
        </p>
      )}
    </section>
  );
}

function Row({ verdict, open, toggle }: { verdict: Verdict; open: boolean; toggle: () => void }) {
  const name = guiltiest(verdict);
  const panel = `why ${verdict.id}`.replaceAll(/[^\w-]/g, '-');
  return (
    <>
      <tr class={open ? 'open' : ''}>
        <th scope="row">
          <button type="button" class="row-link num" data-row aria-expanded={open} aria-controls={panel} onClick={toggle}>
            {clock(verdict.timestamp, nowMs.peek())}
          </button>
          {verdict.window?.revision !== undefined && <span class="muted small"> corrected</span>}
        </th>
        <td>
          {name ?? '–'} <span class="num">{name === undefined ? '' : value(verdict.values?.[name])}</span>
        </td>
        <td>
          <SeverityBadge severity={verdict.severity ?? severityOf(verdict.anomaly_score ?? 0)} />
        </td>
        <td class="num">{score(verdict.anomaly_score)}</td>
        <td class="num wide-only">{percent(verdict.confidence)}</td>
        <td class="wide-only">{verdict.anomaly_type?.replaceAll('_', ' ') ?? '–'}</td>
      </tr>
      {open && (
        <tr class="detail" id={panel}>
          <td colSpan={6}>
            <Explanation verdict={verdict} />
          </td>
        </tr>
      )}
    </>
  );
}

function nearest(items: readonly Verdict[], at: number): string | undefined {
  const away = (verdict: Verdict) => Math.abs((parseTime(verdict.timestamp) ?? Infinity) / 1000 - at);
  let best: Verdict | undefined;
  for (const verdict of items) if (!best || away(verdict) < away(best)) best = verdict;
  return best?.id;
}
