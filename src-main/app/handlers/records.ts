import { ok } from '../../contract/errors.ts';
import type { CostReport } from '../../contract/cost.ts';
import type { TicketId } from '../../contract/ids.ts';
import type { OpenBrand } from '../brand-register.ts';
import { importTickets } from '../exports.ts';
import type { Workspace } from '../open-workspace.ts';
import { asRecorded } from '../projections.ts';
import { mapped, operator, type OperatorImplementation, type Scope } from './scope.ts';

/** What is on record: activity, the raw log, what models cost, and the exports. */
export function recordHandlers(api: OperatorImplementation, workspace: Workspace, scope: Scope) {
  const { openOf, brandsOf } = scope;
  return {
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
      const brands = brandsOf(input.brand);
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
    cost: api.cost.handler(({ input }) => ok(costs(workspace.open(), input.by))),
  };
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
