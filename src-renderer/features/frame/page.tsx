import { useEffect, useRef } from 'react';
import type { ReactNode } from 'react';
import { visibleLine } from '../../format.ts';
import { usePlace } from '../../router.ts';
import { t } from '../../strings/en.ts';
import { Kbd } from '../../ui/kbd.tsx';
import { openOverlay } from './overlays.ts';
import css from './page.module.css';

interface PageProps {
  title: string;
  /** Before the title: a brand's edge, say. */
  mark?: ReactNode;
  /** Under the title's line: tabs, a state strip. */
  below?: ReactNode;
  actions?: ReactNode;
  /** `text`: one column to read; `full`: panes to the edges, each with its own scrolling. */
  width?: 'text' | 'full';
  children: ReactNode;
}

/** One screen: its heading, the way to everything else, and what it shows. */
export function Page({ title, mark, below, actions, width = 'text', children }: PageProps) {
  const heading = useRef<HTMLHeadingElement>(null);
  const path = usePlace((place) => place.path);
  const section = path.split('/').slice(0, 3).join('/');
  const shown = visibleLine(title);

  useEffect(() => {
    document.title = t.windowTitle(shown);
  }, [shown]);

  useEffect(() => {
    const inside = document.activeElement?.closest('main') ?? null;
    if (inside === null) heading.current?.focus({ preventScroll: true });
  }, [section]);

  return (
    <div className={css.page}>
      <header className={css.head}>
        <div className={css.line}>
          {mark}
          <h1 ref={heading} tabIndex={-1} dir="auto" className={css.title}>
            {shown}
          </h1>
          <div className={css.actions}>{actions}</div>
          <button type="button" className={css.search} onClick={() => openOverlay('palette')}>
            <span>{t.palette.open}</span>
            <Kbd keys="Mod+k" />
          </button>
        </div>
        {below}
      </header>
      <div className={width === 'full' ? css.full : css.scroll}>
        {width === 'full' ? children : <div className={css.column}>{children}</div>}
      </div>
    </div>
  );
}
