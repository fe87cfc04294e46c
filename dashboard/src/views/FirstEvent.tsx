import { useState } from 'preact/hooks';
import { Empty } from '../components/Answers.tsx';

/** Nothing has come yet: how to send the first event. */
export function FirstEvent() {
  const [copied, setCopied] = useState<boolean | null>(null);
  const line = `curl -X POST ${location.origin}/api/v1/events -H 'content-type: application/json' -d '{"source": "pump-7", "values": {"temperature": 71.2, "vibration": 0.31}}'`;
  const copy = () =>
    navigator.clipboard
      .writeText(line)
      .then(() => setCopied(true))
      .catch(() => setCopied(false));
  return (
    <section class="panel">
      <Empty title="No event has come yet.">
        <p>Send one, and this page fills by itself:</p>
        <div class="copyable">
          <pre tabIndex={0} aria-label="Command that sends one event">
            <code>{line}</code>
          </pre>
          <button type="button" onClick={() => void copy()}>
            {copied === null ? 'Copy' : copied ? 'Copied' : 'Select it by hand'}
          </button>
        </div>
        <p class="muted">
          The time is now where the event brings none. <a href="/docs">The API</a> says what else can be sent.
        </p>
      </Empty>
    </section>
  );
}
