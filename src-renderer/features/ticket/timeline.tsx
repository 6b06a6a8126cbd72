import { useState } from 'react';
import type { FormEvent } from 'react';
import type { Failure } from '../../../src-main/contract/errors.ts';
import type {
  ArtifactView,
  AttemptView,
  TicketDetail,
  TimelineEntry,
} from '../../../src-main/contract/tickets.ts';
import { runtimeTitle } from '../../choices.ts';
import { ask, commandId } from '../../connection.ts';
import { runsOf, show, useLive } from '../../store.ts';
import { t } from '../../strings/en.ts';
import { Button } from '../../ui/button.tsx';
import { TextArea } from '../../ui/field.tsx';
import { Failed } from '../../ui/said.tsx';
import { StateMark } from '../../ui/state-mark.tsx';
import { Ago, Line, Prose } from '../../ui/text.tsx';
import { Artifact } from './artifact.tsx';
import { Fold } from './fold.tsx';
import { RunOutputView } from './run-output.tsx';
import { Plan, PlanText } from './plan.tsx';
import css from './timeline.module.css';

function Comment({ ticket }: { ticket: TicketDetail }) {
  const slot = `atrium.comment.${ticket.id}`;
  const [text, setText] = useState(() => sessionStorage.getItem(slot) ?? '');
  const [failure, setFailure] = useState<Failure | null>(null);
  const type = (value: string) => {
    setText(value);
    sessionStorage.setItem(slot, value);
  };
  const send = async (event: FormEvent) => {
    event.preventDefault();
    const answer = await ask((client) =>
      client.ticket.comment({ id: ticket.id, text, commandId: commandId() }),
    );
    if (!answer.ok) {
      setFailure(answer.failure);
      return;
    }
    show(answer.value);
    setFailure(null);
    type('');
  };
  return (
    <form className={css.comment} onSubmit={(event) => void send(event)}>
      <TextArea
        aria-label={t.ticket.comment}
        placeholder={t.ticket.commentHint}
        rows={2}
        value={text}
        onChange={(event) => type(event.target.value)}
      />
      {failure !== null && <Failed failure={failure} />}
      {text.trim() !== '' && <Button type="submit">{t.ticket.comment}</Button>}
    </form>
  );
}

const artifactOf: Record<string, ArtifactView['name']> = {
  'plan.submitted': 'plan',
  'result.submitted': 'result',
  'verdict.submitted': 'verdict',
  'gate.reported': 'gate-report',
};

function Entry({ entry, ticket }: { entry: TimelineEntry; ticket: TicketDetail }) {
  const name = artifactOf[entry.type];
  const artifact = ticket.artifacts.find((each) => each.name === name && each.position === entry.position);
  const plan =
    name === 'plan' ? ticket.plans.find(({ version }) => version === artifact?.version) : undefined;
  return (
    <li className={css.entry} id={`event-${entry.position}`}>
      <span className={css.dot} aria-hidden="true" />
      <div className={css.text}>
        <Prose text={entry.text} />
        {artifact !== undefined && (
          <Fold title={t.ticket.artifacts[artifact.name](artifact.version)}>
            {plan === undefined ? (
              <Artifact artifact={artifact} />
            ) : (
              <PlanText plan={plan} brand={ticket.brand} />
            )}
          </Fold>
        )}
      </div>
      <Ago at={entry.at} />
    </li>
  );
}

function AttemptOutput({ attempt, number }: { attempt: AttemptView; number: number }) {
  const run = useLive((live) => live.runs[attempt.run]);
  const live = run?.state === 'running';
  return (
    <Fold
      // An attempt can be known before its run: what lives is open from the moment it is known.
      key={String(run === undefined)}
      open={live}
      title={
        <>
          <StateMark state={attempt.state} word={t.ticket.outputOf(number, runtimeTitle(attempt.runtime))} />
          <Line text={attempt.reason} className={css.reason} />
        </>
      }
    >
      <RunOutputView run={attempt.run} live={live} />
    </Fold>
  );
}

/** Runs of a ticket that are no attempt: the verifier's, the librarian's. */
function OtherRuns({ ticket }: { ticket: TicketDetail }) {
  const runs = useLive((live) => live.runs);
  const attempts = new Set<string>(ticket.attemptList.map((attempt) => attempt.run));
  const others = runsOf(runs, ticket.brand).filter(
    (run) => run.ticket === ticket.id && !attempts.has(run.id),
  );
  return others.map((run) => (
    <Fold
      key={run.id}
      open={false}
      title={
        <>
          <StateMark state={run.state} word={t.ticket.outputOfRole(t.runs.role(run.role))} />
          <Line text={run.reason} className={css.reason} />
        </>
      }
    >
      <RunOutputView run={run.id} live={run.state === 'running'} />
    </Fold>
  ));
}

/** What happened, in words, with what programs printed folded under it. */
export function Timeline({ ticket }: { ticket: TicketDetail }) {
  return (
    <>
      {ticket.mode === 'plan_first' && (
        <section aria-labelledby="plan-title" className={css.plan}>
          <h2 id="plan-title">{t.approvals.plan}</h2>
          <Plan ticket={ticket} />
        </section>
      )}
      {ticket.attemptList.length > 0 && (
        <section aria-label={t.ticket.outputs} className={css.outputs}>
          {ticket.attemptList.toReversed().map((attempt, index) => (
            <AttemptOutput key={attempt.id} attempt={attempt} number={ticket.attemptList.length - index} />
          ))}
          <OtherRuns ticket={ticket} />
        </section>
      )}
      <ol className={css.entries}>
        {ticket.timeline.map((entry) => (
          <Entry key={entry.position} entry={entry} ticket={ticket} />
        ))}
      </ol>
      <Comment ticket={ticket} />
    </>
  );
}
