import type { AnyRouter } from '@orpc/server';
import { fail, ok } from '../../contract/errors.ts';
import { urgentFirst } from '../../domain/urgency.ts';
import type { Workspace } from '../open-workspace.ts';
import { waitingIn } from '../waiting.ts';
import { decisionHandlers } from './decisions.ts';
import { guardHandlers } from './guard.ts';
import { recordHandlers } from './records.ts';
import { runHandlers } from './runs.ts';
import { createScope, implementation, mapped, operator } from './scope.ts';
import { ticketHandlers } from './tickets.ts';
import { wikiHandlers } from './wiki.ts';

export type { CallContext } from './scope.ts';

/** The operator's contract, carried out. It delegates: what a command means is decided in `domain`. */
export function createHandlers(workspace: Workspace): AnyRouter {
  const api = implementation(workspace);
  const scope = createScope(workspace);
  const { openOf, brandsOf } = scope;

  return {
    ...ticketHandlers(api, workspace, scope),
    ...decisionHandlers(api, scope),
    ...runHandlers(api, workspace, scope),
    ...guardHandlers(api, workspace, scope),
    ...wikiHandlers(api, workspace, scope),
    ...recordHandlers(api, workspace, scope),

    status: api.status.handler(async () =>
      ok({ ...workspace.status(), runtimes: await workspace.runtimes() }),
    ),
    snapshot: api.snapshot.handler(async () => ok(await workspace.snapshot())),
    feed: api.feed.handler(({ signal }) =>
      workspace.feed.follow(signal, async () => ({ kind: 'snapshot', snapshot: await workspace.snapshot() })),
    ),
    waiting: api.waiting.handler(({ input }) => {
      const brands = brandsOf(input.brand);
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

    doctor: api.doctor.handler(async ({ input }) => {
      if (input.brand === undefined) return ok(await workspace.doctor.examine());
      const open = openOf(input.brand);
      return open.ok ? ok(await workspace.doctor.examine(input.brand)) : open;
    }),
  };
}
