import { useState } from 'react';
import type { Failure, Result } from '../../../src-main/contract/errors.ts';
import type { TicketSummary } from '../../../src-main/contract/tickets.ts';
import { fold } from '../../feed.ts';
import { useLive } from '../../store.ts';
import { t } from '../../strings/en.ts';
import { Button } from '../../ui/button.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { Field, TextArea } from '../../ui/field.tsx';
import { Failed } from '../../ui/said.tsx';
import css from './approvals.module.css';

interface NoteDialogProps {
  title: string;
  label: string;
  hint: string;
  button: string;
  send(note: string): Promise<Result<TicketSummary>>;
  onSent(): void;
  onClose(): void;
}

/** Asks for a note and sends it; what was typed stays where the core did not take it. */
export function NoteDialog({ title, label, hint, button, send, onSent, onClose }: NoteDialogProps) {
  const [note, setNote] = useState('');
  const [failure, setFailure] = useState<Failure | null>(null);
  const submit = async () => {
    const answer = await send(note);
    if (!answer.ok) {
      setFailure(answer.failure);
      return;
    }
    useLive.setState(fold(useLive.getState(), { kind: 'ticket', ticket: answer.value }));
    onClose();
    onSent();
  };
  return (
    <Dialog title={title} onClose={onClose}>
      <form
        className={css.note}
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        <Field label={label} hint={hint}>
          {(ids) => (
            <TextArea
              {...ids}
              rows={4}
              autoFocus
              required
              value={note}
              onChange={(event) => setNote(event.target.value)}
            />
          )}
        </Field>
        {failure !== null && <Failed failure={failure} />}
        <div className={css.noteEnd}>
          <Button kind="primary" type="submit" disabled={note.trim() === ''}>
            {button}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

/** The words that send something back, in one place for drafts and plans. */
export const sendBackWords = {
  title: t.approvals.sendBackTitle,
  label: t.approvals.note,
  hint: t.approvals.noteHint,
  button: t.approvals.sendBack,
};
