import type { TicketId } from '../contract/ids.ts';
import type { TicketState } from '../contract/tickets.ts';

/** What scheduling needs to know of a ticket. */
export interface Schedulable {
  id: TicketId;
  state: TicketState;
  priority: number;
  createdAt: string;
  repository: string;
  paths: readonly string[];
  dependsOn: readonly TicketId[];
  /** It has a checkout in use: an attempt runs or its candidate is at the gate. */
  busy: boolean;
}

/** Why a ticket waits that nothing but the number of runs holds back. */
export const WAITS_FOR_SLOT = 'waits for a free slot';

export interface Schedule {
  start: TicketId[];
  block: { id: TicketId; dependency: TicketId }[];
  wait: { id: TicketId; reason: string }[];
}

/**
 * Which approved tickets start now: dependencies merged, no file shared with a busy ticket of the same repository, at most
 * `slots` more. High priority first, then the older one. A ticket whose dependency is blocked is blocked by itself.
 */
export function schedule(tickets: readonly Schedulable[], slots: number): Schedule {
  const byId = new Map(tickets.map((ticket) => [ticket.id, ticket]));
  const outcome: Schedule = { start: [], block: [], wait: [] };
  const busy = tickets.filter((ticket) => ticket.busy);
  const candidates = tickets
    .filter((ticket) => !ticket.busy && ['ready', 'in_progress', 'verifying'].includes(ticket.state))
    .sort(
      (a, b) =>
        a.priority - b.priority ||
        a.createdAt.localeCompare(b.createdAt) ||
        a.id.localeCompare(b.id, 'en', { numeric: true }),
    );
  for (const ticket of candidates) {
    const dead = ticket.dependsOn.find((id) => byId.get(id)?.state === 'blocked');
    if (dead) {
      outcome.block.push({ id: ticket.id, dependency: dead });
      continue;
    }
    const open = ticket.dependsOn.find((id) => byId.get(id)?.state !== 'merged');
    const rival = busy.find(
      (other) => other.repository === ticket.repository && overlap(other.paths, ticket.paths),
    );
    if (open) outcome.wait.push({ id: ticket.id, reason: `waits for ${open}` });
    else if (rival)
      outcome.wait.push({ id: ticket.id, reason: `waits for ${rival.id}, which works on the same files` });
    else if (outcome.start.length >= slots) outcome.wait.push({ id: ticket.id, reason: WAITS_FOR_SLOT });
    else {
      outcome.start.push(ticket.id);
      busy.push(ticket);
    }
  }
  return outcome;
}

/**
 * Whether two lists of globs can name one file. No glob at all is the whole repository. Undecided cases count as overlap:
 * two tickets wait for each other rather than collide.
 */
export function overlap(a: readonly string[], b: readonly string[]): boolean {
  if (a.length === 0 || b.length === 0) return true;
  return a.some((left) => b.some((right) => globsMeet(left, right)));
}

function globsMeet(a: string, b: string): boolean {
  const left = fixedPart(a);
  const right = fixedPart(b);
  return within(left, right) || within(right, left);
}

function within(folder: string, path: string): boolean {
  return folder === '' || path === folder || path.startsWith(`${folder}/`);
}

/** The path before the first wildcard. */
function fixedPart(glob: string): string {
  const segments = glob.split('/').filter((segment) => segment !== '' && segment !== '.');
  // A bar separates two whole globs wherever it stands.
  const wild = glob.includes('|') ? 0 : segments.findIndex((segment) => /[*?[\]{}()!+@\\"$^]/.test(segment));
  return segments.slice(0, wild === -1 ? segments.length : wild).join('/');
}

/** A cycle that `ticket` would close, as the ids along it, or null. `dependsOn` tells what each ticket depends on. */
export function findCycle(
  ticket: TicketId,
  dependencies: readonly TicketId[],
  dependsOn: (id: TicketId) => readonly TicketId[],
): TicketId[] | null {
  const path: TicketId[] = [ticket];
  const seen = new Set<TicketId>();
  const visit = (id: TicketId): TicketId[] | null => {
    if (id === ticket) return [...path, id];
    if (seen.has(id)) return null;
    seen.add(id);
    path.push(id);
    for (const next of dependsOn(id)) {
      const found = visit(next);
      if (found) return found;
    }
    path.pop();
    return null;
  };
  for (const dependency of dependencies) {
    const found = visit(dependency);
    if (found) return found;
  }
  return null;
}
