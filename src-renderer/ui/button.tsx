import type { ButtonHTMLAttributes, ReactNode } from 'react';
import css from './button.module.css';
import { Kbd } from './kbd.tsx';

interface ButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  kind?: 'primary' | 'plain' | 'quiet';
  icon?: ReactNode;
  /** The key that does the same. */
  shortcut?: string;
}

/** Says what it does, and its key. */
export function Button({ kind = 'plain', icon, shortcut, children, className, ...rest }: ButtonProps) {
  return (
    <button type="button" className={`${css.button} ${css[kind]} ${className ?? ''}`} {...rest}>
      {icon}
      <span className={css.label}>{children}</span>
      {shortcut !== undefined && <Kbd keys={shortcut} />}
    </button>
  );
}

interface IconButtonProps extends Omit<ButtonHTMLAttributes<HTMLButtonElement>, 'children'> {
  label: string;
  icon: ReactNode;
}

/** A button that is an icon alone: its name is for who does not see it, and on hover. */
export function IconButton({ label, icon, className, ...rest }: IconButtonProps) {
  return (
    <button
      type="button"
      aria-label={label}
      title={label}
      className={`${css.icon} ${className ?? ''}`}
      {...rest}
    >
      {icon}
    </button>
  );
}
