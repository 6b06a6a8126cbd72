import { existsSync, readdirSync } from 'node:fs';
import { basename } from 'node:path';
import type { Actor } from '../contract/events.ts';
import type { RunId } from '../contract/ids.ts';
import { openAttempt } from '../domain/ticket.ts';
import type { Brand } from './brand.ts';
import { settlePins } from './pins.ts';

const core: Actor = { kind: 'core', part: 'recovery' };

/**
 * Puts a brand right after the core ended in whatever way. Its runs died with it: they are recorded as interrupted, which
 * counts against no ticket. Candidates stay; the gate goes on with them.
 *
 * @param died whether the core ended without closing
 */
export async function recover(brand: Brand, died: boolean): Promise<void> {
  for (const { id } of brand.store.query<{ id: RunId }>(
    "SELECT id FROM projection_runs WHERE state = 'running'",
  )) {
    const reason = 'the core ended under it';
    brand.runs.record(id, [{ type: 'run.ended', data: { run: id, outcome: 'interrupted', reason } }], core);
  }
  interruptAttempts(brand, died);
  for (const name of readdirSync(brand.places.homes))
    if (name.startsWith('R-')) brand.sessions.leave(name as RunId);
  for (const repository of await brand.repositories()) {
    if (!repository.ok) continue;
    const { git } = repository.value;
    await git.recoverLanding();
    for (const checkout of await git.checkouts())
      if (basename(checkout.folder).startsWith('.') || !existsSync(checkout.folder))
        await git.removeCheckout(checkout.folder, { discard: true });
  }
  await settlePins(brand, true);
}

/** Ends the attempts and the planning runs that are gone or about to go. */
export function interruptAttempts(brand: Brand, died: boolean): void {
  for (const ticket of brand.tickets.inStates(['in_progress', 'verifying'])) {
    const { run } = ticket.plan;
    if (run !== null) {
      const reason = died ? 'the core died under it' : 'the core was stopped';
      brand.tickets.execute(
        ticket.id,
        { type: 'end-plan', run, reason, interrupted: true },
        core,
        `end-plan:${run}`,
      );
    }
    const attempt = openAttempt(ticket);
    if (attempt?.state !== 'running') continue;
    brand.tickets.execute(
      ticket.id,
      {
        type: 'end-attempt',
        attempt: attempt.id,
        outcome: 'interrupted',
        reason: died ? 'the core died under it' : 'the core was stopped',
        counts: false,
        death: died,
      },
      core,
      `interrupt:${attempt.id}`,
    );
  }
}
