import { existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Actor } from '../contract/events.ts';
import { TicketId } from '../contract/ids.ts';
import { openAttempt, type Ticket } from '../domain/ticket.ts';
import type { Brand } from './brand.ts';
import { deskFolder } from './places.ts';

const core: Actor = { kind: 'core', part: 'maintenance' };
const HOUR = 3_600_000;
/** How old a checkout may get, in milliseconds, by what became of its ticket. */
export const KEEP = { merged: 24 * HOUR, blocked: 72 * HOUR, orphan: 24 * HOUR, dependencies: 7 * 24 * HOUR };

/** Checkouts of a brand that are older than they may get, with why. */
export async function overdueCheckouts(
  brand: Brand,
  now: Date,
): Promise<{ folder: string; repository: string; reason: string }[]> {
  const overdue: { folder: string; repository: string; reason: string }[] = [];
  for (const repository of await brand.repositories()) {
    if (!repository.ok) continue;
    const desk = deskFolder(brand.places, repository.value.config.name);
    for (const { folder } of await repository.value.git.checkouts()) {
      if (folder === desk) continue;
      const ticket = ticketOf(brand, folder);
      if (
        ticket &&
        (openAttempt(ticket) || ['draft', 'ready', 'in_progress', 'verifying'].includes(ticket.state))
      )
        continue;
      const [limit, reason] =
        ticket?.state === 'merged'
          ? [KEEP.merged, 'its ticket was merged a day ago']
          : ticket?.state === 'blocked'
            ? [KEEP.blocked, 'its ticket was blocked three days ago']
            : [KEEP.orphan, 'it belongs to no ticket'];
      const since = ticket?.endedAt ? Date.parse(ticket.endedAt) : madeAt(folder);
      if (now.getTime() - since < limit) continue;
      overdue.push({ folder, repository: repository.value.config.name, reason });
    }
  }
  return overdue;
}

/** Folders among a brand's checkouts that no repository of it remembers, older than an orphan may get. What was set aside is known. */
export async function unknownCheckouts(brand: Brand, now: Date): Promise<string[]> {
  const known = new Set<string>();
  for (const repository of await brand.repositories())
    if (repository.ok) for (const { folder } of await repository.value.git.checkouts()) known.add(folder);
  return readdirSync(brand.places.checkouts)
    .filter((name) => !name.startsWith('.kept-'))
    .map((name) => join(brand.places.checkouts, name))
    .filter((folder) => !known.has(folder) && now.getTime() - madeAt(folder) >= KEEP.orphan);
}

/**
 * When a folder was made, in milliseconds since the epoch; where the file system does not keep that, when it last changed. 0 where
 * it is gone.
 */
function madeAt(folder: string): number {
  const found = statSync(folder, { throwIfNoEntry: false });
  return found === undefined ? 0 : found.birthtimeMs || found.ctimeMs;
}

/** Forgets dependencies that no room has used for a week: setup makes them again. */
function sweepSetup(folder: string, now: Date): void {
  for (const name of existsSync(folder) ? readdirSync(folder) : []) {
    const used = statSync(join(folder, name, 'ready.json'), { throwIfNoEntry: false })?.mtimeMs;
    if (used !== undefined && now.getTime() - used > KEEP.dependencies)
      rmSync(join(folder, name), { recursive: true, force: true });
  }
}

/** Removes what is overdue; what was not collected is kept as a ref. Gives back how many went. */
export async function cleanUp(brand: Brand, now: Date): Promise<number> {
  if (brand.runs.live().length === 0) sweepSetup(brand.places.setupCache, now);
  const overdue = await overdueCheckouts(brand, now);
  let removed = 0;
  for (const one of overdue) if (await removeCheckout(brand, one)) removed += 1;
  return removed;
}

/** False where it must not go, or its repository cannot be had. */
async function removeCheckout(
  brand: Brand,
  { folder, repository, reason }: { folder: string; repository: string; reason: string },
): Promise<boolean> {
  const found = brand.repository(repository);
  if (!found.ok) return false;
  const working = () => {
    const ticket = ticketOf(brand, folder);
    if (!folder.startsWith(`${brand.places.checkouts}/`)) return 'it is no checkout of this brand';
    return ticket && openAttempt(ticket) ? `${ticket.id} is being worked on` : null;
  };
  const guarded = await brand.guard.act({
    guard: 'worktree-cleanup',
    act: 'remove-checkout',
    ticket: ticketOf(brand, folder)?.id ?? null,
    text: `${folder}: ${reason}`,
    before: working,
    execute: () => brand.rooms.remove(found.value.git, folder),
    after: () => (existsSync(folder) ? 'the folder is still there' : null),
  });
  if (!guarded.done) return false;
  const kept = guarded.value;
  brand.record(
    'checkouts',
    [{ type: 'checkout.removed', data: { folder, reason, saved: kept.saved ?? kept.aside } }],
    core,
  );
  for (const attempt of ticketOf(brand, folder)?.attempts ?? []) await found.value.git.unpinBase(attempt.id);
  return true;
}

/**
 * Makes room for one more checkout where there are as many as the workspace may have: what is overdue goes, and then, of those
 * whose ticket has ended, the one that is oldest. False where all of them are in use.
 *
 * @param most how many there may be in all brands together
 */
export async function makeRoomForCheckout(
  brands: readonly Brand[],
  most: number,
  now: Date,
): Promise<boolean> {
  const full = async () => (await ticketCheckouts(brands)).length >= most;
  if (!(await full())) return true;
  for (const brand of brands) await cleanUp(brand, now);
  while (await full()) {
    const ended = (await ticketCheckouts(brands)).filter(({ endedAt }) => endedAt !== null);
    const [oldest] = ended.sort((a, b) => (a.endedAt ?? '').localeCompare(b.endedAt ?? ''));
    if (!oldest) return false;
    const reason = 'another ticket needed its place';
    if (!(await removeCheckout(oldest.brand, { ...oldest, reason }))) return false;
  }
  return true;
}

async function ticketCheckouts(
  brands: readonly Brand[],
): Promise<{ brand: Brand; folder: string; repository: string; endedAt: string | null }[]> {
  const found: { brand: Brand; folder: string; repository: string; endedAt: string | null }[] = [];
  for (const brand of brands)
    for (const repository of await brand.repositories()) {
      if (!repository.ok) continue;
      for (const { folder } of await repository.value.git.checkouts()) {
        const ticket = ticketOf(brand, folder);
        if (!ticket) continue;
        const endedAt = ['merged', 'blocked'].includes(ticket.state) ? ticket.endedAt : null;
        found.push({ brand, folder, repository: repository.value.config.name, endedAt });
      }
    }
  return found;
}

function ticketOf(brand: Brand, folder: string): Ticket | null {
  const id = TicketId.safeParse(basename(folder));
  return id.success ? brand.tickets.get(id.data) : null;
}
