/** Asking the server from a view: what came last stays on the screen while the next is under way. */
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { ApiError, tokenWanted } from './api.ts';
import { refetch } from './state.ts';

export interface Query<T> {
  data: T | undefined;
  error: ApiError | undefined;
  /** Nothing has come for this question yet. */
  loading: boolean;
  again: () => void;
}

interface Options {
  /** Asks again this often while the page is visible. */
  everyMs?: number | undefined;
  /** Asks again when one of these changes, keeping what is shown. */
  on?: readonly unknown[];
  /** Shows the last answer also to another question until its own has come. */
  keep?: boolean;
}

/** `question` names what is asked; `null` asks nothing. */
export function useQuery<T>(question: string | null, ask: (signal: AbortSignal) => Promise<T>, { everyMs, on = [], keep = false }: Options = {}): Query<T> {
  const [answer, setAnswer] = useState<{ question: string | null; data?: T; error?: ApiError }>({ question: null });
  const [turn, setTurn] = useState(0);
  const asking = useRef(ask);
  asking.current = ask;
  const away = tokenWanted.value;

  useEffect(() => {
    if (question === null || away) return;
    const abort = new AbortController();
    asking.current(abort.signal).then(
      (data) => {
        if (!abort.signal.aborted) setAnswer({ question, data });
      },
      (error: unknown) => {
        if (abort.signal.aborted) return;
        const refused = error instanceof ApiError ? error : new ApiError(0, { detail: String(error) });
        setAnswer((last) => ({ question, error: refused, ...(last.question === question && last.data !== undefined ? { data: last.data } : {}) }));
      },
    );
    return () => abort.abort();
  }, [question, turn, refetch.value, away, ...on]);

  useEffect(() => {
    if (everyMs === undefined) return;
    const timer = setInterval(() => {
      if (!document.hidden) setTurn((n) => n + 1);
    }, everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);

  const again = useCallback(() => setTurn((n) => n + 1), []);
  const current = answer.question === question;
  return {
    data: current || keep ? answer.data : undefined,
    error: current ? answer.error : undefined,
    loading: question !== null && !current && !(keep && answer.data !== undefined),
    again,
  };
}
