/** The frame around every view: where one can go, and how the link to the server is. */
import { href, place, type View } from '../router.ts';
import { theme, type Theme } from '../settings.ts';
import { announcement, helpOpen, link, live, notice, nowMs, serverVersion, statistics } from '../state.ts';
import { count } from '../format.ts';

const VIEWS: readonly (readonly [View & { name: 'overview' | 'sources' | 'alerts' | 'streams' }, string])[] = [
  [{ name: 'overview' }, 'Overview'],
  [{ name: 'sources' }, 'Sources'],
  [{ name: 'alerts' }, 'Alerts'],
  [{ name: 'streams' }, 'Streams'],
];

const THEMES: Record<Theme, { next: Theme; words: string; sign: string }> = {
  system: { next: 'light', words: 'Theme: as the system', sign: '◐' },
  light: { next: 'dark', words: 'Theme: light', sign: '○' },
  dark: { next: 'system', words: 'Theme: dark', sign: '●' },
};

export function Header() {
  const here = place.value.view.name;
  const open = statistics.value?.open_alerts ?? 0;
  const look = THEMES[theme.value];
  return (
    <header class="top">
      <a class="brand" href="/">
        <svg viewBox="0 0 32 32" width="24" height="24" aria-hidden="true">
          <rect width="32" height="32" rx="7" />
          <path d="M4 20h5l3-3 3 5 3.5-16L23 24l2.5-4H28" />
        </svg>
        Willet
      </a>
      <nav aria-label="Views">
        {VIEWS.map(([view, words]) => (
          <a key={view.name} href={href(view)} aria-current={here === view.name || (here === 'source' && view.name === 'sources') ? 'page' : undefined}>
            {words}
            {view.name === 'alerts' && open > 0 && (
              <span class="pill">
                {count(open)}
                <span class="visually-hidden"> open</span>
              </span>
            )}
          </a>
        ))}
      </nav>
      <div class="top-tools">
        <LinkSign />
        <a class="tool" href="/docs">
          API
        </a>
        <button type="button" class="tool" title={look.words} aria-label={`${look.words}. Change`} onClick={() => (theme.value = look.next)}>
          {look.sign}
        </button>
        <button type="button" class="tool" title="Help and keys (?)" aria-label="Help and keys" onClick={() => (helpOpen.value = true)}>
          ?
        </button>
      </div>
    </header>
  );
}

function LinkSign() {
  const state = link.value;
  const words = { connecting: 'connecting', open: 'live', waiting: 'away', closed: 'closed' }[state.name];
  return (
    <span class={`link ${state.name}`} title={serverVersion.value && `Willet ${serverVersion.value}`}>
      <span class="dot" aria-hidden="true" />
      {words}
    </span>
  );
}

/** Says that the socket is away, then what came of it. */
export function LinkBar() {
  const state = link.value;
  if (state.name === 'waiting') {
    const seconds = Math.max(0, Math.ceil((state.until - nowMs.value) / 1000));
    return (
      <div class="linkbar warn">
        <p>
          <span role="status">Not connected: {state.words}. What is shown may be old.</span>{' '}
          <span class="num">{seconds > 0 ? `Trying again in ${seconds} s.` : 'Trying again.'}</span>
        </p>
        <button type="button" onClick={() => live.retryNow()}>
          Try now
        </button>
      </div>
    );
  }
  if (state.name === 'connecting' && state.attempt > 0) {
    return (
      <div class="linkbar warn">
        <p role="status">Not connected. Trying again, attempt {state.attempt}.</p>
      </div>
    );
  }
  if (state.name === 'closed') {
    return (
      <div class="linkbar warn" role="alert">
        <p>Live data is off: {state.words}.</p>
        <button type="button" onClick={() => live.start()}>
          Try again
        </button>
      </div>
    );
  }
  const told = notice.value;
  return told ? (
    <div class={`linkbar ${told.kind}`} role="status">
      <p>{told.text}</p>
      <button type="button" onClick={() => (notice.value = null)}>
        Close
      </button>
    </div>
  ) : null;
}

export const Announcer = () => (
  <p class="visually-hidden" role="status" aria-live="polite">
    {announcement.value}
  </p>
);
