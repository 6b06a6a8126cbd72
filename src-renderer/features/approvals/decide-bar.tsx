import { useState } from 'react';
import type { Failure } from '../../../src-main/contract/errors.ts';
import type { TicketSummary } from '../../../src-main/contract/tickets.ts';
import type { Result } from '../../../src-main/contract/errors.ts';
import { ask, commandId } from '../../connection.ts';
import { approve, decideSoon } from '../../decisions.ts';
import { go } from '../../router.ts';
import { announce, show } from '../../store.ts';
import { t } from '../../strings/en.ts';
import { Button } from '../../ui/button.tsx';
import { placeOf } from '../../waiting.ts';
import { openEditor } from '../frame/overlays.ts';
import { useSucceed } from '../ticket/ticket-actions.tsx';
import { AnswerForm } from './answer-form.tsx';
import { Bar, goOn, type TicketBarProps, YesOrNote } from './bar.tsx';
import { needsCommand } from './risks.ts';

/** What can be decided about what waits of a ticket. */
export function DecideBar(props: TicketBarProps) {
  const asked = questionOf(props) !== undefined;
  switch (props.item.kind) {
    case 'approval':
      return <ApprovalBar {...props} />;
    case 'plan':
      return <PlanBar {...props} />;
    case 'checkpoint':
      return <CheckpointBar {...props} />;
    case 'question':
      return <QuestionBar {...props} />;
    case 'conflict':
      return asked ? <QuestionBar {...props} /> : <LookBar {...props} />;
    case 'housekeeping':
      return <HousekeepingBar {...props} />;
    case 'dead-letter':
      return <StoppedBar {...props} />;
    case 'ask':
      return null;
  }
}

const questionOf = ({ item, ticket }: TicketBarProps) =>
  ticket.questions.find((each) => item.key.endsWith(`/${each.id}`));

/** The words that send something back, in one place for drafts and plans. */
const sendBack = {
  key: t.approvals.sendBackKey,
  title: t.approvals.sendBackTitle,
  label: t.approvals.note,
  hint: t.approvals.noteHint,
  button: t.approvals.sendBack,
};

/** A yes that can be taken back for five seconds. */
const soon = (
  { item, ticket, next }: TicketBarProps,
  send: (commandId: string) => Promise<Result<TicketSummary>>,
) => {
  decideSoon({ id: item.key, key: item.key, title: ticket.title, place: placeOf(item), send });
  goOn(next);
};

function ApprovalBar({ item, ticket, next }: TicketBarProps) {
  const lacking = needsCommand(ticket);
  return (
    <YesOrNote
      item={item}
      next={next}
      yes={{
        label: t.approvals.approve,
        disabled: lacking,
        run: () => {
          approve(ticket);
          goOn(next);
        },
      }}
      no={{
        ...sendBack,
        send: (note) =>
          ask((client) => client.ticket.return({ id: ticket.id, note, commandId: commandId() })),
        onSent: () => announce(t.approvals.sentBack(ticket.title)),
      }}
      third={{
        key: 'e',
        label: lacking ? t.approvals.addCommand : t.actions.edit,
        primary: lacking,
        run: () => openEditor({ ticket, ...(lacking && { focus: 'command' as const }) }),
      }}
    />
  );
}

function PlanBar(props: TicketBarProps) {
  const { item, ticket, next } = props;
  const { id } = ticket;
  const version = ticket.plans.at(-1)?.version ?? 0;
  return (
    <YesOrNote
      item={item}
      next={next}
      yes={{
        label: t.decisions.approvePlan,
        run: () =>
          soon(props, (repeatable) =>
            ask((client) => client.plan.approve({ id, version, commandId: repeatable })),
          ),
      }}
      no={{
        ...sendBack,
        send: (note) => ask((client) => client.plan.revise({ id, version, note, commandId: commandId() })),
        onSent: () => announce(t.approvals.sentBack(ticket.title)),
      }}
    />
  );
}

function CheckpointBar(props: TicketBarProps) {
  const { item, ticket, next } = props;
  const { id } = ticket;
  const commit = ticket.checkpoint?.commit ?? '';
  return (
    <YesOrNote
      item={item}
      next={next}
      yes={{
        label: t.decisions.letPass,
        run: () =>
          soon(props, (repeatable) =>
            ask((client) => client.checkpoint.approve({ id, commit, commandId: repeatable })),
          ),
      }}
      no={{
        key: t.decisions.refuse,
        title: t.decisions.refuseTitle,
        label: t.decisions.refuseWhy,
        hint: t.decisions.refuseHint,
        button: t.decisions.refuse,
        send: (note) =>
          ask((client) => client.checkpoint.refuse({ id, commit, note, commandId: commandId() })),
      }}
    />
  );
}

function QuestionBar(props: TicketBarProps) {
  const { item, ticket, next } = props;
  const question = questionOf(props);
  if (question === undefined) return null;
  return (
    <Bar item={item} next={next} keys={[]}>
      <AnswerForm
        key={question.id}
        choices={question.choices}
        send={(answer) =>
          ask((client) =>
            client.question.answer({ id: ticket.id, question: question.id, answer, commandId: commandId() }),
          )
        }
        onSent={() => {
          announce(t.decisions.answered(ticket.title));
          goOn(next);
        }}
      />
    </Bar>
  );
}

function StoppedBar({ item, ticket, next }: TicketBarProps) {
  const [failure, setFailure] = useState<Failure | null>(null);
  const succeed = useSucceed(ticket);
  const seen = async () => {
    const answer = await ask((client) =>
      client.ticket.acknowledge({ id: ticket.id, commandId: commandId() }),
    );
    if (!answer.ok) {
      setFailure(answer.failure);
      return;
    }
    show(answer.value);
    goOn(next);
  };
  return (
    <Bar
      item={item}
      next={next}
      failure={failure ?? succeed.failure}
      keys={[
        { key: 'u', label: t.ticket.succeed, run: succeed.run },
        { key: 'a', label: t.decisions.leaveIt, run: () => void seen() },
      ]}
    >
      <Button kind="primary" shortcut="u" onClick={succeed.run}>
        {t.ticket.succeed}
      </Button>
      <Button shortcut="a" onClick={() => void seen()}>
        {t.decisions.leaveIt}
      </Button>
    </Bar>
  );
}

/** What the operator puts right elsewhere: it goes on by itself then. */
function LookBar({ item, ticket, next }: TicketBarProps) {
  return (
    <Bar item={item} next={next} keys={[]}>
      <Button kind="primary" shortcut="Enter" onClick={() => go(`/ticket/${ticket.id}`)}>
        {t.approvals.openTicket}
      </Button>
    </Bar>
  );
}

/** It closes by itself when the doctor finds that every check holds. */
function HousekeepingBar({ item, next }: TicketBarProps) {
  const [running, setRunning] = useState(false);
  const [failure, setFailure] = useState<Failure | null>(null);
  const look = async () => {
    setRunning(true);
    const answer = await ask((client) => client.doctor({}));
    setRunning(false);
    if (answer.ok) announce(t.health.said(answer.value.passed, answer.value.total));
    else setFailure(answer.failure);
  };
  return (
    <Bar
      item={item}
      next={next}
      failure={failure}
      keys={[{ key: 'a', label: t.health.run, run: () => void look(), when: !running }]}
    >
      <Button kind="primary" shortcut="a" onClick={() => void look()} disabled={running}>
        {running ? t.health.running : t.health.run}
      </Button>
    </Bar>
  );
}
