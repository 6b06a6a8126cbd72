import type { PlanVersion, TicketDetail } from '../../../src-main/contract/tickets.ts';
import { visible, visibleLine } from '../../format.ts';
import { t } from '../../strings/en.ts';
import { StateMark } from '../../ui/state-mark.tsx';
import { Ago, Prose } from '../../ui/text.tsx';
import { Markdown } from '../wiki/markdown.tsx';
import { Fold } from './fold.tsx';
import { changesBetween } from './plan-changes.ts';
import css from './plan.module.css';

const marks = { none: 'none', planning: 'running', waiting: 'waiting', approved: 'passed' } as const;

/** Where the plan stands, and what the last word on it was. */
function Stand({ ticket }: { ticket: TicketDetail }) {
  const last = ticket.plans.at(-1);
  return (
    <div className={css.stand}>
      <StateMark
        state={marks[ticket.planState]}
        word={t.plan.state[ticket.planState](last?.version ?? 0, ticket.modeDecision.review)}
      />
      {last !== undefined && <Ago at={last.at} />}
    </div>
  );
}

function Review({ plan }: { plan: PlanVersion }) {
  if (plan.review === null) return null;
  const { decision, by, note } = plan.review;
  return (
    <blockquote className={css.review}>
      <p className={css.quiet}>{t.plan.reviewed(plan.version, decision, visibleLine(by))}</p>
      {note !== '' && <Prose text={note} />}
    </blockquote>
  );
}

/** One version of a plan, as a person reads it: its steps, files and risks stand under its own headings. */
export function PlanText({ plan, brand }: { plan: PlanVersion; brand: string }) {
  return (
    <div className={css.text}>
      <Markdown text={plan.text} brand={brand} claims={[]} />
    </div>
  );
}

/** What a version says otherwise than the one before it; lines that stay are left out but for those beside a change. */
function Changes({ before, plan }: { before: PlanVersion; plan: PlanVersion }) {
  const lines = changesBetween(before.text, plan.text);
  const near = (index: number) =>
    lines.slice(Math.max(0, index - 1), index + 2).some((line) => line.kind !== 'same');
  return (
    <pre className={css.changes} tabIndex={0} aria-label={t.plan.changed(before.version)}>
      {lines.map((line, index) =>
        line.kind === 'added' ? (
          <ins key={index}>{`+ ${visible(line.text)}\n`}</ins>
        ) : line.kind === 'removed' ? (
          <del key={index}>{`− ${visible(line.text)}\n`}</del>
        ) : near(index) ? (
          <span key={index}>{`  ${visible(line.text)}\n`}</span>
        ) : null,
      )}
    </pre>
  );
}

/** The plan of a ticket: where it stands, its newest version with what changed and what was said of it, and those before. */
export function Plan({ ticket }: { ticket: TicketDetail }) {
  const last = ticket.plans.at(-1);
  const before = ticket.plans.at(-2);
  return (
    <div className={css.plan}>
      <Stand ticket={ticket} />
      {before !== undefined && <Review plan={before} />}
      {last !== undefined && <PlanText plan={last} brand={ticket.brand} />}
      {last !== undefined && <Review plan={last} />}
      {last !== undefined && before !== undefined && (
        <Fold title={t.plan.changed(before.version)} open>
          <Changes before={before} plan={last} />
        </Fold>
      )}
      {ticket.plans
        .slice(0, -1)
        .toReversed()
        .map((plan) => (
          <Fold key={plan.version} title={t.decisions.planVersion(plan.version)}>
            <PlanText plan={plan} brand={ticket.brand} />
            <Review plan={plan} />
          </Fold>
        ))}
      <p className={css.quiet}>
        {t.plan.because(visibleLine(ticket.modeDecision.reason), visibleLine(ticket.modeDecision.rule))}
      </p>
    </div>
  );
}
