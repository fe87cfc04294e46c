/** Where the page is: a view from the path, its filters from the query. Nothing else holds filters. */
import { signal } from '@preact/signals';

export type View =
  | { name: 'overview' }
  | { name: 'sources' }
  | { name: 'source'; key: string }
  | { name: 'alerts' }
  | { name: 'streams' }
  | { name: 'missing' };

export interface Place {
  view: View;
  params: URLSearchParams;
}

export function parsePlace(pathname: string, search: string): Place {
  return { view: parseView(pathname), params: new URLSearchParams(search) };
}

function parseView(pathname: string): View {
  const [first = '', ...rest] = pathname.replace(/^\//, '').split('/');
  const tail = rest.join('/');
  if (first === '' && tail === '') return { name: 'overview' };
  if (first === 'alerts' && tail === '') return { name: 'alerts' };
  if (first === 'streams' && tail === '') return { name: 'streams' };
  if (first === 'sources') return tail === '' ? { name: 'sources' } : { name: 'source', key: decode(tail) };
  return { name: 'missing' };
}

/** A key typed by hand may hold a lone `%`; it is then taken as it stands. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

export type Params = Record<string, string | number | null | undefined>;

export function pathOf(view: View): string {
  switch (view.name) {
    case 'overview':
      return '/';
    case 'source':
      return `/sources/${encodeURIComponent(view.key)}`;
    case 'sources':
    case 'alerts':
    case 'streams':
      return `/${view.name}`;
    case 'missing':
      return '/';
  }
}

export function href(view: View, params: Params = {}): string {
  return withQuery(pathOf(view), changed(new URLSearchParams(), params));
}

export function sourceHref(source: string, stream?: string, at?: string): string {
  return href({ name: 'source', key: source }, { stream, at });
}

/** `params` with `changes`; empty and absent values leave the query. */
export function changed(params: URLSearchParams, changes: Params): URLSearchParams {
  const next = new URLSearchParams(params);
  for (const [name, value] of Object.entries(changes)) {
    if (value === null || value === undefined || value === '') next.delete(name);
    else next.set(name, String(value));
  }
  return next;
}

const withQuery = (path: string, params: URLSearchParams): string => {
  const query = params.toString();
  return query ? `${path}?${query}` : path;
};

const here = (): Place => parsePlace(globalThis.location?.pathname ?? '/', globalThis.location?.search ?? '');

export const place = signal<Place>(here());

export function go(to: string, replace = false): void {
  // Charts that move together each tell of the same drag; one step back must undo it.
  if (to === location.pathname + location.search) return;
  if (replace) history.replaceState(null, '', to);
  else history.pushState(null, '', to);
  place.value = here();
}

/** Changes filters of the view that is open; `replace` while somebody types, so that Back leaves the view at once. */
export function setParams(changes: Params, replace = false): void {
  go(withQuery(location.pathname, changed(place.peek().params, changes)), replace);
}

/** As `setParams`, with the whole query; for filters that may be there more than once. */
export function setQuery(params: URLSearchParams): void {
  go(withQuery(location.pathname, params), true);
}

const OWN_PATHS = /^\/(sources(\/.*)?|alerts|streams)?$/;

export function startRouter(): void {
  addEventListener('popstate', () => {
    place.value = here();
  });
  document.addEventListener('click', (event) => {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = (event.target as Element | null)?.closest('a');
    if (!link || link.target || link.origin !== location.origin || !OWN_PATHS.test(link.pathname)) return;
    if (link.hash && link.pathname === location.pathname) return;
    event.preventDefault();
    const changesView = link.pathname !== location.pathname;
    go(link.pathname + link.search);
    if (changesView) scrollTo(0, 0);
  });
}
