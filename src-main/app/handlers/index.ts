import { randomUUID } from 'node:crypto';
import { implement, type AnyRouter } from '@orpc/server';
import type { Actor } from '../contract/events.ts';
import { fail, ok, type Result } from '../contract/errors.ts';
import { brandOfTicket, type BrandId, type RunId, type TicketId } from '../contract/ids.ts';
import type { CostReport } from '../contract/cost.ts';
import type { RunView } from '../contract/runs.ts';
import type { SearchHit } from '../contract/wiki.ts';
import { operatorApi } from '../contract/operator-api.ts';
import type { BrandLayers, GuardProof } from '../contract/layers.ts';
import type { TicketSummary } from '../contract/tickets.ts';
import type { TicketCommand } from '../domain/ticket-decider.ts';
import { isAvailable, type Ticket } from '../domain/ticket.ts';
import { urgentFirst } from '../domain/urgency.ts';
import type { Brand, BrandRepository } from './brand.ts';
import { pathsTest } from './ticket-paths.ts';
import { asRecorded } from './projections.ts';
import { importTickets } from './exports.ts';
import { runView } from './feed.ts';
import { decisionHandlers } from './decision-handlers.ts';
import { checkHook, checkQuestion } from './guard-check.ts';
import { answerAsk, asksOf, decisionsOf } from './guard-questions.ts';
import { noPage } from './knowledge.ts';
import { toldFault } from './told-fault.ts';
import { waitingIn } from './waiting.ts';
import type { OpenBrand } from './brand-register.ts';
import type { Workspace } from './open-workspace.ts';

/** What a door says of itself with each call. */
export interface CallContext {
  door: 'cli' | 'browser' | 'window';
  /** `ATRIUM_NOW` of whoever asks: moves the calendar. */
  now?: string;
}

/** Who asks: the operator, by the door that the call came through. */
function operator(context: CallContext): Actor {
  return { kind: 'operator', door: context.door };
}

/** The operator's contract, to be carried out: each call says its door, and a fault is told in one sentence. */
export type OperatorImplementation = ReturnType<typeof implementation>;

function implementation(workspace: Workspace) {
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

/** The operator's contract, carried out. It delegates: what a command means is decided in `domain`. */
export function createHandlers(workspace: Workspace): AnyRouter {
  const api = implementation(workspace);
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

  const ofLayers = async (
    id: BrandId | undefined,
    look: (brand: Brand) => BrandLayers | Promise<BrandLayers>,
  ): Promise<Result<GuardProof>> => {
    const chosen = id === undefined ? ok(workspace.open()) : mapped(openOf(id), (open) => [open]);
    if (!chosen.ok) return chosen;
    const brands: BrandLayers[] = [];
    for (const { brand } of chosen.value) brands.push(await look(brand));
    const canaries = brands.flatMap(({ layers }) => layers.flatMap((proof) => proof.canaries));
    return ok({ brands, breaches: canaries.filter(({ denied }) => !denied).length });
  };

  return {
    status: api.status.handler(async () =>
      ok({ ...workspace.status(), runtimes: await workspace.runtimes() }),
    ),
    snapshot: api.snapshot.handler(async () => ok(await workspace.snapshot())),
    feed: api.feed.handler(({ signal }) =>
      workspace.feed.follow(signal, async () => ({ kind: 'snapshot', snapshot: await workspace.snapshot() })),
    ),
    waiting: api.waiting.handler(({ input }) => {
      const brands =
        input.brand === undefined ? ok(workspace.open()) : mapped(openOf(input.brand), (open) => [open]);
      return mapped(brands, (list) => urgentFirst(list.flatMap(({ brand }) => waitingIn(brand))));
    }),
    stopCore: api.stopCore.handler(() =>
      fail('not-built', 'only the process that owns the workspace can stop it', 'use "atrium core stop"'),
    ),

    brand: {
      add: api.brand.add.handler(({ input, context }) => workspace.addBrand(input, operator(context))),
      guess: api.brand.guess.handler(({ input }) => workspace.guess(input.path)),
      list: api.brand.list.handler(() => ok(workspace.brandViews())),
      accept: api.brand.accept.handler(async ({ input, context }) => {
        const open = openOf(input.id);
        if (!open.ok) return open;
        const { branches } = open.value;
        const accepted = await branches.accept(input.repository, input.commit, operator(context));
        return mapped(accepted, ({ name, commit }) => ({ repository: name, commit }));
      }),
      show: api.brand.show.handler(({ input }) => {
        const view = workspace.brandViews().find((brand) => brand.id === input.id);
        return view
          ? ok(view)
          : fail('not-found', `there is no brand ${input.id}`, 'see "atrium brand list"');
      }),
    },

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
        const brands =
          input.brand === undefined ? ok(workspace.open()) : mapped(openOf(input.brand), (open) => [open]);
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

    ...decisionHandlers(api, {
      openOf,
      open: () => workspace.open(),
      ticketOf,
      command: (id, made, context, commandId) => command(id, () => ok(made), context, commandId),
    }),

    run: {
      list: api.run.list.handler(({ input }) =>
        ok(
          workspace
            .open()
            .filter(({ brand }) => input.brand === undefined || brand.id === input.brand)
            .flatMap(({ brand }) => brand.runs.list(input.ticket).map((run) => runView(brand, run))),
        ),
      ),
      show: api.run.show.handler(({ input }) => mapped(runOf(input.id), ({ view }) => view)),
      stop: api.run.stop.handler(async ({ input, context }) => {
        const found = runOf(input.id);
        if (!found.ok) return found;
        const stopped = await found.value.open.brand.runs.stop(
          input.id,
          `stopped by the operator (${context.door})`,
        );
        if (!stopped)
          return fail('refused-transition', `run ${input.id} is not running`, 'see "atrium run list"');
        return mapped(runOf(input.id), ({ view }) => view);
      }),
      output: api.run.output.handler(async function* ({ input, signal }) {
        const found = runOf(input.id);
        if (found.ok) yield* found.value.open.brand.transcripts.follow(input.id, input.after, signal);
      }),
    },

    terminal: {
      list: api.terminal.list.handler(({ input }) =>
        ok(
          workspace
            .open()
            .filter(({ brand }) => input.brand === undefined || brand.id === input.brand)
            .flatMap(({ terminals }) => terminals.list()),
        ),
      ),
      open: api.terminal.open.handler(async ({ input }) => {
        const open = openOf(input.brand);
        if (!open.ok) return open;
        const { repository, columns, rows } = input;
        return open.value.terminals.open(repository, { columns, rows });
      }),
      close: api.terminal.close.handler(async ({ input, context }) => {
        const found = runOf(input.id);
        if (!found.ok) return found;
        return found.value.open.terminals.close(input.id, `closed by the operator (${context.door})`);
      }),
    },
    desk: {
      show: api.desk.show.handler(async ({ input }) => {
        const open = openOf(input.brand);
        return open.ok ? ok(await open.value.desk.show()) : open;
      }),
      propose: api.desk.propose.handler(async ({ input, context }) => {
        const { brand, commandId, ...proposal } = input;
        const open = openOf(brand);
        if (!open.ok) return open;
        const drafted = await open.value.desk.propose(proposal, operator(context), commandId);
        return mapped(drafted, (ticket) => open.value.brand.tickets.detail(ticket));
      }),
    },

    start: api.start.handler(({ input, signal }) =>
      workspace.start.run(
        {
          dryRun: input.dryRun,
          detach: input.detach,
          ...(input.phase === undefined ? {} : { phase: input.phase }),
        },
        signal,
      ),
    ),

    guard: {
      check: api.guard.check.handler(({ input }) =>
        ok(checkQuestion(input.question, workspace.places, (id) => workspace.brand(id as BrandId)?.brand)),
      ),
      prove: api.guard.prove.handler(({ input }) =>
        ofLayers(input.brand, (brand) => workspace.layers.prove(brand)),
      ),
      layers: api.guard.layers.handler(({ input }) =>
        ofLayers(input.brand, (brand) => workspace.layers.last(brand)),
      ),
      hook: api.guard.hook.handler(({ input }) =>
        ok(checkHook(input, workspace.places, (id) => workspace.brand(id as BrandId)?.brand)),
      ),
      asks: api.guard.asks.handler(({ input }) =>
        mapped(brandsOf(input.brand), (list) => asksOf(list, input.all)),
      ),
      answer: api.guard.answer.handler(({ input, context }) =>
        answerAsk(workspace.open(), input, operator(context)),
      ),
      log: api.guard.log.handler(({ input }) =>
        mapped(brandsOf(input.brand), (list) => decisionsOf(list, input)),
      ),
    },
    doctor: api.doctor.handler(async ({ input }) => {
      if (input.brand === undefined) return ok(await workspace.doctor.examine());
      const open = openOf(input.brand);
      return open.ok ? ok(await workspace.doctor.examine(input.brand)) : open;
    }),
    cost: api.cost.handler(({ input }) => ok(costs(workspace.open(), input.by))),

    wiki: {
      search: api.wiki.search.handler(async ({ input }) => {
        await workspace.exits.ready();
        const brands =
          input.brand === undefined ? ok(workspace.open()) : mapped(openOf(input.brand), (open) => [open]);
        return mapped(brands, (list) =>
          onceEach(list.flatMap(({ knowledge }) => knowledge.search(input.query, input.limit))).slice(
            0,
            input.limit,
          ),
        );
      }),
      list: api.wiki.list.handler(({ input }) => {
        const brands =
          input.brand === undefined ? ok(workspace.open()) : mapped(openOf(input.brand), (open) => [open]);
        return mapped(brands, (list) => [
          ...new Map(
            list
              .flatMap(({ knowledge }) => knowledge.index.pages())
              .map((page) => [page.path, { page: page.path, title: page.title, brand: page.brand }]),
          ).values(),
        ]);
      }),
      show: api.wiki.show.handler(async ({ input }) => {
        for (const { knowledge } of workspace.open()) {
          const shown = await knowledge.show(input.page);
          if (shown.ok) return shown;
        }
        return noPage(input.page);
      }),
    },

    activity: api.activity.handler(({ input }) =>
      mapped(openOf(input.brand), ({ brand }) =>
        brand.store.query<{
          at: string;
          position: number;
          type: string;
          text: string;
          ticket: TicketId | null;
        }>(
          `SELECT at, position, type, text, ticket FROM projection_activity
           WHERE position < ? AND (? IS NULL OR ticket = ?) ORDER BY position DESC LIMIT ?`,
          input.before ?? Number.MAX_SAFE_INTEGER,
          input.ticket ?? null,
          input.ticket ?? null,
          input.limit,
        ),
      ),
    ),
    events: api.events.handler(({ input }) =>
      mapped(openOf(input.brand), ({ brand }) =>
        brand.store.readAll(input.after, input.limit).map(asRecorded),
      ),
    ),

    export: api.export.handler(async ({ input }) => {
      const brands =
        input.brand === undefined ? ok(workspace.open()) : mapped(openOf(input.brand), (open) => [open]);
      if (!brands.ok) return brands;
      const written = brands.value.map(({ brand, exporter }) => ({
        brand: brand.id,
        file: brand.places.tickets,
        position: exporter.write().position,
        tickets: brand.tickets.all().length,
      }));
      await workspace.keepHistory();
      return ok(written);
    }),
    import: api.import.handler(({ input, context }) => {
      const open = openOf(input.brand);
      if (!open.ok) return open;
      const { brand, dispatcher } = open.value;
      const taken = importTickets(brand, input.file, operator(context), workspace.calendar.iso());
      dispatcher.wake();
      return mapped(taken, (tickets) => ({ brand: brand.id, tickets }));
    }),
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

function mapped<A, B>(result: Result<A>, map: (value: A) => B): Result<B> {
  return result.ok ? ok(map(result.value)) : result;
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

function onceEach(hits: readonly SearchHit[]): SearchHit[] {
  return [...new Map(hits.map((hit) => [hit.page, hit])).values()];
}

const KEYS = {
  day: 'day',
  model: 'model',
} as const;

function costs(open: readonly OpenBrand[], by: 'day' | 'model' | 'brand'): CostReport {
  const rows = new Map<string, CostReport['rows'][number]>();
  for (const { brand } of open) {
    const grouped = brand.store.query<{
      key: string;
      inputTokens: number;
      outputTokens: number;
      costUsd: number;
    }>(
      `SELECT ${by === 'brand' ? `'${brand.id}'` : KEYS[by]} AS key, SUM(input) AS inputTokens, SUM(output) AS outputTokens,
         SUM(cost) AS costUsd FROM projection_runs_usage GROUP BY key HAVING COUNT(*) > 0 ORDER BY key`,
    );
    for (const row of grouped) {
      const before = rows.get(row.key) ?? { key: row.key, inputTokens: 0, outputTokens: 0, costUsd: 0 };
      rows.set(row.key, {
        key: row.key,
        inputTokens: before.inputTokens + row.inputTokens,
        outputTokens: before.outputTokens + row.outputTokens,
        costUsd: before.costUsd + row.costUsd,
      });
    }
  }
  const all = [...rows.values()];
  return { currency: 'USD', total: all.reduce((sum, row) => sum + row.costUsd, 0), rows: all };
}
