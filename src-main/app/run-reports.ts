import { randomBytes } from 'node:crypto';
import type { Actor } from '../contract/events.ts';
import { ok, type Result } from '../contract/errors.ts';
import type { RunId, TicketId } from '../contract/ids.ts';
import { ASK_WAIT_MS, type WikiHit } from '../contract/run-api.ts';
import type { TicketCommand } from '../domain/ticket-decider.ts';
import { EXECUTOR, type Ticket } from '../domain/ticket.ts';
import type { RunReports } from '../services/gateway/index.ts';
import type { Brand } from './brand.ts';
import type { Timer } from './timer.ts';

/** What every run that works on a ticket may say and ask; what it submits is its own. */
export interface WorkingReports {
  reports: Pick<RunReports, 'comment' | 'ask' | 'search' | 'wikiWrite' | 'checkpoint'>;
  /** The run has ended: whatever still waits for an answer is told that there is none. */
  end: () => void;
}

export function createWorkingReports(parts: {
  brand: Brand;
  ticket: TicketId;
  run: RunId;
  role: string;
  timer: Timer;
  search(query: string): WikiHit[];
}): WorkingReports {
  const { brand, ticket, run, role, timer } = parts;
  const actor: Actor = { kind: 'run', run, role };
  const ended = new AbortController();
  const tell = (command: TicketCommand): Promise<Result<Ticket>> =>
    Promise.resolve(brand.tickets.execute(ticket, command, actor));

  /** The operator's answer, or null where none came in time: the next run finds it in its brief. */
  const answerTo = (question: string): Promise<string | null> =>
    new Promise((resolve) => {
      const given = () =>
        brand.tickets.get(ticket)?.questions.find((one) => one.id === question)?.answer ?? null;
      const settle = (answer: string | null) => {
        stop();
        cancel();
        resolve(answer);
      };
      const stop = brand.store.subscribe((event) => {
        if (event.type === 'question.answered' && given() !== null) settle(given());
      });
      const cancel = timer.after(ASK_WAIT_MS, () => settle(null));
      ended.signal.addEventListener('abort', () => settle(null), { once: true });
    });

  return {
    reports: {
      comment: (text) => tell({ type: 'comment', text }),
      async ask({ text, choices }) {
        const before = brand.tickets
          .get(ticket)
          ?.questions.find((one) => one.run === run && one.text === text);
        if (before?.answer) return ok({ answer: before.answer });
        const question = before?.id ?? `Q-${randomBytes(6).toString('hex')}`;
        if (!before) {
          const asked = await tell({ type: 'ask', question, run, text, choices });
          if (!asked.ok) return asked;
        }
        return ok({ answer: await answerTo(question) });
      },
      search: (query) => Promise.resolve(ok(parts.search(query))),
      wikiWrite: (text) => tell({ type: 'request-wiki-write', run, text }),
      checkpoint: (context) =>
        Promise.resolve(
          brand.handoffs.write({ from: `${role} ${run}`, to: EXECUTOR, ticket, context }, actor),
        ),
    },
    end: () => ended.abort(),
  };
}
