import { t } from '../strings/en.ts';
import css from './kbd.module.css';

const apple = /Mac|iPhone|iPad/.test(navigator.userAgent);

/** How a key is written on this machine: `Mod+k` is ⌘K or Ctrl K. */
export function keyLabel(keys: string): string {
  return keys
    .split('+')
    .map((key) => {
      if (key === 'Mod') return apple ? '⌘' : t.keyNames.control;
      if (key === 'Enter') return '⏎';
      if (key === 'Escape') return t.keyNames.escape;
      if (key === 'ArrowDown') return '↓';
      if (key === 'ArrowUp') return '↑';
      return key.length === 1 ? key.toUpperCase() : key;
    })
    .join(apple ? '' : ' ');
}

/** A key, shown beside what it does. */
export function Kbd({ keys }: { keys: string }) {
  return (
    <kbd className={css.kbd} aria-hidden="true">
      {keyLabel(keys)}
    </kbd>
  );
}
