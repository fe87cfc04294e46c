import { useEffect, useRef, useState } from 'preact/hooks';
import { api } from '../api.ts';
import { Empty, Failure, Loading } from '../components/Answers.tsx';
import { Moment } from '../components/Moment.tsx';
import { count, value } from '../format.ts';
import { useQuery } from '../query.ts';
import { href, place, setParams, sourceHref } from '../router.ts';
import { statistics } from '../state.ts';
import type { Key } from '../wire.ts';
import { FirstEvent } from './FirstEvent.tsx';

const PAGE = 50;
const SEARCH_MS = 250;
const VALUES_SHOWN = 3;

export function Sources() {
  const { params } = place.value;
  const q = params.get('q') ?? '';
  const stream = params.get('stream') ?? '';
  const cursor = params.get('cursor') ?? '';
  const keys = useQuery(
    `keys ${q} ${stream} ${cursor}`,
    (signal) => api.keys({ limit: PAGE, ...(q && { q }), ...(stream && { stream }), ...(cursor && { cursor }) }, signal),
    { everyMs: 10_000, keep: true },
  );
  const streams = useQuery('streams', (signal) => api.streams(signal));
  const items = keys.data?.items ?? [];
  const nothingYet = !q && !stream && !cursor && keys.data && items.length === 0;

  return (
    <>
      <div class="title">
        <h1>Sources</h1>
        <span class="muted num">{count(statistics.value?.sources)} in all</span>
      </div>
      {nothingYet ? (
        <FirstEvent />
      ) : (
        <>
          <div class="filters" role="search">
            <Search q={q} />
            {(streams.data?.items.length ?? 0) > 1 && (
              <label class="field inline">
                Stream
                <select value={stream} onChange={(event) => setParams({ stream: event.currentTarget.value, cursor: null })}>
                  <option value="">all</option>
                  {streams.data?.items.map(({ name }) => (
                    <option key={name} value={name}>
                      {name}
                    </option>
                  ))}
                </select>
              </label>
            )}
          </div>
          <section class="panel flush" aria-label="Sources">
            {keys.error && <Failure error={keys.error} again={keys.again} />}
            {keys.loading ? <Loading what="sources" rows={12} /> : items.length > 0 ? <Table items={items} /> : !keys.error && <Empty title={`No source has “${q}” in its name.`} />}
          </section>
          <nav class="pager" aria-label="Pages">
            {cursor && <a href={href({ name: 'sources' }, { q, stream })}>First page</a>}
            {keys.data?.next_cursor && <a href={href({ name: 'sources' }, { q, stream, cursor: keys.data.next_cursor })}>Next page</a>}
          </nav>
        </>
      )}
    </>
  );
}

export function Search({ q, label = 'Search sources' }: { q: string; label?: string }) {
  const [text, setText] = useState(q);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const sent = useRef(q);
  useEffect(() => {
    // Back and Forward change the address without this field.
    if (q !== sent.current) setText(q);
    sent.current = q;
  }, [q]);
  useEffect(() => () => clearTimeout(timer.current), []);
  const onInput = (next: string) => {
    setText(next);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => {
      sent.current = next;
      setParams({ q: next, cursor: null }, true);
    }, SEARCH_MS);
  };
  return (
    <label class="field inline grow">
      <span class="visually-hidden">{label}</span>
      <input type="search" data-search placeholder={`${label} (/)`} value={text} onInput={(event) => onInput(event.currentTarget.value)} />
    </label>
  );
}

const Table = ({ items }: { items: Key[] }) => (
  <table class="list sources" data-list>
    <thead>
      <tr>
        <th scope="col">Source</th>
        <th scope="col" class="wide-only">
          Stream
        </th>
        <th scope="col">Last values</th>
        <th scope="col" class="num wide-only">
          Events
        </th>
        <th scope="col" class="num">
          Anomalies
        </th>
        <th scope="col" class="num">
          Last seen
        </th>
      </tr>
    </thead>
    <tbody>
      {items.map((key) => (
        <tr key={`${key.stream}/${key.source}`}>
          <th scope="row">
            <a data-row class="row-link" href={sourceHref(key.source, key.stream)}>
              {key.source}
            </a>
          </th>
          <td class="wide-only muted">{key.stream}</td>
          <td class="values-cell">
            <LastValues values={key.values ?? {}} />
          </td>
          <td class="num wide-only">{count(key.events)}</td>
          <td class={`num anomalies-cell ${key.anomalies > 0 ? '' : 'muted'}`}>{count(key.anomalies)}
            <span class="narrow-only"> found</span>
          </td>
          <td class="num">
            <Moment time={key.last_seen} />
          </td>
        </tr>
      ))}
    </tbody>
  </table>
);

function LastValues({ values }: { values: Record<string, number | null> }) {
  const all = Object.entries(values);
  return (
    <span class="last-values">
      {all.slice(0, VALUES_SHOWN).map(([name, x]) => (
        <span key={name}>
          <span class="muted">{name}</span> <span class="num">{value(x)}</span>
        </span>
      ))}
      {all.length > VALUES_SHOWN && <span class="muted">and {all.length - VALUES_SHOWN} more</span>}
    </span>
  );
}
