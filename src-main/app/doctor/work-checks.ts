import type { TicketId } from '../../contract/ids.ts';
import { plural } from '../../domain/plural.ts';
import { openAttempt } from '../../domain/ticket.ts';
import type { Runtime } from '../../services/runtimes/index.ts';
import type { Sandbox } from '../../services/sandbox/index.ts';
import { fails, holds, type Checks, type Patient } from './check.ts';

const DAY_MS = 24 * 3_600_000;

/** What is at work, and what waits for a person (16 to 18). */
export function workChecks(parts: { sandbox: Sandbox; runtimes: readonly Runtime[]; now(): Date }): Checks {
  return {
    workspace: [],
    brand: [
      {
        number: 16,
        mark: () => null,
        prove: ({ brand }) => {
          const live = new Set<string>(brand.runs.live());
          const lost = running(brand).find((id) => !live.has(id));
          if (lost !== undefined) return fails(`run ${lost} is recorded as running and is not alive`);
          const silent = brand.runs.silent();
          if (silent[0] !== undefined)
            return fails(`run ${silent[0]} has not shown a sign of life for a minute`);
          const [stray] = parts.sandbox.strays(brand.identity);
          return stray === undefined
            ? holds(`${plural(live.size, 'run')} alive, no process without a run`)
            : fails(`process ${stray.pid} (${stray.command}) belongs to no run`);
        },
      },
      {
        number: 17,
        mark: () => null,
        prove: async ({ brand }) => {
          const used = new Set(
            brand.tickets
              .inStates(['in_progress', 'verifying'])
              .flatMap((ticket) => openAttempt(ticket)?.runtime ?? []),
          );
          const found: string[] = [];
          for (const runtime of parts.runtimes.filter(({ name }) => used.has(name))) {
            const probe = await runtime.probe();
            if (!probe.present) return fails(`${runtime.title} is in use and was not found: ${probe.detail}`);
            found.push(`${runtime.title} ${probe.version}`.trim());
          }
          return holds(found.length === 0 ? 'no runtime is in use now' : `${found.join(', ')} probed`);
        },
      },
      {
        number: 18,
        mark: () => null,
        prove: ({ brand }) => {
          const old = deadLetters(brand).find(({ at }) => parts.now().getTime() - Date.parse(at) > DAY_MS);
          return old === undefined
            ? holds('no dead letter is a day old that nobody has looked at')
            : fails(
                `${old.id} is a dead letter that nobody has looked at for a day: draft its successor, or acknowledge it`,
              );
        },
      },
    ],
  };
}

function running(brand: Patient['brand']): string[] {
  return brand.store
    .query<{ id: string }>("SELECT id FROM projection_runs WHERE state = 'running'")
    .map(({ id }) => id);
}

/** Dead letters that nobody has acknowledged, nor drafted a successor of. */
function deadLetters(brand: Patient['brand']): { id: TicketId; at: string }[] {
  return brand.store
    .query<{ id: TicketId }>(
      `SELECT id FROM projection_tickets WHERE state = 'blocked' AND json_extract(record, '$.blocked.reason') = 'dead-letter'`,
    )
    .flatMap(({ id }) => {
      const ticket = brand.tickets.get(id);
      const at = ticket?.endedAt ?? ticket?.updatedAt;
      if (!ticket || at === undefined || ticket.successor !== null) return [];
      return ticket.acknowledged ? [] : [{ id, at }];
    });
}
