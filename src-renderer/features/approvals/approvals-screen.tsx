import { useState } from 'react';
import type { WaitingItem } from '../../../src-main/contract/waiting.ts';
import type { TicketDetail } from '../../../src-main/contract/tickets.ts';
import { ask, commandId } from '../../connection.ts';
import { approve, putOff, useDecisions } from '../../decisions.ts';
import { useKeys } from '../../keys.ts';
import { useQuery } from '../../query.ts';
import { go } from '../../router.ts';
import { announce, useLive } from '../../store.ts';
import { t } from '../../strings/en.ts';
import { Button } from '../../ui/button.tsx';
import { Empty, Loaded } from '../../ui/said.tsx';
import { Link } from '../../ui/link.tsx';
import { placeOf, useWaiting } from '../../waiting.ts';
import { openEditor } from '../frame/overlays.ts';
import { Page } from '../frame/page.tsx';
import { ApprovalCard } from './approval-card.tsx';
import css from './approvals.module.css';
import { DecideBar } from './decide-bar.tsx';
import { DecisionCard } from './decision-card.tsx';
import { NoteDialog, sendBackWords } from './note-dialog.tsx';
import { needsCommand } from './risks.ts';

function Decide({ item, ticket, next }: { item: WaitingItem; ticket: TicketDetail; next: string | null }) {
  const [returning, setReturning] = useState(false);
  const forward = () => go(next ?? '/approvals');
  const yes = () => {
    approve(ticket);
    forward();
  };
  const lacking = needsCommand(ticket);
  const edit = () => openEditor({ ticket, ...(lacking && { focus: 'command' as const }) });
  const later = () => {
    putOff(item.key);
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
      {returning && (
        <NoteDialog
          {...sendBackWords}
          send={(note) =>
            ask((client) => client.ticket.return({ id: ticket.id, note, commandId: commandId() }))
          }
          onSent={() => {
            announce(t.approvals.sentBack(ticket.title));
            putOff(item.key);
            go('/approvals');
          }}
          onClose={() => setReturning(false)}
        />
      )}
    </div>
  );
}

/** One thing that waits at a time, large, with what is decided about it always in the same place. */
export function ApprovalsScreen({ ticket: named, kind }: { ticket: string | null; kind: string | null }) {
  const waiting = useWaiting().filter((each) => each.ticket !== null);
  const known = useLive((live) => (named === null ? undefined : live.tickets[named]));
  const pending = useDecisions((state) =>
    state.pending.some((each) => each.id === named && each.failure === null),
  );
  const at =
    named === null
      ? 0
      : waiting.findIndex((each) => each.ticket === named && each.kind === (kind ?? 'approval'));
  const item = waiting[at];
  const summary = useLive((live) => live.tickets[item?.ticket ?? '']);
  const following = waiting.length > 1 ? waiting[(at + 1) % waiting.length] : undefined;
  const next = following === undefined ? null : placeOf(following);
  const query = useQuery(
    item === undefined ? null : `ticket/${item.ticket}`,
    summary?.version ?? 0,
    (client) => client.ticket.show({ id: item?.ticket ?? '' }),
  );
  const shown = query.value;
  return (
    <Page
      title={t.nav.approvals}
      width="full"
      actions={
        item !== undefined && <span className={css.quiet}>{t.approvals.place(at + 1, waiting.length)}</span>
      }
    >
      <div className={css.screen}>
        <div
          className={css.scroll}
          tabIndex={0}
          role="region"
          aria-label={t.approvals.region}
          key={`card ${item?.key ?? ''}`}
        >
          <div className={css.column}>
            {item === undefined ? (
              named !== null &&
              (known === undefined || kind !== null || known.state !== 'draft' || pending) ? (
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
                {(ticket) =>
                  item.kind === 'approval' ? (
                    <ApprovalCard ticket={ticket} />
                  ) : (
                    <DecisionCard item={item} ticket={ticket} />
                  )
                }
              </Loaded>
            )}
          </div>
        </div>
        {shown !== null &&
          item !== undefined &&
          shown.id === item.ticket &&
          shown.hash === summary?.hash &&
          (item.kind === 'approval' ? (
            <Decide key={`decide ${item.key}`} item={item} ticket={shown} next={next} />
          ) : (
            <DecideBar key={`decide ${item.key}`} item={item} ticket={shown} next={next} />
          ))}
      </div>
    </Page>
  );
}
