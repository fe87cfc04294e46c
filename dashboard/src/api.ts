/** REST calls: one function for each, one error type for all. */
import { signal } from '@preact/signals';
import { iso, type Window } from './range.ts';
import type { Page } from './shapes.ts';
import type { Activity, Alert, Drift, History, Key, KeyDetail, Problem, Silence, Statistics, Stream, Verdict } from './wire.ts';

/** A refusal of the server, or that it could not be reached (`status` 0). */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly problem: Partial<Problem>,
  ) {
    super(problem.detail ?? problem.title ?? `the server answered ${status}`);
  }
  get requestId(): string | undefined {
    return this.problem.request_id;
  }
}

const TOKEN_KEY = 'willet.token';

/** True while the server wants a token that this page does not have. */
export const tokenWanted = signal(false);

export const token = (): string | null => sessionStorage.getItem(TOKEN_KEY);

export function setToken(text: string): void {
  sessionStorage.setItem(TOKEN_KEY, text);
  tokenWanted.value = false;
}

interface Call {
  method?: string;
  query?: Record<string, string | number | undefined>;
  body?: unknown;
  yaml?: string;
  accept?: string;
  signal?: AbortSignal;
}

async function call(path: string, { method = 'GET', query = {}, body, yaml, accept, signal }: Call = {}): Promise<Response> {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined && value !== '') params.set(name, String(value));
  const headers: Record<string, string> = { accept: accept ?? 'application/json' };
  const secret = token();
  if (secret) headers.authorization = `Bearer ${secret}`;
  let payload: string | undefined;
  if (yaml !== undefined) {
    headers['content-type'] = 'application/yaml';
    payload = yaml;
  } else if (body !== undefined) {
    headers['content-type'] = 'application/json';
    payload = JSON.stringify(body);
  }
  const text = params.toString();
  let response: Response;
  try {
    response = await fetch(text ? `${path}?${text}` : path, { method, headers, body: payload ?? null, signal: signal ?? null });
  } catch (cause) {
    if (signal?.aborted) throw cause;
    throw new ApiError(0, { detail: 'the server cannot be reached' });
  }
  if (response.ok) return response;
  if (response.status === 401) tokenWanted.value = true;
  throw new ApiError(response.status, await problemOf(response));
}

async function problemOf(response: Response): Promise<Partial<Problem>> {
  const requestId = response.headers.get('x-request-id') ?? undefined;
  try {
    const problem = (await response.json()) as Partial<Problem>;
    return requestId ? { request_id: requestId, ...problem } : problem;
  } catch {
    return { title: `${response.status} ${response.statusText}`.trim(), ...(requestId ? { request_id: requestId } : {}) };
  }
}

const json = async <T>(path: string, options?: Call): Promise<T> => (await (await call(path, options)).json()) as T;

const ends = ({ from, to }: Window) => ({ from: from === undefined ? undefined : iso(from), to: to === undefined ? undefined : iso(to) });
const segment = encodeURIComponent;

export const api = {
  statistics: (signal?: AbortSignal) => json<Statistics>('/api/statistics', opt(signal)),

  latestAnomalies: (limit: number, signal?: AbortSignal) =>
    json<{ anomalies: Verdict[]; count: number }>('/api/anomalies', { query: { limit }, ...opt(signal) }),

  anomalies: (query: { stream?: string | undefined; source: string; limit: number; cursor?: string | undefined } & Window, signal?: AbortSignal) =>
    json<Page<Verdict>>('/api/v1/anomalies', { query: { ...query, ...ends(query) }, ...opt(signal) }),

  drifts: (query: { stream?: string | undefined; source: string; limit: number } & Window, signal?: AbortSignal) =>
    json<Page<Drift>>('/api/v1/drift', { query: { ...query, ...ends(query) }, ...opt(signal) }),

  activity: (window: Window, bins: number, sources: number, signal?: AbortSignal) =>
    json<Activity>('/api/v1/activity', { query: { ...ends(window), bins, sources }, ...opt(signal) }),

  keys: (query: { q?: string; stream?: string; limit: number; cursor?: string }, signal?: AbortSignal) =>
    json<Page<Key>>('/api/v1/keys', { query, ...opt(signal) }),

  key: (source: string, stream?: string, signal?: AbortSignal) =>
    json<KeyDetail>(`/api/v1/keys/${segment(source)}`, { query: { stream }, ...opt(signal) }),

  forgetKey: (source: string, stream: string) => call(`/api/v1/keys/${segment(source)}`, { method: 'DELETE', query: { stream } }),

  steerKey: (source: string, stream: string, action: 'retrain' | 'back') =>
    call(`/api/v1/keys/${segment(source)}/${action}`, { method: 'POST', query: { stream } }),

  history: (source: string, stream: string | undefined, window: Window, points: number, signal?: AbortSignal) =>
    json<History>(`/api/v1/keys/${segment(source)}/history`, { query: { stream, ...ends(window), points }, ...opt(signal) }),

  alerts: (query: { state?: string; severity?: string; source?: string; limit: number; cursor?: string }, signal?: AbortSignal) =>
    json<Page<Alert>>('/api/v1/alerts', { query, ...opt(signal) }),

  alert: (id: string, signal?: AbortSignal) => json<Alert>(`/api/v1/alerts/${segment(id)}`, opt(signal)),

  changeAlert: (id: string, action: 'acknowledge' | 'resolve', body: { by?: string; note?: string }) =>
    json<Alert>(`/api/v1/alerts/${segment(id)}/${action}`, { method: 'POST', body }),

  silences: (signal?: AbortSignal) => json<Page<Silence>>('/api/v1/silences', opt(signal)),

  addSilence: (silence: { source: string; stream?: string; until: string; reason?: string; by?: string }) =>
    json<Silence>('/api/v1/silences', { method: 'POST', body: silence }),

  endSilence: (id: string) => call(`/api/v1/silences/${segment(id)}`, { method: 'DELETE' }),

  streams: (signal?: AbortSignal) => json<Page<Stream>>('/api/v1/streams', opt(signal)),

  streamYaml: async (name: string, signal?: AbortSignal) =>
    (await call(`/api/v1/streams/${segment(name)}`, { accept: 'application/yaml', ...opt(signal) })).text(),

  createStream: (yaml: string) => json<Stream>('/api/v1/streams', { method: 'POST', yaml }),

  changeStream: (name: string, yaml: string) => json<Stream>(`/api/v1/streams/${segment(name)}`, { method: 'PUT', yaml }),

  steerStream: (name: string, action: 'pause' | 'resume') => json<Stream>(`/api/v1/streams/${segment(name)}/${action}`, { method: 'POST' }),

  deleteStream: (name: string) => call(`/api/v1/streams/${segment(name)}`, { method: 'DELETE' }),
};

const opt = (signal: AbortSignal | undefined): Call => (signal ? { signal } : {});
