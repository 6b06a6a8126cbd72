import type { KeyboardEvent, ReactNode } from 'react';
import { moveInList } from '../keys.ts';
import { Link } from './link.tsx';
import css from './list.module.css';

function arrows(event: KeyboardEvent) {
  if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return;
  event.preventDefault();
  moveInList(event.key === 'ArrowDown' ? 1 : -1);
}

/** A dense list: j, k and the arrows move in it, Enter opens. */
export function Rows({ label, children }: { label: string; children: ReactNode }) {
  return (
    <ul className={css.rows} aria-label={label} data-rows="" onKeyDown={arrows}>
      {children}
    </ul>
  );
}

interface RowProps {
  to: string;
  children: ReactNode;
  selected?: boolean;
  onFocus?: (() => void) | undefined;
  /** What stands at the end, outside of the link: buttons. */
  after?: ReactNode;
  className?: string | undefined;
}

/** One row that opens something. */
export function Row({ to, children, selected = false, onFocus, after, className }: RowProps) {
  return (
    <li className={`${css.item} ${selected ? css.selected : ''}`}>
      <Link
        to={to}
        data-row=""
        className={`${css.row} ${className ?? ''}`}
        aria-current={selected ? 'true' : undefined}
        onFocus={onFocus}
      >
        {children}
      </Link>
      {after}
    </li>
  );
}

/** New rows wait here until they are wanted, so that the list does not move under the hand. */
export function NewRows({ count, label, onShow }: { count: number; label: string; onShow(): void }) {
  if (count === 0) return null;
  return (
    <button type="button" className={css.fresh} onClick={onShow}>
      {label}
    </button>
  );
}
