/** A text field with line numbers. */
import { useRef } from 'preact/hooks';

const FEWEST_ROWS = 12;
const MOST_ROWS = 30;

interface Props {
  label: string;
  text: string;
  readOnly: boolean;
  badLine: number | null;
  onInput: (text: string) => void;
  onSave: () => void;
}

export function YamlField({ label, text, readOnly, badLine, onInput, onSave }: Props) {
  const gutter = useRef<HTMLOListElement>(null);
  const lines = text.split('\n').length;
  return (
    <div class="yaml">
      <ol class="yaml-lines" ref={gutter} aria-hidden="true">
        {Array.from({ length: lines }, (_, i) => (
          <li key={i} class={i + 1 === badLine ? 'bad' : ''}>
            {i + 1}
          </li>
        ))}
      </ol>
      <textarea
        aria-label={label}
        aria-invalid={badLine !== null}
        spellcheck={false}
        autocapitalize="off"
        wrap="off"
        rows={Math.min(Math.max(lines + 1, FEWEST_ROWS), MOST_ROWS)}
        readOnly={readOnly}
        value={text}
        onInput={(event) => onInput(event.currentTarget.value)}
        onScroll={(event) => {
          if (gutter.current) gutter.current.scrollTop = event.currentTarget.scrollTop;
        }}
        onKeyDown={(event) => {
          if (event.key === 'Enter' && (event.ctrlKey || event.metaKey) && !readOnly) {
            event.preventDefault();
            onSave();
          }
        }}
      />
    </div>
  );
}
