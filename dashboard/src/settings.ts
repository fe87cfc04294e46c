/** What this browser remembers: the theme, and whether single keys are commands. */
import { effect, signal } from '@preact/signals';

export type Theme = 'system' | 'light' | 'dark';

/** Storage may be switched off; then a setting lasts as long as the page. */
function remembered(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

function remember(key: string, text: string): void {
  try {
    localStorage.setItem(key, text);
  } catch {
    // See `remembered`.
  }
}

const stored = remembered('willet.theme');
export const theme = signal<Theme>(stored === 'light' || stored === 'dark' ? stored : 'system');
export const shortcuts = signal(remembered('willet.shortcuts') !== 'off');
export const person = signal(remembered('willet.name') ?? '');

const systemIsDark = matchMedia('(prefers-color-scheme: dark)');

/** The theme on the screen; charts, which are painted, follow it. */
export const shade = signal<'light' | 'dark'>('light');

function apply(): void {
  const chosen = theme.value;
  shade.value = chosen === 'system' ? (systemIsDark.matches ? 'dark' : 'light') : chosen;
  document.documentElement.dataset.theme = shade.value;
}

export function startSettings(): void {
  systemIsDark.addEventListener('change', apply);
  effect(apply);
  effect(() => remember('willet.theme', theme.value));
  effect(() => remember('willet.shortcuts', shortcuts.value ? 'on' : 'off'));
  effect(() => remember('willet.name', person.value));
}
