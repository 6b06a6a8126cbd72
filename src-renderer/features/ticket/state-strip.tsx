import type { TicketDetail, TicketState } from '../../../src-main/contract/tickets.ts';
import { capital, visibleLine } from '../../format.ts';
import { t } from '../../strings/en.ts';
import { StateMark } from '../../ui/state-mark.tsx';
import css from './state-strip.module.css';

const path = [
  'draft',
  'ready',
  'in_progress',
  'verifying',
  'merged',
] as const satisfies readonly TicketState[];

/** How far a ticket came; for a blocked one, as far as its story says. */
function reached(ticket: TicketDetail): number {
  const at = path.findIndex((state) => state === ticket.state);
  if (at !== -1) return at;
  const types = new Set(ticket.timeline.map((entry) => entry.type));
  if (types.has('ticket.submitted')) return 3;
  if (types.has('ticket.started') || ticket.attempts > 0) return 2;
  return types.has('ticket.approved') ? 1 : 0;
}

/** The state as a strip, the attempts as ticks under it, and why it stands where it stands. */
export function StateStrip({ ticket }: { ticket: TicketDetail }) {
  const at = reached(ticket);
  const blocked = ticket.state === 'blocked';
  return (
    <div className={css.strip}>
      <ol className={css.states} aria-label={t.ticket.strip}>
        {path.map((state, index) => {
          const here = index === at;
          return (
            <li
              key={state}
              className={css.state}
              data-place={index < at ? 'before' : here ? 'here' : 'after'}
              aria-current={here ? 'step' : undefined}
            >
              {here ? (
                <StateMark
                  state={blocked ? 'blocked' : state}
                  word={blocked ? t.ticket.blockedAt(t.states[state]) : t.states[state]}
                />
              ) : (
                <span>{t.states[state]}</span>
              )}
            </li>
          );
        })}
      </ol>
      <div className={css.under}>
        {ticket.attemptList.length > 0 && (
          <ol className={css.ticks} aria-label={t.ticket.attempts}>
            {ticket.attemptList.map((attempt, index) => (
              <li key={attempt.id} title={visibleLine(`${attempt.id}: ${attempt.reason}`)}>
                <StateMark
                  state={attempt.state}
                  word={t.ticket.attempt(index + 1, t.states[attempt.state])}
                />
              </li>
            ))}
          </ol>
        )}
        <p className={css.reason} dir="auto">
          {capital(visibleLine(ticket.reason))}
        </p>
      </div>
    </div>
  );
}
