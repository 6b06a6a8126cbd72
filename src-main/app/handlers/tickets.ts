import { randomUUID } from 'node:crypto';
import { fail, ok, type Result } from '../../contract/errors.ts';
import { isAvailable, type Ticket } from '../../domain/ticket.ts';
import type { Brand, BrandRepository } from '../brand.ts';
import type { OpenBrand } from '../brand-register.ts';
import type { Workspace } from '../open-workspace.ts';
import { pathsTest } from '../ticket-paths.ts';
import { mapped, operator, type OperatorImplementation, type Scope } from './scope.ts';

/** Tickets: from a draft to its end, and what there is to read about one. */
export function ticketHandlers(api: OperatorImplementation, workspace: Workspace, scope: Scope) {
  const { openOf, brandsOf, ticketOf, command } = scope;
  return {
    ticket: {
      draft: api.ticket.draft.handler(({ input, context }) => {
        const open = openOf(input.brand);
        if (!open.ok) return open;
        const { brand } = open.value;
        const content = brand.content(input.draft);
        if (!content.ok) return content;
        const made = brand.tickets.draft(
          content.value,
          operator(context),
          null,
          input.commandId ?? randomUUID(),
        );
        return made.ok ? ok(brand.tickets.detail(made.value)) : made;
      }),
      edit: api.ticket.edit.handler(({ input, context }) => {
        const found = ticketOf(input.id);
        if (!found.ok) return found;
        const { open } = found.value;
        const content = open.brand.content(input.draft);
        if (!content.ok) return content;
        const made = open.brand.tickets.edit(input.id, content.value, operator(context), input.commandId);
        open.dispatcher.wake();
        return made.ok ? ok(open.brand.tickets.detail(made.value)) : made;
      }),
      list: api.ticket.list.handler(({ input }) => {
        const brands = brandsOf(input.brand);
        if (!brands.ok) return brands;
        return ok(
          brands.value.flatMap(({ brand }) =>
            brand.tickets
              .all(input.state === undefined ? {} : { state: input.state })
              .filter((ticket) => !input.available || isAvailable(ticket, (id) => brand.tickets.get(id)))
              .map((ticket) => workspace.explained(brand, brand.tickets.summary(ticket))),
          ),
        );
      }),
      show: api.ticket.show.handler(({ input }) =>
        mapped(ticketOf(input.id), ({ open, ticket }) =>
          workspace.explained(open.brand, open.brand.tickets.detail(ticket)),
        ),
      ),
      approve: api.ticket.approve.handler(({ input, context }) =>
        command(
          input.id,
          (open, ticket) => mapped(approvable(open, ticket), () => ({ type: 'approve', hash: input.hash })),
          context,
          input.commandId,
        ),
      ),
      return: api.ticket.return.handler(({ input, context }) =>
        command(input.id, () => ok({ type: 'return', note: input.note }), context, input.commandId),
      ),
      block: api.ticket.block.handler(async ({ input, context }) => {
        const blocked = command(
          input.id,
          () => ok({ type: 'block', reason: 'operator', detail: input.reason, successor: null }),
          context,
          input.commandId,
        );
        if (blocked.ok) await workspace.stopRunsOf(input.id, `its ticket was blocked: ${input.reason}`);
        return blocked;
      }),
      succeed: api.ticket.succeed.handler(({ input, context }) => {
        const found = ticketOf(input.id);
        if (!found.ok) return found;
        const { open, ticket } = found.value;
        if (ticket.state !== 'blocked')
          return fail(
            'refused-transition',
            `${input.id} is ${ticket.state}: only a blocked ticket has a successor`,
            'edit it instead',
          );
        const content = open.brand.content(ticket.draft);
        if (!content.ok) return content;
        const made = open.brand.tickets.edit(input.id, content.value, operator(context), input.commandId);
        return made.ok ? ok(open.brand.tickets.detail(made.value)) : made;
      }),
      comment: api.ticket.comment.handler(({ input, context }) =>
        command(input.id, () => ok({ type: 'comment', text: input.text }), context, input.commandId),
      ),
      acknowledge: api.ticket.acknowledge.handler(({ input, context }) =>
        command(input.id, () => ok({ type: 'acknowledge' }), context, input.commandId),
      ),
      // Who carries it out is part of what was approved: like an edit, it gives a ready ticket a successor.
      reassign: api.ticket.reassign.handler(({ input, context }) => {
        const found = ticketOf(input.id);
        if (!found.ok) return found;
        const { open, ticket } = found.value;
        const content = open.brand.content({ ...ticket.draft, runtime: input.runtime });
        if (!content.ok) return content;
        const made = open.brand.tickets.edit(input.id, content.value, operator(context), input.commandId);
        open.dispatcher.wake();
        return mapped(made, (next) => open.brand.tickets.summary(next));
      }),
      diff: api.ticket.diff.handler(async ({ input }) => {
        const found = ticketOf(input.id);
        if (!found.ok) return found;
        const { open, ticket } = found.value;
        const repository = open.brand.repository(ticket.repository);
        if (!repository.ok) return repository;
        const range = diffRange(open.brand, ticket) ?? (await proposedRange(repository.value.git, ticket));
        return ok(
          range ? await repository.value.git.diffText(range.from, range.to) : { text: '', truncated: false },
        );
      }),
      reach: api.ticket.reach.handler(async ({ input }) => {
        const found = ticketOf(input.id);
        if (!found.ok) return found;
        const { open, ticket } = found.value;
        const repository = open.brand.repository(ticket.repository);
        if (!repository.ok) return repository;
        const files = await repository.value.git.listFiles(await repository.value.git.head());
        const globs = ticket.draft.paths.length > 0 ? ticket.draft.paths : ['**'];
        return ok(
          globs.map((glob) => ({ glob, files: files.filter((file) => pathsTest([glob])(file.path)).length })),
        );
      }),
    },
  };
}

/**
 * Whether a draft can be approved as it stands: there must be something to do and something that verifies it, and it must still say what will happen. Where the
 * contracts or the repository's configuration changed since it was drafted, it is brought up to date and has to be read again.
 */
function approvable(open: OpenBrand, ticket: Ticket): Result<void> {
  if (ticket.state !== 'draft' || ticket.housekeeping) return ok(undefined);
  const content = open.brand.content(ticket.draft);
  if (!content.ok) return content;
  if (content.value.hash !== ticket.hash) {
    open.brand.tickets.edit(ticket.id, content.value, { kind: 'core', part: 'approvals' });
    return fail(
      'hash-mismatch',
      `the contracts or the repository of ${ticket.id} changed since it was drafted`,
      `read it again with "atrium ticket show ${ticket.id}" and approve the hash it shows`,
    );
  }
  if (ticket.runtime === 'command' && ticket.draft.command === undefined && ticket.draft.commit === undefined)
    return fail(
      'invalid-input',
      `${ticket.id} is for the runtime "command" and needs a command before it can be approved`,
      'edit it and give "command", or another runtime',
    );
  return ticket.checks.test === 'none' && ticket.draft.acceptance.length === 0
    ? fail(
        'invalid-input',
        `${ticket.id} has no acceptance command and ${ticket.repository} declares no test: nothing could verify it`,
        'edit it and give "acceptance"',
      )
    : ok(undefined);
}

/** What a ticket's difference shows: the merge where there was one, else its last candidate against its base. */
function diffRange(brand: Brand, ticket: Ticket): { from: string; to: string } | null {
  const gate = ticket.gates.at(-1)?.report;
  if (gate?.tree) return { from: gate.onto, to: gate.tree };
  const base = brand.tickets.detail(ticket).base;
  const commit =
    ticket.candidate?.commit ?? ticket.attempts.findLast((attempt) => attempt.commit !== null)?.commit;
  return base && commit ? { from: base, to: commit } : null;
}

/** What the commit of a desk changes, before anything was made of it. */
async function proposedRange(
  git: BrandRepository['git'],
  ticket: Ticket,
): Promise<{ from: string; to: string } | null> {
  const { commit } = ticket.draft;
  if (commit === undefined) return null;
  const from = await git.mergeBase(await git.head(), commit);
  return from === null ? null : { from, to: commit };
}
