import { create } from 'zustand';
import type { Failure, Result } from '../src-main/contract/errors.ts';
import type { TicketSummary } from '../src-main/contract/tickets.ts';
import { ask, commandId } from './connection.ts';
import { announce, show } from './store.ts';
import { t } from './strings/en.ts';

/** A yes to one thing that waits. */
export interface Soon {
  /** What it is told apart by in this window. */
  id: string;
  /** The key of what waits. */
  key: string;
  title: string;
  /** Where it was decided. */
  place: string;
  send(commandId: string): Promise<Result<TicketSummary>>;
}

/** A yes that was given in this window and is not with the core yet, or that the core did not take. */
export interface Pending extends Soon {
  commandId: string;
  /** When it is sent, in milliseconds of the window's clock. */
  sendsAt: number;
  sending: boolean;
  failure: Failure | null;
}

interface Decisions {
  pending: readonly Pending[];
  /** Keys of what was put off in this window: it comes last. */
  later: readonly string[];
}

/** How long an approval can be taken back, in milliseconds. */
export const undoFor = 5_000;

/** The operator's decisions of this window. They live as long as the window: closing it before the time is up sends nothing. */
export const useDecisions = create<Decisions>(() => ({ pending: [], later: [] }));

const timers = new Map<string, ReturnType<typeof setTimeout>>();

const change = (id: string, part: Partial<Pending>) =>
  useDecisions.setState(({ pending }) => ({
    pending: pending.map((each) => (each.id === id ? { ...each, ...part } : each)),
  }));

const drop = (id: string) =>
  useDecisions.setState(({ pending }) => ({ pending: pending.filter((each) => each.id !== id) }));

async function send(id: string): Promise<void> {
  timers.delete(id);
  const decision = useDecisions.getState().pending.find((each) => each.id === id);
  if (decision === undefined) return;
  change(id, { sending: true });
  const answer = await decision.send(decision.commandId);
  if (answer.ok) {
    show(answer.value);
    drop(id);
    return;
  }
  change(id, { sending: false, failure: answer.failure });
  announce(t.approvals.notTaken(decision.title, answer.failure.message));
}

/** Approves exactly this text, in five seconds from now. */
export function approve({ id, title, hash }: { id: string; title: string; hash: string }): void {
  decideSoon({
    id,
    key: `approval/${id}`,
    title,
    place: `/approvals/${id}`,
    send: (repeatable) => ask((client) => client.ticket.approve({ id, hash, commandId: repeatable })),
  });
}

/** Says yes in five seconds from now. */
export function decideSoon(soon: Soon): void {
  const { id, title } = soon;
  drop(id);
  const decision: Pending = {
    ...soon,
    commandId: commandId(),
    sendsAt: Date.now() + undoFor,
    sending: false,
    failure: null,
  };
  useDecisions.setState(({ pending }) => ({ pending: [...pending, decision] }));
  clearTimeout(timers.get(id));
  timers.set(
    id,
    setTimeout(() => void send(id), undoFor),
  );
  announce(t.approvals.approvedSay(title));
}

/** Takes back an approval that is not sent yet; the latest where none is named. */
export function undo(id?: string): Pending | null {
  const open = useDecisions.getState().pending.filter((each) => !each.sending && each.failure === null);
  const decision = id === undefined ? open.at(-1) : open.find((each) => each.id === id);
  if (decision === undefined) return null;
  clearTimeout(timers.get(decision.id));
  timers.delete(decision.id);
  drop(decision.id);
  announce(t.approvals.undone(decision.title));
  return decision;
}

/** Tries an approval again that the core could not be asked for. */
export function sendAgain(id: string): void {
  change(id, { failure: null });
  void send(id);
}

/** Puts away what the core did not take: the ticket waits again. */
export function dismiss(id: string): void {
  drop(id);
}

export function putOff(key: string): void {
  useDecisions.setState(({ later }) => ({ later: [...later.filter((each) => each !== key), key] }));
}
