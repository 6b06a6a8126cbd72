import { implement } from '@orpc/server';
import type { Actor } from '../../contract/events.ts';
import { fail, ok, type Result } from '../../contract/errors.ts';
import { brandOfTicket, type BrandId, type RunId, type TicketId } from '../../contract/ids.ts';
import { operatorApi } from '../../contract/operator-api.ts';
import type { RunView } from '../../contract/runs.ts';
import type { TicketSummary } from '../../contract/tickets.ts';
import type { Ticket } from '../../domain/ticket.ts';
import type { TicketCommand } from '../../domain/ticket-decider.ts';
import type { OpenBrand } from '../brand-register.ts';
import { runView } from '../feed.ts';
import type { Workspace } from '../open-workspace.ts';
import { toldFault } from '../told-fault.ts';

/** What a door says of itself with each call. */
export interface CallContext {
  door: 'cli' | 'browser' | 'window';
  /** `ATRIUM_NOW` of whoever asks: moves the calendar. */
  now?: string;
}

/** Who asks: the operator, by the door that the call came through. */
export function operator(context: CallContext): Actor {
  return { kind: 'operator', door: context.door };
}

/** The operator's contract, to be carried out: each call says its door, and a fault is told in one sentence. */
export type OperatorImplementation = ReturnType<typeof implementation>;

/** The operator's contract over a workspace, ready to be given its handlers. */
export function implementation(workspace: Workspace) {
  return implement(operatorApi)
    .$context<CallContext>()
    .use(async ({ context, next }) => {
      // A window stays open for days: only a command says what time it is for it.
      if (context.door === 'cli') workspace.calendar.moveTo(context.now ?? null);
      try {
        return await next();
      } catch (error) {
        throw toldFault(error);
      }
    });
}

/** What every handler finds its brand, ticket and run by; a failure says what there is instead. */
export type Scope = ReturnType<typeof createScope>;

/** The lookups over a workspace. */
export function createScope(workspace: Workspace) {
  const openOf = (id: BrandId): Result<OpenBrand> => {
    const found = workspace.brand(id);
    if (found) return ok(found);
    const closed = workspace.closed().find((one) => one.id === id);
    return closed
      ? fail('brand-closed', `brand ${id} is closed: ${closed.failure.message}`, closed.failure.hint)
      : fail('not-found', `there is no brand ${id}`, 'see "atrium brand list"');
  };
  const brandsOf = (id: BrandId | undefined): Result<OpenBrand[]> =>
    id === undefined ? ok(workspace.open()) : mapped(openOf(id), (open) => [open]);
  const ticketOf = (id: TicketId): Result<{ open: OpenBrand; ticket: Ticket }> => {
    const open = openOf(brandOfTicket(id));
    if (!open.ok) return open;
    const ticket = open.value.brand.tickets.get(id);
    return ticket
      ? ok({ open: open.value, ticket })
      : fail('not-found', `there is no ticket ${id}`, 'see "atrium ticket list"');
  };
  const command = (
    id: TicketId,
    make: (open: OpenBrand, ticket: Ticket) => Result<TicketCommand>,
    context: CallContext,
    commandId: string | undefined,
  ): Result<TicketSummary> => {
    const found = ticketOf(id);
    if (!found.ok) return found;
    const { open, ticket } = found.value;
    const made = make(open, ticket);
    if (!made.ok) return made;
    const done = open.brand.tickets.execute(id, made.value, operator(context), commandId);
    if (!done.ok) return done;
    open.dispatcher.wake();
    return ok(open.brand.tickets.summary(done.value));
  };
  const runOf = (id: RunId): Result<{ open: OpenBrand; view: RunView }> => {
    for (const open of workspace.open()) {
      const run = open.brand.runs.get(id);
      if (run) return ok({ open, view: runView(open.brand, run) });
    }
    return fail('not-found', `there is no run ${id}`, 'see "atrium run list"');
  };

  return { openOf, brandsOf, ticketOf, runOf, command };
}

/** The value of a result made into another; a failure stays what it is. */
export function mapped<A, B>(result: Result<A>, map: (value: A) => B): Result<B> {
  return result.ok ? ok(map(result.value)) : result;
}
