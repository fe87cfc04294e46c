/** What stands where data will be, is not, or could not be had. */
import type { ComponentChildren } from 'preact';
import type { ApiError } from '../api.ts';

export const Loading = ({ rows = 6, what }: { rows?: number; what: string }) => (
  <div class="loading" role="status">
    <span class="visually-hidden">Loading {what}</span>
    {Array.from({ length: rows }, (_, i) => (
      <i key={i} />
    ))}
  </div>
);

export const Empty = ({ title, children }: { title: string; children?: ComponentChildren }) => (
  <div class="empty">
    <p class="empty-title">{title}</p>
    {children}
  </div>
);

export const Failure = ({ error, again, what }: { error: ApiError; again?: () => void; what?: string }) => (
  <div class="failure" role="alert">
    <p>
      {what && <strong>{what}: </strong>}
      {error.message}
    </p>
    {error.requestId && (
      <p class="muted small">
        Request <code>{error.requestId}</code>
      </p>
    )}
    {again && (
      <button type="button" onClick={again}>
        Try again
      </button>
    )}
  </div>
);
