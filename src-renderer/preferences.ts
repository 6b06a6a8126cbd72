import { create } from 'zustand';

export type Scheme = 'system' | 'light' | 'dark';
export type DiffView = 'split' | 'unified';

interface Preferences {
  scheme: Scheme;
  /** Keys without a modifier; can be turned off for who speaks to the computer. */
  singleKeys: boolean;
  diff: DiffView | null;
}

const slot = 'atrium.preferences';

function read(): Preferences {
  const fallback: Preferences = { scheme: 'system', singleKeys: true, diff: null };
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(slot) ?? '{}');
    if (typeof stored !== 'object' || stored === null) return fallback;
    const { scheme, singleKeys, diff } = stored as Record<string, unknown>;
    return {
      scheme: scheme === 'light' || scheme === 'dark' ? scheme : 'system',
      singleKeys: singleKeys !== false,
      diff: diff === 'split' || diff === 'unified' ? diff : null,
    };
  } catch {
    return fallback;
  }
}

/** What this window's owner chose; kept in this browser or window only. */
export const usePreferences = create<Preferences>(read);

export function choose(change: Partial<Preferences>): void {
  usePreferences.setState(change);
  try {
    localStorage.setItem(slot, JSON.stringify(usePreferences.getState()));
  } catch {
    // A window without storage keeps the choice until it is closed.
  }
}

/** Keeps `data-theme` at what is chosen, or at what the system says. */
export function followScheme(): void {
  const dark = matchMedia('(prefers-color-scheme: dark)');
  const apply = () => {
    const { scheme } = usePreferences.getState();
    const shown = scheme === 'system' ? (dark.matches ? 'dark' : 'light') : scheme;
    document.documentElement.dataset['theme'] = shown;
  };
  apply();
  dark.addEventListener('change', apply);
  usePreferences.subscribe(apply);
}
