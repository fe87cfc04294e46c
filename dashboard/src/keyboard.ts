/** Keys that work everywhere. Lists take part by marking their rows `data-row`. */
import { go, pathOf, type View } from './router.ts';
import { shortcuts } from './settings.ts';
import { helpOpen } from './state.ts';

const VIEWS: Readonly<Record<string, View>> = {
  o: { name: 'overview' },
  s: { name: 'sources' },
  a: { name: 'alerts' },
  t: { name: 'streams' },
};

/** Shown by the help overlay, in this order. */
export const KEYS: readonly (readonly [keys: string, does: string])[] = [
  ['g o', 'Overview'],
  ['g s', 'Sources'],
  ['g a', 'Alerts'],
  ['g t', 'Streams'],
  ['/', 'Search'],
  ['j  k', 'Next and previous row of a list'],
  ['Enter', 'Open the row'],
  ['a', 'Acknowledge the alert that is open'],
  ['← ↑ ↓ →', 'Move over the heat map; Enter opens the source at that time'],
  ['Esc', 'Close'],
  ['?', 'This help'],
];

/** The second key of `g o` must follow within this time. */
const SEQUENCE_MS = 1_500;

export function startKeyboard(): void {
  let wentAt = -Infinity;
  document.addEventListener('keydown', (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (!shortcuts.value || isTyping(event.target) || document.querySelector('dialog[open]')) return;
    const follows = event.timeStamp - wentAt < SEQUENCE_MS;
    wentAt = -Infinity;
    const view = follows ? VIEWS[event.key] : undefined;
    if (view) {
      event.preventDefault();
      go(pathOf(view));
      return;
    }
    switch (event.key) {
      case 'g':
        wentAt = event.timeStamp;
        return;
      case '?':
        helpOpen.value = true;
        break;
      case '/':
        document.querySelector<HTMLInputElement>('[data-search]')?.focus();
        break;
      case 'j':
      case 'k':
        step(event.key === 'j' ? 1 : -1);
        break;
      case 'a':
        document.querySelector<HTMLButtonElement>('[data-acknowledge]')?.click();
        break;
      default:
        return;
    }
    event.preventDefault();
  });
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
}

/** Moves the focus inside the list that has it, else into the first list of the view. */
function step(by: number): void {
  const focused = document.activeElement;
  const list = focused?.closest('[data-list]') ?? document.querySelector('[data-list]');
  const rows = [...(list?.querySelectorAll<HTMLElement>('[data-row]') ?? [])];
  const at = rows.findIndex((row) => row === focused || row.contains(focused));
  const next = at < 0 ? rows[0] : rows[Math.min(rows.length - 1, Math.max(0, at + by))];
  next?.focus();
  next?.scrollIntoView({ block: 'nearest' });
}
