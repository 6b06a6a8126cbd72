import { useState } from 'react';
import type { ReactNode } from 'react';
import type { Failure, Result } from '../../../src-main/contract/errors.ts';
import type { TicketDetail, TicketSummary } from '../../../src-main/contract/tickets.ts';
import type { WaitingItem } from '../../../src-main/contract/waiting.ts';
import { putOff } from '../../decisions.ts';
import { type Binding, useKeys } from '../../keys.ts';
import { go } from '../../router.ts';
import { t } from '../../strings/en.ts';
import { Button } from '../../ui/button.tsx';
import { NoteDialog, type NoteWords } from '../ticket/note-dialog.tsx';
import css from './approvals.module.css';

/** What a bar decides about. */
export interface BarProps {
  item: WaitingItem;
  /** Where the next decision is; null where this is the only one. */
  next: string | null;
}

/** What a bar decides about, with the ticket that it is of. */
export interface TicketBarProps extends BarProps {
  ticket: TicketDetail;
}

/** Goes to the next decision, or to the screen that says that there is none. */
export const goOn = (next: string | null) => go(next ?? '/approvals');

/** What is decided, always in the same place: the bar's own buttons and keys, and those that every bar has. */
export function Bar({
  item,
  next,
  keys,
  failure = null,
  children,
}: BarProps & { keys: readonly Binding[]; failure?: Failure | null; children: ReactNode }) {
  const later = () => {
    putOff(item.key);
    goOn(next);
  };
  useKeys(t.nav.approvals, [
    ...keys,
    { key: 'l', label: t.approvals.later, run: later, when: next !== null },
    {
      key: 'Enter',
      label: t.approvals.openTicket,
      run: () => go(`/ticket/${item.ticket}`),
      when: item.ticket !== null,
    },
  ]);
  return (
    <div className={css.bar} role="group" aria-label={t.approvals.decision}>
      {failure !== null && (
        <span role="alert" className={css.needs}>
          {failure.message}
        </span>
      )}
      {children}
      <Button shortcut="l" onClick={later} disabled={next === null}>
        {t.approvals.later}
      </Button>
    </div>
  );
}

interface YesOrNoteProps extends BarProps {
  yes: { label: string; disabled?: boolean; run(): void };
  no: NoteWords & { key: string; send(note: string): Promise<Result<TicketSummary>>; onSent?(): void };
  /** A third way, between the no and later. */
  third?: Binding & { primary: boolean };
}

/** A yes, or a no with a note. */
export function YesOrNote({ item, next, yes, no, third }: YesOrNoteProps) {
  const [noting, setNoting] = useState(false);
  const { key: noKey, send, onSent, ...words } = no;
  return (
    <Bar
      item={item}
      next={next}
      keys={[
        { key: 'a', label: yes.label, run: yes.run, when: yes.disabled !== true },
        { key: 'r', label: noKey, run: () => setNoting(true) },
        ...(third === undefined ? [] : [third]),
      ]}
    >
      <Button
        kind={yes.disabled === true ? 'plain' : 'primary'}
        shortcut="a"
        onClick={yes.run}
        disabled={yes.disabled === true}
      >
        {yes.label}
      </Button>
      <Button shortcut="r" onClick={() => setNoting(true)}>
        {noKey}
      </Button>
      {third !== undefined && (
        <Button kind={third.primary ? 'primary' : 'plain'} shortcut={third.key} onClick={() => third.run()}>
          {third.label}
        </Button>
      )}
      {noting && (
        <NoteDialog
          {...words}
          send={send}
          onSent={() => {
            onSent?.();
            putOff(item.key);
            goOn(next);
          }}
          onClose={() => setNoting(false)}
        />
      )}
    </Bar>
  );
}
