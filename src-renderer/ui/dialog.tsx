import { X } from 'lucide-react';
import { Dialog as Radix } from 'radix-ui';
import type { ReactNode } from 'react';
import { useKeys } from '../keys.ts';
import { t } from '../strings/en.ts';
import css from './dialog.module.css';

interface DialogProps {
  title: string;
  children: ReactNode;
  onClose(): void;
  /** `bare`: no heading is shown; the title is for who does not see. */
  kind?: 'form' | 'bare';
  size?: 'small' | 'large';
}

/** Keeps the keys of the screen under it from being heard. */
function Quiet({ title }: { title: string }) {
  useKeys(title, [], true);
  return null;
}

/** What floats over the screen until it is closed. */
export function Dialog({ title, children, onClose, kind = 'form', size = 'small' }: DialogProps) {
  return (
    <Radix.Root open onOpenChange={(open) => !open && onClose()}>
      <Radix.Portal>
        <Radix.Overlay className={css.shade} />
        <Radix.Content
          className={`${css.dialog} ${css[size]} ${kind === 'bare' ? css.bare : ''}`}
          aria-describedby={undefined}
        >
          <Quiet title={title} />
          {kind === 'bare' ? (
            <Radix.Title className={css.unseen}>{title}</Radix.Title>
          ) : (
            <header className={css.head}>
              <Radix.Title>{title}</Radix.Title>
              <Radix.Close className={css.close} aria-label={t.actions.close}>
                <X size={16} strokeWidth={1.5} aria-hidden="true" />
              </Radix.Close>
            </header>
          )}
          {children}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}
