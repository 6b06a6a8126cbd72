import { useState } from 'react';
import type { Failure, Result } from '../../../src-main/contract/errors.ts';
import type { WaitingItem } from '../../../src-main/contract/waiting.ts';
import type { TicketDetail, TicketSummary } from '../../../src-main/contract/tickets.ts';
import { ask, commandId } from '../../connection.ts';
import { decideSoon, putOff } from '../../decisions.ts';
import { fold } from '../../feed.ts';
import { useKeys } from '../../keys.ts';
import { go } from '../../router.ts';
import { announce, useLive } from '../../store.ts';
import { t } from '../../strings/en.ts';
import { Button } from '../../ui/button.tsx';
import { placeOf } from '../../waiting.ts';
import { useSucceed } from '../ticket/ticket-actions.tsx';
import { AnswerForm } from './answer-form.tsx';
import css from './approvals.module.css';
import { NoteDialog, sendBackWords } from './note-dialog.tsx';

interface BarProps {
  item: WaitingItem;
  ticket: TicketDetail;
  /** Where the next decision is; null where this is the only one. */
  next: string | null;
}

/** What can be decided about what waits, always in the same place. */
export function DecideBar(props: BarProps) {
  switch (props.item.kind) {
    case 'plan':
      return <PlanBar {...props} />;
    case 'checkpoint':
      return <CheckpointBar {...props} />;
    case 'question':
      return <QuestionBar {...props} />;
    case 'ask':
      return <AskBar {...props} />;
    default:
      return <StoppedBar {...props} />;
  }
}

const goOn = (next: string | null) => go(next ?? '/approvals');

/** Keys and buttons that every kind has: later, and the ticket itself. */
function useShared({ item, ticket, next }: BarProps) {
  const later = () => {
    putOff(item.key);
    goOn(next);
  };
  return {
    later,
    keys: [
      { key: 'l', label: t.approvals.later, run: later, when: next !== null },
      { key: 'Enter', label: t.approvals.openTicket, run: () => go(`/ticket/${ticket.id}`) },
    ],
  };
}

function Later({ later, next }: { later(): void; next: string | null }) {
  return (
    <Button shortcut="l" onClick={later} disabled={next === null}>
      {t.approvals.later}
    </Button>
  );
}

function PlanBar(props: BarProps) {
  const { item, ticket, next } = props;
  const [returning, setReturning] = useState(false);
  const shared = useShared(props);
  const version = ticket.plans.at(-1)?.version ?? 0;
  const yes = () => {
    decideSoon({
      id: item.key,
      key: item.key,
      title: ticket.title,
      place: placeOf(item),
      send: (repeatable) =>
        ask((client) => client.plan.approve({ id: ticket.id, version, commandId: repeatable })),
    });
    goOn(next);
  };
  useKeys(t.nav.approvals, [
    { key: 'a', label: t.decisions.approvePlan, run: yes },
    { key: 'r', label: t.approvals.sendBackKey, run: () => setReturning(true) },
    ...shared.keys,
  ]);
  return (
    <div className={css.bar} role="group" aria-label={t.approvals.decision}>
      <Button kind="primary" shortcut="a" onClick={yes}>
        {t.decisions.approvePlan}
      </Button>
      <Button shortcut="r" onClick={() => setReturning(true)}>
        {t.approvals.sendBackKey}
      </Button>
      <Later later={shared.later} next={next} />
      {returning && (
        <NoteDialog
          {...sendBackWords}
          send={(note) =>
            ask((client) => client.plan.revise({ id: ticket.id, version, note, commandId: commandId() }))
          }
          onSent={() => {
            announce(t.approvals.sentBack(ticket.title));
            goOn(next);
          }}
          onClose={() => setReturning(false)}
        />
      )}
    </div>
  );
}

function CheckpointBar(props: BarProps) {
  const { item, ticket, next } = props;
  const [refusing, setRefusing] = useState(false);
  const shared = useShared(props);
  const commit = ticket.checkpoint?.commit ?? '';
  const yes = () => {
    decideSoon({
      id: item.key,
      key: item.key,
      title: ticket.title,
      place: placeOf(item),
      send: (repeatable) =>
        ask((client) => client.checkpoint.approve({ id: ticket.id, commit, commandId: repeatable })),
    });
    goOn(next);
  };
  useKeys(t.nav.approvals, [
    { key: 'a', label: t.decisions.letPass, run: yes },
    { key: 'r', label: t.decisions.refuse, run: () => setRefusing(true) },
    ...shared.keys,
  ]);
  return (
    <div className={css.bar} role="group" aria-label={t.approvals.decision}>
      <Button kind="primary" shortcut="a" onClick={yes}>
        {t.decisions.letPass}
      </Button>
      <Button shortcut="r" onClick={() => setRefusing(true)}>
        {t.decisions.refuse}
      </Button>
      <Later later={shared.later} next={next} />
      {refusing && (
        <NoteDialog
          title={t.decisions.refuseTitle}
          label={t.decisions.refuseWhy}
          hint={t.decisions.refuseHint}
          button={t.decisions.refuse}
          send={(note) =>
            ask((client) => client.checkpoint.refuse({ id: ticket.id, commit, note, commandId: commandId() }))
          }
          onSent={() => goOn(next)}
          onClose={() => setRefusing(false)}
        />
      )}
    </div>
  );
}

function QuestionBar(props: BarProps) {
  const { item, ticket, next } = props;
  const shared = useShared(props);
  const question = ticket.questions.find((each) => item.key.endsWith(`/${each.id}`));
  useKeys(t.nav.approvals, shared.keys);
  if (question === undefined) return null;
  const answered = (answer: string): Promise<Result<TicketSummary>> =>
    ask((client) =>
      client.question.answer({ id: ticket.id, question: question.id, answer, commandId: commandId() }),
    );
  return (
    <div className={css.bar} role="group" aria-label={t.approvals.decision}>
      <AnswerForm
        key={question.id}
        choices={question.choices}
        send={answered}
        onSent={() => {
          announce(t.decisions.answered(ticket.title));
          goOn(next);
        }}
      />
      <Later later={shared.later} next={next} />
    </div>
  );
}

function AskBar(props: BarProps) {
  const { item, next } = props;
  const [failure, setFailure] = useState<Failure | null>(null);
  const shared = useShared(props);
  const answer = async (decision: 'allow' | 'deny') => {
    const id = item.key.slice('ask/'.length);
    const told = await ask((client) => client.guard.answer({ id, decision, commandId: commandId() }));
    if (told.ok) goOn(next);
    else setFailure(told.failure);
  };
  useKeys(t.nav.approvals, [
    { key: 'a', label: t.decisions.allow, run: () => void answer('allow') },
    { key: 'r', label: t.decisions.deny, run: () => void answer('deny') },
    ...shared.keys,
  ]);
  return (
    <div className={css.bar} role="group" aria-label={t.approvals.decision}>
      {failure !== null && (
        <span role="alert" className={css.needs}>
          {failure.message}
        </span>
      )}
      <Button kind="primary" shortcut="a" onClick={() => void answer('allow')}>
        {t.decisions.allow}
      </Button>
      <Button shortcut="r" onClick={() => void answer('deny')}>
        {t.decisions.deny}
      </Button>
      <Later later={shared.later} next={next} />
    </div>
  );
}

function StoppedBar(props: BarProps) {
  const { item, ticket, next } = props;
  const [failure, setFailure] = useState<Failure | null>(null);
  const shared = useShared(props);
  const succeed = useSucceed(ticket);
  const stopped = item.kind === 'dead-letter';
  const seen = async () => {
    const answer = await ask((client) =>
      client.ticket.acknowledge({ id: ticket.id, commandId: commandId() }),
    );
    if (!answer.ok) {
      setFailure(answer.failure);
      return;
    }
    useLive.setState(fold(useLive.getState(), { kind: 'ticket', ticket: answer.value }));
    goOn(next);
  };
  useKeys(t.nav.approvals, [
    { key: 'u', label: t.ticket.succeed, run: succeed.run, when: stopped },
    { key: 'a', label: t.decisions.leaveIt, run: () => void seen(), when: stopped },
    ...shared.keys,
  ]);
  const told = failure ?? succeed.failure;
  return (
    <div className={css.bar} role="group" aria-label={t.approvals.decision}>
      {told !== null && (
        <span role="alert" className={css.needs}>
          {told.message}
        </span>
      )}
      {stopped ? (
        <>
          <Button kind="primary" shortcut="u" onClick={succeed.run}>
            {t.ticket.succeed}
          </Button>
          <Button shortcut="a" onClick={() => void seen()}>
            {t.decisions.leaveIt}
          </Button>
        </>
      ) : (
        <Button kind="primary" shortcut="Enter" onClick={() => go(`/ticket/${ticket.id}`)}>
          {t.approvals.openTicket}
        </Button>
      )}
      <Later later={shared.later} next={next} />
    </div>
  );
}
