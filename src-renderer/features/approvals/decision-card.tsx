import type { ReactNode } from 'react';
import type { WaitingItem } from '../../../src-main/contract/waiting.ts';
import type { TicketDetail } from '../../../src-main/contract/tickets.ts';
import { sentence, visibleLine } from '../../format.ts';
import { t } from '../../strings/en.ts';
import { BrandMark } from '../../ui/brand-mark.tsx';
import { Link } from '../../ui/link.tsx';
import { Ago, Code, Line, Prose } from '../../ui/text.tsx';
import { Difference } from '../ticket/difference.tsx';
import { Plan } from '../ticket/plan.tsx';
import css from './approvals.module.css';

/** One row of a card: what it is about, and what there is to read. */
export function Part({ name, changed, children }: { name: string; changed?: boolean; children: ReactNode }) {
  return (
    <section className={css.part}>
      <h3 className={css.name}>
        {name}
        {changed === true && <span className={css.changed}>{t.approvals.changed}</span>}
      </h3>
      <div className={css.value}>{children}</div>
    </section>
  );
}

function PlanParts({ ticket }: { ticket: TicketDetail }) {
  return (
    <>
      <Part name={t.approvals.plan}>
        <Plan ticket={ticket} />
      </Part>
      <Part name={t.approvals.touches}>
        {ticket.paths.length === 0 ? (
          <p>{t.approvals.wholeRepository(visibleLine(ticket.repository))}</p>
        ) : (
          <ul className={css.list}>
            {ticket.paths.map((glob, index) => (
              <li key={index}>
                <Code text={glob} />
              </li>
            ))}
          </ul>
        )}
      </Part>
    </>
  );
}

function CheckpointParts({ ticket }: { ticket: TicketDetail }) {
  const { checkpoint } = ticket;
  if (checkpoint === null) return null;
  return (
    <>
      <Part name={t.decisions.touches}>
        <ul className={css.list}>
          {checkpoint.hits.map((hit, index) => (
            <li key={index} className={css.risk}>
              <Code text={hit.path} />
              <p>
                <Line text={hit.reason} />{' '}
                <span className={css.quiet}>
                  {t.decisions.hitKinds[hit.kind]} · {visibleLine(hit.rule)}
                </span>
              </p>
            </li>
          ))}
        </ul>
      </Part>
      <Part name={t.decisions.commit}>
        <Code text={checkpoint.commit} />
      </Part>
      <div className={css.difference}>
        <Difference ticket={ticket} />
      </div>
    </>
  );
}

/** What waits beside approvals, one at a time: a plan, a question, what a commit touches, what stopped. */
export function DecisionCard({ item, ticket }: { item: WaitingItem; ticket: TicketDetail }) {
  const question = ticket.questions.find((each) => item.key.endsWith(`/${each.id}`));
  const stopped = item.kind === 'dead-letter' || (item.kind === 'conflict' && question === undefined);
  const why = stopped ? item.detail : item.kind === 'housekeeping' ? ticket.why : '';
  return (
    <article className={css.card} aria-labelledby="decision-title">
      <header className={css.cardHead}>
        <p className={css.where}>
          <BrandMark id={ticket.brand} />
          <Link to={`/ticket/${ticket.id}`} className={css.id}>
            {ticket.id}
          </Link>
          <span>{t.decisions.kinds[item.kind]}</span>
          <Ago at={item.since} />
        </p>
        <h2 id="decision-title" className={css.title} dir="auto">
          {visibleLine(ticket.title)}
        </h2>
        {ticket.description !== '' && <Prose text={ticket.description} className={css.description} />}
      </header>
      {item.kind === 'plan' && <PlanParts ticket={ticket} />}
      {item.kind === 'checkpoint' && <CheckpointParts ticket={ticket} />}
      {question !== undefined && (
        <Part name={t.decisions.question}>
          <Prose text={sentence(question.text)} />
          {question.about === 'conflict' && <p className={css.mode}>{t.decisions.conflict}</p>}
        </Part>
      )}
      {why !== '' && (
        <Part name={t.decisions.why}>
          <Prose text={why} />
        </Part>
      )}
      {ticket.attemptList.length > 0 && (item.kind === 'dead-letter' || item.kind === 'question') && (
        <Part name={t.decisions.attempts}>
          <ul className={css.list}>
            {ticket.attemptList.map((attempt) => (
              <li key={attempt.id}>
                <Line text={t.decisions.attempt(attempt.id, attempt.state, attempt.reason)} />
              </li>
            ))}
          </ul>
        </Part>
      )}
    </article>
  );
}
