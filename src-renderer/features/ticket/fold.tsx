import { ChevronRight } from 'lucide-react';
import { useState } from 'react';
import type { ReactNode } from 'react';
import css from './fold.module.css';

/** Folded until wanted; what is inside is not made before. */
export function Fold({
  title,
  children,
  open: first = false,
}: {
  title: ReactNode;
  children: ReactNode;
  open?: boolean;
}) {
  const [open, setOpen] = useState(first);
  return (
    <details className={css.fold} open={open} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary className={css.title}>
        <ChevronRight size={16} strokeWidth={1.5} aria-hidden="true" className={css.chevron} />
        {title}
      </summary>
      {open && children}
    </details>
  );
}
