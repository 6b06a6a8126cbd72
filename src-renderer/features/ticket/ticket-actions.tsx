import { useState } from 'react';
import type { FormEvent } from 'react';
import type { Failure } from '../../../src-main/contract/errors.ts';
import type { TicketDetail } from '../../../src-main/contract/tickets.ts';
import { isRuntime, runtimeTitle } from '../../choices.ts';
import { ask, commandId } from '../../connection.ts';
import { fold } from '../../feed.ts';
import { go } from '../../router.ts';
import { show, useLive } from '../../store.ts';
import { t } from '../../strings/en.ts';
import { Button } from '../../ui/button.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { Field, Select } from '../../ui/field.tsx';
import { Failed } from '../../ui/said.tsx';
import { NoteDialog } from './note-dialog.tsx';
import css from './ticket-actions.module.css';

interface AskingProps {
  ticket: TicketDetail;
  onClose(): void;
}

/** Blocks a ticket: there is no way back but a successor, so the reason is asked for. */
export function Block({ ticket, onClose }: AskingProps) {
  return (
    <NoteDialog
      title={t.ticket.blockTitle(ticket.id)}
      label={t.ticket.blockReason}
      hint={t.ticket.blockHint}
      button={t.ticket.block}
      longest={2_000}
      send={(reason) =>
        ask((client) => client.ticket.block({ id: ticket.id, reason, commandId: commandId() }))
      }
      onClose={onClose}
    />
  );
}

/** Gives a ticket to another agent program. */
export function Reassign({ ticket, onClose }: AskingProps) {
  const runtimes = useLive((live) => live.runtimes);
  const [runtime, setRuntime] = useState(ticket.runtime);
  const [failure, setFailure] = useState<Failure | null>(null);
  const send = async (event: FormEvent) => {
    event.preventDefault();
    const answer = await ask((client) =>
      client.ticket.reassign({ id: ticket.id, runtime, commandId: commandId() }),
    );
    if (!answer.ok) {
      setFailure(answer.failure);
      return;
    }
    show(answer.value);
    onClose();
  };
  return (
    <Dialog title={t.ticket.reassignTitle(ticket.id)} onClose={onClose}>
      <form className={css.form} onSubmit={(event) => void send(event)}>
        <Field label={t.ticket.runtime} hint={ticket.state === 'ready' ? t.ticket.reassignHint : undefined}>
          {(ids) => (
            <Select
              {...ids}
              autoFocus
              value={runtime}
              onChange={(event) => isRuntime(event.target.value) && setRuntime(event.target.value)}
            >
              {runtimes.map((each) => (
                <option key={each.name} value={each.name} disabled={!each.present}>
                  {each.present ? runtimeTitle(each.name) : t.ticket.absent(runtimeTitle(each.name))}
                </option>
              ))}
            </Select>
          )}
        </Field>
        {failure !== null && <Failed failure={failure} />}
        <div className={css.end}>
          <Button kind="primary" type="submit" disabled={runtime === ticket.runtime}>
            {t.ticket.reassign}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

/** Drafts what takes a blocked ticket's place, and shows it. */
export function useSucceed(ticket: TicketDetail): { run(): void; failure: Failure | null } {
  const [failure, setFailure] = useState<Failure | null>(null);
  const run = async () => {
    const answer = await ask((client) => client.ticket.succeed({ id: ticket.id, commandId: commandId() }));
    if (!answer.ok) {
      setFailure(answer.failure);
      return;
    }
    const told = fold(useLive.getState(), { kind: 'ticket', ticket: answer.value });
    // The core tells the successor; that the one before it waits no more follows from it.
    const before = told.tickets[ticket.id];
    useLive.setState(
      before === undefined
        ? told
        : fold(told, { kind: 'ticket', ticket: { ...before, successor: answer.value.id } }),
    );
    go(`/approvals/${answer.value.id}`);
  };
  return { run: () => void run(), failure };
}
