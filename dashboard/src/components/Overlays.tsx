/** Dialogs that may come over any view. */
import { useState } from 'preact/hooks';
import { setToken, tokenWanted } from '../api.ts';
import { KEYS } from '../keyboard.ts';
import { shortcuts } from '../settings.ts';
import { helpOpen, live, refetch } from '../state.ts';
import { Dialog } from './Dialog.tsx';

export function Help() {
  if (!helpOpen.value) return null;
  return (
    <Dialog title="Help" onClose={() => (helpOpen.value = false)}>
      <p>
        Willet learns what is normal for each source and says what is not. A score of 0.75 is met once in 1,000 normal events; from
        0.82 on a value lies clearly beyond all that came before. The band in a chart is what was expected, the pale area the lowest to the highest value, the
        line the mean.
      </p>
      <table class="keys">
        <caption class="visually-hidden">Keys</caption>
        <tbody>
          {KEYS.map(([keys, does]) => (
            <tr key={keys}>
              <th scope="row">
                {keys.split(' ').map((key, i) => (key ? <kbd key={i}>{key}</kbd> : ' '))}
              </th>
              <td>{does}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <label class="check">
        <input type="checkbox" checked={shortcuts.value} onChange={(event) => (shortcuts.value = event.currentTarget.checked)} /> Single keys are commands
      </label>
      <div class="buttons">
        <a href="/docs">The API</a>
        <button type="button" class="primary" onClick={() => (helpOpen.value = false)}>
          Close
        </button>
      </div>
    </Dialog>
  );
}

export function TokenDialog() {
  const [text, setText] = useState('');
  if (!tokenWanted.value) return null;
  const submit = (event: Event) => {
    event.preventDefault();
    if (!text.trim()) return;
    setToken(text.trim());
    setText('');
    live.start();
    refetch.value++;
  };
  return (
    <Dialog title="This server wants a token" onClose={() => (tokenWanted.value = false)}>
      <form onSubmit={submit}>
        <label class="field">
          Token
          <input type="password" autocomplete="off" value={text} onInput={(event) => setText(event.currentTarget.value)} />
        </label>
        <p class="muted small">It is kept until this tab is closed. Make one with <code>willet token</code>.</p>
        <div class="buttons">
          <button type="submit" class="primary">
            Use it
          </button>
        </div>
      </form>
    </Dialog>
  );
}
