import { render } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import './styles/base.css';
import './styles/shell.css';
import './styles/parts.css';
import './styles/views.css';
import { Empty } from './components/Answers.tsx';
import { Help, TokenDialog } from './components/Overlays.tsx';
import { Announcer, Header, LinkBar } from './components/Shell.tsx';
import { startKeyboard } from './keyboard.ts';
import { place, startRouter, type View } from './router.ts';
import { startSettings } from './settings.ts';
import { startState } from './state.ts';
import { Alerts } from './views/Alerts.tsx';
import { Overview } from './views/Overview.tsx';
import { Source } from './views/Source.tsx';
import { Sources } from './views/Sources.tsx';
import { Streams } from './views/Streams.tsx';

function open(view: View) {
  switch (view.name) {
    case 'overview':
      return <Overview />;
    case 'sources':
      return <Sources />;
    case 'source':
      return <Source key={view.key} name={view.key} />;
    case 'alerts':
      return <Alerts />;
    case 'streams':
      return <Streams />;
    case 'missing':
      return (
        <Empty title="There is nothing at this address.">
          <a href="/">To the overview</a>
        </Empty>
      );
    default:
      return view satisfies never;
  }
}

function App() {
  const { view } = place.value;
  const main = useRef<HTMLElement>(null);
  const name = view.name === 'source' ? view.key : view.name.replace(/^./, (letter) => letter.toUpperCase());
  const first = useRef(true);
  useEffect(() => {
    document.title = `${name} – Willet`;
    // A new view is read from its start; the first one is not, lest it take the focus from the address bar.
    if (!first.current) main.current?.focus({ preventScroll: true });
    first.current = false;
  }, [name]);
  return (
    <>
      <a class="skip" href="#main">
        To the content
      </a>
      <Header />
      <LinkBar />
      <main id="main" ref={main} tabIndex={-1}>
        {open(view)}
      </main>
      <Announcer />
      <Help />
      <TokenDialog />
    </>
  );
}

startSettings();
startRouter();
startKeyboard();
startState();
render(<App />, document.getElementById('app')!);
