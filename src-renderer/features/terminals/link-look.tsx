import { t } from '../../strings/en.ts';
import { Button } from '../../ui/button.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { Command } from '../../ui/text.tsx';
import css from './terminals.module.css';

/** An address that a program shows, whole, before it is opened outside. */
export function LinkLook({ address, onClose }: { address: string; onClose(): void }) {
  return (
    <Dialog title={t.terminals.link} onClose={onClose}>
      <div className={css.form}>
        <p>{t.terminals.linkText}</p>
        <Command text={address} />
        <div className={css.end}>
          <Button
            kind="primary"
            onClick={() => {
              window.open(address, '_blank', 'noopener,noreferrer');
              onClose();
            }}
          >
            {t.terminals.openLink}
          </Button>
        </div>
      </div>
    </Dialog>
  );
}
