import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import { TicketId, type CommitId } from '../contract/ids.ts';
import type { Ticket } from '../domain/ticket.ts';
import type { Brand } from './brand.ts';
import { checkoutFolder } from './places.ts';

/**
 * Sees to it that what a checkout began on stays pinned as long as the checkout is there, and no longer.
 *
 * @param atRest whether nothing is being started: a pin without an attempt is then one that a dead core left
 * @returns how many were pinned again, and how many taken away
 */
export async function settlePins(brand: Brand, atRest: boolean): Promise<{ again: number; away: number }> {
  const counted = { again: 0, away: 0 };
  for (const repository of await brand.repositories()) {
    if (!repository.ok) continue;
    const { git } = repository.value;
    const there = new Set((await git.checkouts()).map(({ folder }) => folder).filter(existsSync));
    const pins = new Map((await git.pins()).map(({ attempt, commit }) => [attempt, commit]));
    for (const [attempt, base] of wantedPins(brand, there))
      if (pins.get(attempt) !== base) {
        await git.pinBase(attempt, base);
        counted.again += 1;
      }
    for (const pin of pins.keys())
      if (isOver(brand, pin, there, atRest)) {
        await git.unpinBase(pin);
        counted.away += 1;
      }
  }
  return counted;
}

/** The last attempt of each ticket whose checkout is there, with the commit that it began on; what is merged needs no base any more. */
function wantedPins(brand: Brand, there: ReadonlySet<string>): [string, CommitId][] {
  return [...there].flatMap((folder) => {
    const ticket = ticketOf(brand, basename(folder));
    const attempt = ticket?.state === 'merged' ? undefined : ticket?.attempts.at(-1);
    return attempt ? [[attempt.id, attempt.base] as [string, CommitId]] : [];
  });
}

/** Whether a pin is one of an attempt that has ended and has no checkout. One that is about to start has no attempt yet. */
function isOver(brand: Brand, pin: string, there: ReadonlySet<string>, atRest: boolean): boolean {
  const ticket = ticketOf(brand, pin.slice(0, pin.lastIndexOf('.')));
  if (!ticket) return false;
  const attempt = ticket.attempts.find(({ id }) => id === pin);
  if (!attempt) return atRest;
  if (attempt.endedAt === null) return false;
  const isLast = ticket.attempts.at(-1)?.id === pin;
  return ticket.state === 'merged' || !isLast || !there.has(checkoutFolder(brand.places, ticket.id));
}

function ticketOf(brand: Brand, id: string): Ticket | null {
  const read = TicketId.safeParse(id);
  return read.success ? brand.tickets.get(read.data) : null;
}
