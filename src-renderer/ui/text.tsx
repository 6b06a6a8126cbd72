import { useEffect, useState } from 'react';
import { ago, exact, lasting, money, visible, visibleLine } from '../format.ts';
import css from './text.module.css';

/** One line of text that others wrote, with everything in it made visible. */
export function Line({ text, className }: { text: string; className?: string | undefined }) {
  return (
    <span dir="auto" className={className}>
      {visibleLine(text)}
    </span>
  );
}

/** Several lines of plain text that others wrote. */
export function Prose({ text, className }: { text: string; className?: string | undefined }) {
  return (
    <p dir="auto" className={`${css.prose} ${className ?? ''}`}>
      {visible(text)}
    </p>
  );
}

export function Code({ text }: { text: string }) {
  return <code className={css.code}>{visibleLine(text)}</code>;
}

/** A shell command, all of it readable: it is what an approval lets run. */
export function Command({ text }: { text: string }) {
  return <pre className={css.command}>{visible(text)}</pre>;
}

const listeners = new Set<(now: number) => void>();
let ticking: ReturnType<typeof setInterval> | null = null;

/** The time, to the half minute: one clock for all of the window. */
function useNow(): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    listeners.add(setNow);
    ticking ??= setInterval(() => {
      for (const listener of listeners) listener(Date.now());
    }, 30_000);
    return () => {
      listeners.delete(setNow);
      if (listeners.size > 0 || ticking === null) return;
      clearInterval(ticking);
      ticking = null;
    };
  }, []);
  return now;
}

/** How long ago; the exact time on hover. */
export function Ago({ at }: { at: string }) {
  const now = useNow();
  return (
    <time dateTime={at} title={exact(at)} className={css.quiet}>
      {ago(at, now)}
    </time>
  );
}

/** How long until something is over; the exact time on hover. */
export function Until({ at, said }: { at: string; said(left: string): string }) {
  const now = useNow();
  return (
    <time dateTime={at} title={exact(at)}>
      {said(lasting(Math.max(0, Math.ceil((Date.parse(at) - now) / 30_000) * 30_000)))}
    </time>
  );
}

export function Money({ usd }: { usd: number }) {
  return (
    <span data-number="" className={css.number}>
      {money(usd)}
    </span>
  );
}
