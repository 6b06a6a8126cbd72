import { useState } from 'react';
import type { Failure, Result } from '../../../src-main/contract/errors.ts';
import type { TicketSummary } from '../../../src-main/contract/tickets.ts';
import { show } from '../../store.ts';
import { Button } from '../../ui/button.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { Field, TextArea } from '../../ui/field.tsx';
import { Failed } from '../../ui/said.tsx';
import css from './ticket-actions.module.css';

/** What a note is asked for with. */
export interface NoteWords {
  title: string;
  label: string;
  hint: string;
  button: string;
  /** The most that it may hold, in characters; 10,000 where nothing is said. */
  longest?: number;
}

interface NoteDialogProps extends NoteWords {
  send(note: string): Promise<Result<TicketSummary>>;
  onSent?(): void;
  onClose(): void;
}

/** Asks for a note and sends it; what was typed stays where the core did not take it. */
export function NoteDialog({
  title,
  label,
  hint,
  button,
  longest = 10_000,
  send,
  onSent,
  onClose,
}: NoteDialogProps) {
  const [note, setNote] = useState('');
  const [failure, setFailure] = useState<Failure | null>(null);
  const submit = async () => {
    const answer = await send(note);
    if (!answer.ok) {
      setFailure(answer.failure);
      return;
    }
    show(answer.value);
    onClose();
    onSent?.();
  };
  return (
    <Dialog title={title} onClose={onClose}>
      <form
        className={css.form}
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
              maxLength={longest}
              value={note}
              onChange={(event) => setNote(event.target.value)}
            />
          )}
        </Field>
        {failure !== null && <Failed failure={failure} />}
        <div className={css.end}>
          <Button kind="primary" type="submit" disabled={note.trim() === ''}>
            {button}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
