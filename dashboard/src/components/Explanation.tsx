/** Why a verdict says what it says: a sentence, then each value with what was expected and its share. */
import type { ComponentChildren } from 'preact';
import { guiltiest } from '../buffers.ts';
import { percent, score, value } from '../format.ts';
import { nowMs } from '../state.ts';
import type { Band } from '../shapes.ts';
import type { Window as EventWindow, Verdict } from '../wire.ts';
import { windowWords } from '../words.ts';

/** Values in order of their share; the rest of a wide event is counted, not listed. */
const SHOWN = 8;

export function sentence(verdict: Verdict): string {
  const name = guiltiest(verdict) ?? Object.keys(verdict.expected ?? {})[0] ?? Object.keys(verdict.values ?? {})[0];
  if (name === undefined) return 'The detector does not say which value made it strange.';
  const was = verdict.values?.[name];
  const band = verdict.expected?.[name];
  const share = verdict.contributions?.[name];
  const parts = [was == null ? `${name} was not as expected` : `${name} was ${value(was)}`];
  if (band) parts.push(`expected ${value(band[0])} to ${value(band[2])}`);
  const start = parts.join(', ');
  return share === undefined ? `${start}.` : `${start}; ${percent(share)} of the score.`;
}

export function Explanation({ verdict }: { verdict: Verdict }) {
  const names = [...new Set([...Object.keys(verdict.contributions ?? {}), ...Object.keys(verdict.expected ?? {}), ...Object.keys(verdict.values ?? {})])];
  const share = (name: string) => verdict.contributions?.[name] ?? 0;
  names.sort((a, b) => share(b) - share(a));
  const rest = names.length - SHOWN;
  return (
    <div class="explanation">
      <p class="sentence">{sentence(verdict)}</p>
      {verdict.window && <WindowOf window={verdict.window} />}
      {names.length > 0 && (
        <table class="shares">
          <caption class="visually-hidden">Values of this {verdict.window ? 'window' : 'event'}, what was expected, and their share of the score</caption>
          <thead>
            <tr>
              <th scope="col">Value</th>
              <th scope="col" class="num">
                Was
              </th>
              <th scope="col">Expected</th>
              <th scope="col">Share of the score</th>
            </tr>
          </thead>
          <tbody>
            {names.slice(0, SHOWN).map((name) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                <td class="num">{value(verdict.values?.[name])}</td>
                <td>
                  <BandBar band={verdict.expected?.[name]} was={verdict.values?.[name] ?? null} />
                </td>
                <td>
                  <ShareBar share={verdict.contributions?.[name]} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {rest > 0 && <p class="muted small">and {rest} more values with smaller shares</p>}
      {verdict.reason && <p class="reason">{verdict.reason}</p>}
      <dl class="facts">
        <Fact name="Score">
          {score(verdict.anomaly_score)}
          {verdict.threshold !== undefined && <span class="muted"> from {score(verdict.threshold)} on</span>}
        </Fact>
        <Fact name="Confidence">{percent(verdict.confidence)}</Fact>
        <Fact name="Kind">{verdict.anomaly_type?.replaceAll('_', ' ') ?? '–'}</Fact>
        <Fact name="Detector">
          {verdict.algorithm ?? '–'}
          {verdict.model_version !== undefined && <span class="muted"> model {verdict.model_version}</span>}
        </Fact>
        <Fact name="Verdict">
          <code>{verdict.id}</code>
        </Fact>
      </dl>
    </div>
  );
}

const WindowOf = ({ window }: { window: EventWindow }) => (
  <p class="window-of">
    <span class="muted">Window</span> <span class="num">{windowWords(window, nowMs.peek())}</span>
  </p>
);

export const Fact = ({ name, children }: { name: string; children: ComponentChildren }) => (
  <div>
    <dt>{name}</dt>
    <dd class="num">{children}</dd>
  </div>
);

const ShareBar = ({ share }: { share: number | undefined }) =>
  share === undefined ? (
    <span class="muted">–</span>
  ) : (
    <span class="bar">
      <span class="bar-track" aria-hidden="true">
        <span class="bar-fill" style={{ width: `${Math.max(0, Math.min(1, share)) * 100}%` }} />
      </span>
      <span class="num">{percent(share)}</span>
    </span>
  );

/** The expected band with the value beside or inside it, on one scale. */
function BandBar({ band, was }: { band: Band | undefined; was: number | null }) {
  if (!band) return <span class="muted">–</span>;
  const [low, , high] = band;
  const least = Math.min(low, was ?? low);
  const most = Math.max(high, was ?? high);
  const span = most - least || 1;
  const at = (x: number) => `${4 + ((x - least) / span) * 92}%`;
  const outside = was !== null && (was < low || was > high);
  return (
    <span class="bar">
      <span class="bar-track" aria-hidden="true">
        <span class="bar-band" style={{ left: at(low), width: `${((high - low) / span) * 92}%` }} />
        {was !== null && <span class={`bar-was ${outside ? 'outside' : ''}`} style={{ left: at(was) }} />}
      </span>
      <span class="num">
        {value(low)} to {value(high)}
      </span>
    </span>
  );
}
