import { fail, ok } from '../../contract/errors.ts';
import { runView } from '../feed.ts';
import type { Workspace } from '../open-workspace.ts';
import { mapped, operator, type OperatorImplementation, type Scope } from './scope.ts';

/** Runs, and the terminals and desks that a person works at. */
export function runHandlers(api: OperatorImplementation, workspace: Workspace, scope: Scope) {
  const { openOf, runOf } = scope;
  return {
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
  };
}
