import { CircleX, RotateCw } from 'lucide-react';
import { useEffect, useState } from 'react';
import type { ReactNode } from 'react';
import type { Failure } from '../../src-main/contract/errors.ts';
import { sentence, visible } from '../format.ts';
import type { Query } from '../query.ts';
import { t } from '../strings/en.ts';
import { Button } from './button.tsx';
import css from './said.module.css';

/** Nothing here: what this place is for, and the one action that fills it. */
export function Empty({
  title,
  children,
  action,
}: {
  title: string;
  children?: ReactNode;
  action?: ReactNode;
}) {
  return (
    <div className={css.empty}>
      <p className={css.title}>{title}</p>
      {children !== undefined && <div className={css.text}>{children}</div>}
      {action}
    </div>
  );
}

/** It did not work: what, why, what to do, and a retry. */
export function Failed({ failure, onRetry }: { failure: Failure; onRetry?: (() => void) | undefined }) {
  return (
    <div className={css.failed} role="alert">
      <CircleX size={16} strokeWidth={1.5} aria-hidden="true" />
      <div className={css.body}>
        <p dir="auto">{sentence(visible(failure.message))}</p>
        {failure.hint !== '' && (
          <p dir="auto" className={css.hint}>
            {sentence(visible(failure.hint))}
          </p>
        )}
      </div>
      {onRetry !== undefined && (
        <Button icon={<RotateCw size={16} strokeWidth={1.5} aria-hidden="true" />} onClick={onRetry}>
          {t.actions.retry}
        </Button>
      )}
    </div>
  );
}

const patience = 400;

/** Keeps the place of what loads; shows itself after 400 ms only. */
export function Skeleton({ rows = 3 }: { rows?: number }) {
  const [shown, setShown] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setShown(true), patience);
    return () => clearTimeout(timer);
  }, []);
  return (
    <div className={css.skeleton} role="status" aria-label={t.loading}>
      {Array.from({ length: rows }, (_, index) => (
        <div
          key={index}
          className={shown ? css.bone : css.gap}
          style={{ width: `${88 - ((index * 23) % 45)}%` }}
        />
      ))}
    </div>
  );
}

interface LoadedProps<T> {
  query: Query<T>;
  rows?: number;
  children(value: T): ReactNode;
}

/** What was asked for: a skeleton, a failure, or the value; a value outlives the failure of a newer one. */
export function Loaded<T>({ query, rows, children }: LoadedProps<T>) {
  return (
    <>
      {query.failure !== null && <Failed failure={query.failure} onRetry={query.retry} />}
      {query.value !== null ? children(query.value) : query.failure === null && <Skeleton rows={rows ?? 3} />}
    </>
  );
}
