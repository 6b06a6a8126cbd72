import type { RecordedEvent } from '../contract/events.ts';
import type { AttemptId, RunId, TicketId } from '../contract/ids.ts';
import type { RuntimeName } from '../contract/tickets.ts';

/** What a run's stream folds to: one agent process with one contract. */
export interface Run {
  id: RunId;
  role: string;
  ticket: TicketId | null;
  attempt: AttemptId | null;
  runtime: RuntimeName;
  state: 'running' | 'done' | 'failed' | 'stopped' | 'interrupted';
  reason: string;
  startedAt: string;
  endedAt: string | null;
  tokens: { input: number; output: number };
  costUsd: number;
  canaries: number | null;
  limits: string;
  /** The session that its agent program works in, once it has told of one. */
  session?: string;
}

/** Folds one event of a run's stream. */
export function evolveRun(run: Run | null, event: RecordedEvent): Run | null {
  if (event.type === 'run.started') {
    return {
      id: event.data.run,
      role: event.data.role,
      ticket: event.data.ticket,
      attempt: event.data.attempt,
      runtime: event.data.runtime,
      state: 'running',
      reason: 'starts',
      startedAt: event.at,
      endedAt: null,
      tokens: { input: 0, output: 0 },
      costUsd: 0,
      canaries: null,
      limits: '',
    };
  }
  if (!run) return null;
  switch (event.type) {
    case 'run.proved':
      return { ...run, canaries: event.data.canaries, limits: event.data.limits, reason: 'works' };
    case 'run.session':
      return { ...run, session: event.data.session };
    case 'run.used':
      return {
        ...run,
        tokens: {
          input: run.tokens.input + event.data.inputTokens,
          output: run.tokens.output + event.data.outputTokens,
        },
        costUsd: run.costUsd + event.data.costUsd,
      };
    case 'run.ended':
      return { ...run, state: event.data.outcome, reason: event.data.reason, endedAt: event.at };
    default:
      return run;
  }
}
