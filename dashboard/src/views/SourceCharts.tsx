import { useMemo } from 'preact/hooks';
import { FeatureChart } from '../charts/FeatureChart.tsx';
import { Empty } from '../components/Answers.tsx';
import { plural } from '../format.ts';
import { toPreset, type Window } from '../range.ts';
import { place, setParams, setQuery } from '../router.ts';
import type { Drift, History, Verdict } from '../wire.ts';

/** A source may have 1,024 values; this many charts are drawn unless others are chosen. */
const FIRST_SHOWN = 6;
const MOST_SHOWN = 12;
const OFFERED = 40;

interface Props {
  history: History;
  window: Window;
  verdicts: readonly Verdict[];
  drift: readonly Drift[];
  at: number | null;
  onZoom: (from: number, to: number) => void;
}

export function SourceCharts({ history, window, verdicts, drift, at, onZoom }: Props) {
  const { params } = place.value;
  const names = history.features.map(({ name }) => name);
  const asked = useMemo(() => params.getAll('value').filter((name) => names.includes(name)), [params, history]);
  const chosen = asked.length > 0 ? asked.slice(0, MOST_SHOWN) : names.slice(0, FIRST_SHOWN);
  if (history.times.length === 0) {
    return (
      <section class="panel">
        <Empty title="No events in this range.">
          <button type="button" onClick={() => setParams(toPreset('all'))}>
            Show all of the time kept
          </button>
        </Empty>
      </section>
    );
  }
  return (
    <section class="panel" aria-labelledby="values">
      <div class="panel-title">
        <h2 id="values">Values</h2>
        <p class="key muted small" aria-hidden="true">
          <i class="key-mean" /> mean <i class="key-area" /> lowest to highest <i class="key-band" /> expected
        </p>
      </div>
      {names.length > FIRST_SHOWN && <Chooser names={names} chosen={chosen} />}
      {history.features
        .filter(({ name }) => chosen.includes(name))
        .map((feature) => (
          <FeatureChart
            key={feature.name}
            history={history}
            feature={feature}
            verdicts={verdicts}
            drift={drift.filter(({ features }) => feature.name in features)}
            window={window}
            at={at}
            height={chosen.length === 1 ? 260 : 170}
            onZoom={onZoom}
          />
        ))}
    </section>
  );
}

function Chooser({ names, chosen }: { names: readonly string[]; chosen: readonly string[] }) {
  const { params } = place.value;
  const q = params.get('values') ?? '';
  const matching = names.filter((name) => name.toLowerCase().includes(q.toLowerCase()));
  const toggle = (name: string, on: boolean) => {
    const next = new URLSearchParams(params);
    next.delete('value');
    for (const one of on ? [...chosen, name] : chosen.filter((other) => other !== name)) next.append('value', one);
    setQuery(next);
  };
  return (
    <details class="chooser">
      <summary>
        {chosen.length} of {plural(names.length, 'value')} shown; choose others
      </summary>
      <label class="field inline">
        Filter
        <input type="search" value={q} onInput={(event) => setParams({ values: event.currentTarget.value }, true)} />
      </label>
      <div class="choices">
        {matching.slice(0, OFFERED).map((name) => (
          <label class="check" key={name}>
            <input
              type="checkbox"
              checked={chosen.includes(name)}
              disabled={!chosen.includes(name) && chosen.length >= MOST_SHOWN}
              onChange={(event) => toggle(name, event.currentTarget.checked)}
            />
            {name}
          </label>
        ))}
      </div>
      {matching.length > OFFERED && <p class="muted small">and {matching.length - OFFERED} more; filter by name</p>}
    </details>
  );
}
