/** The browser's own dialog: it keeps the focus inside and closes on Esc. */
import type { ComponentChildren } from 'preact';
import { useId, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { ApiError } from '../api.ts';
import { Failure } from './Answers.tsx';

interface Props {
  title: string;
  onClose: () => void;
  children: ComponentChildren;
  wide?: boolean;
}

export function Dialog({ title, onClose, children, wide = false }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  const name = useId();
  const isClosed = useRef(false);
  // The browser tells `close` in a task of its own, behind keys that came later: whoever opens the dialog again at once would have it
  // closed under their hands. So `cancel` (Esc) and a click beside it count, and a late `close` says nothing.
  const close = () => {
    if (isClosed.current) return;
    isClosed.current = true;
    onClose();
  };
  useLayoutEffect(() => {
    const before = document.activeElement;
    const shown = dialog.current;
    shown?.showModal();
    return () => {
      isClosed.current = true;
      shown?.close();
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  const cancel = (event: Event) => {
    event.preventDefault();
    close();
  };
  return (
    <dialog ref={dialog} class={wide ? 'wide' : ''} aria-labelledby={name} onCancel={cancel} onClose={close} onClick={(event) => event.target === dialog.current && close()}>
      <div class="dialog-body">
        <h2 id={name}>{title}</h2>
        {children}
      </div>
    </dialog>
  );
}

interface ConfirmProps {
  title: string;
  children: ComponentChildren;
  action: string;
  kind?: 'danger' | 'primary';
  run: () => Promise<unknown>;
  onClose: () => void;
  onDone: () => void;
}

/** Asks before something that cannot be undone, or changes what the service does. */
export function Confirm({ title, children, action, kind = 'danger', run, onClose, onDone }: ConfirmProps) {
  const task = useTask();
  return (
    <Dialog title={title} onClose={onClose}>
      {children}
      {task.error && <Failure error={task.error} />}
      <div class="buttons">
        <button type="button" onClick={onClose}>
          Cancel
        </button>
        <button type="button" class={kind} disabled={task.busy} onClick={() => void task.run(run).then((ok) => ok && onDone())}>
          {action}
        </button>
      </div>
    </Dialog>
  );
}

/** One writing call at a time, and what was refused. */
export function useTask() {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError>();
  const run = async (call: () => Promise<unknown>): Promise<boolean> => {
    setBusy(true);
    setError(undefined);
    try {
      await call();
      return true;
    } catch (refused) {
      setError(refused instanceof ApiError ? refused : new ApiError(0, { detail: String(refused) }));
      return false;
    } finally {
      setBusy(false);
    }
  };
  return { busy, error, run, clear: () => setError(undefined) };
}
