import { useState } from 'react';
import type { Failure } from '../../../src-main/contract/errors.ts';
import type { TicketDetail } from '../../../src-main/contract/tickets.ts';
import { ask, commandId } from '../../connection.ts';
import { approve, putOff, useDecisions } from '../../decisions.ts';
import { fold } from '../../feed.ts';
import { useKeys } from '../../keys.ts';
import { useQuery } from '../../query.ts';
import { go } from '../../router.ts';
import { announce, useLive } from '../../store.ts';
import { t } from '../../strings/en.ts';
import { Button } from '../../ui/button.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { Field, TextArea } from '../../ui/field.tsx';
import { Empty, Failed, Loaded } from '../../ui/said.tsx';
import { Link } from '../../ui/link.tsx';
import { useWaiting } from '../../waiting.ts';
import { openEditor } from '../frame/overlays.ts';
import { Page } from '../frame/page.tsx';
import { ApprovalCard } from './approval-card.tsx';
import css from './approvals.module.css';
import { needsCommand } from './risks.ts';

function SendBack({ ticket, onClose }: { ticket: TicketDetail; onClose(): void }) {
  const [note, setNote] = useState('');
  const [failure, setFailure] = useState<Failure | null>(null);
  const send = async () => {
    const answer = await ask((client) =>
      client.ticket.return({ id: ticket.id, note, commandId: commandId() }),
    );
    if (!answer.ok) {
      setFailure(answer.failure);
      return;
    }
    useLive.setState(fold(useLive.getState(), { kind: 'ticket', ticket: answer.value }));
    announce(t.approvals.sentBack(ticket.title));
    putOff(ticket.id);
    onClose();
    go('/approvals');
  };
  return (
    <Dialog title={t.approvals.sendBackTitle} onClose={onClose}>
      <form
        className={css.note}
        onSubmit={(event) => {
          event.preventDefault();
          void send();
        }}
      >
        <Field label={t.approvals.note} hint={t.approvals.noteHint}>
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
            {t.approvals.sendBack}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

function Decide({ ticket, next }: { ticket: TicketDetail; next: string | null }) {
  const [returning, setReturning] = useState(false);
  const forward = () => go(next === null ? '/approvals' : `/approvals/${next}`);
  const yes = () => {
    approve(ticket);
    forward();
  };
  const lacking = needsCommand(ticket);
  const edit = () => openEditor({ ticket, ...(lacking && { focus: 'command' as const }) });
  const later = () => {
    putOff(ticket.id);
    forward();
  };
  useKeys(t.nav.approvals, [
    { key: 'a', label: t.approvals.approve, run: yes, when: !lacking },
    { key: 'r', label: t.approvals.sendBackKey, run: () => setReturning(true) },
    { key: 'e', label: t.actions.edit, run: edit },
    { key: 'l', label: t.approvals.later, run: later, when: next !== null },
    { key: 'Enter', label: t.approvals.openTicket, run: () => go(`/ticket/${ticket.id}`) },
  ]);
  return (
    <div className={css.bar} role="group" aria-label={t.approvals.decision}>
      <Button kind={lacking ? 'plain' : 'primary'} shortcut="a" onClick={yes} disabled={lacking}>
        {t.approvals.approve}
      </Button>
      <Button shortcut="r" onClick={() => setReturning(true)}>
        {t.approvals.sendBackKey}
      </Button>
      <Button kind={lacking ? 'primary' : 'plain'} shortcut="e" onClick={edit}>
        {lacking ? t.approvals.addCommand : t.actions.edit}
      </Button>
      <Button shortcut="l" onClick={later} disabled={next === null}>
        {t.approvals.later}
      </Button>
      {returning && <SendBack ticket={ticket} onClose={() => setReturning(false)} />}
    </div>
  );
}

/** One draft at a time, large, with what is decided about it always in the same place. */
export function ApprovalsScreen({ ticket: named }: { ticket: string | null }) {
  const waiting = useWaiting().filter((each) => each.kind === 'approval');
  const known = useLive((live) => (named === null ? undefined : live.tickets[named]));
  const pending = useDecisions((state) =>
    state.pending.some((each) => each.id === named && each.failure === null),
  );
  const at = named === null ? 0 : waiting.findIndex((each) => each.ticket.id === named);
  const current = waiting[at]?.ticket;
  const next = waiting.length > 1 ? (waiting[(at + 1) % waiting.length]?.ticket.id ?? null) : null;
  const query = useQuery(
    current === undefined ? null : `ticket/${current.id}`,
    current?.version ?? 0,
    (client) => client.ticket.show({ id: current?.id ?? '' }),
  );
  const shown = query.value;
  return (
    <Page
      title={t.nav.approvals}
      width="full"
      actions={
        current !== undefined && (
          <span className={css.quiet}>{t.approvals.place(at + 1, waiting.length)}</span>
        )
      }
    >
      <div className={css.screen}>
        <div
          className={css.scroll}
          tabIndex={0}
          role="region"
          aria-label={t.approvals.region}
          key={`card ${current?.id ?? ''}`}
        >
          <div className={css.column}>
            {current === undefined ? (
              named !== null && (known === undefined || known.state !== 'draft' || pending) ? (
                <Empty
                  title={pending ? t.approvals.isPending(named) : t.approvals.notWaiting(named)}
                  action={
                    <Link to="/approvals" className={css.link}>
                      {t.approvals.others(waiting.length)}
                    </Link>
                  }
                />
              ) : (
                <Empty title={t.approvals.none}>{t.approvals.purpose}</Empty>
              )
            ) : (
              <Loaded query={query} rows={10}>
                {(ticket) => <ApprovalCard ticket={ticket} />}
              </Loaded>
            )}
          </div>
        </div>
        {shown !== null && current !== undefined && shown.hash === current.hash && (
          <Decide key={`decide ${shown.id}`} ticket={shown} next={next} />
        )}
      </div>
    </Page>
  );
}
