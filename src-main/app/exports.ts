import { readFileSync, statSync } from 'node:fs';
import type { Actor } from '../contract/events.ts';
import { fail, ok, type Result } from '../contract/errors.ts';
import { brandOfTicket } from '../contract/ids.ts';
import { writeFileAtomic } from './atomic-file.ts';
import type { Brand } from './brand.ts';
import { ticketStream } from './projections.ts';
import type { Timer } from './timer.ts';
import { headFile, readHead, readTicketLines, ticketLines, type ExportHead } from './ticket-lines.ts';

/** Writes a brand's `tickets.jsonl` when its log has been quiet for a moment. */
export interface Exporter {
  /** Writes it now. */
  write(): ExportHead;
  /** Writes it where it is not as the log has it; true where it was neither due nor as it was left. */
  settle(): boolean;
  /** What is on disk, with the position that it names; null where there is no whole export. */
  read(): { file: string; text: string; head: ExportHead } | null;
  /** Tells whether the file is the one that was written last: a text that changes when somebody else writes it. */
  stamp(): string;
  close(): void;
}

const QUIET_MS = 200;

export function createExporter(brand: Brand, timer: Timer, onFault: (error: unknown) => void): Exporter {
  const file = brand.places.tickets;
  let cancel: (() => void) | null = null;
  /** How the file looked when it was last known to be as the log has it. */
  let known: string | null = null;
  const look = (): string => {
    const found = statSync(file, { throwIfNoEntry: false, bigint: true });
    return found === undefined ? 'missing' : `${found.ino} ${found.size} ${found.mtimeNs}`;
  };
  const write = (): ExportHead => {
    cancel?.();
    cancel = null;
    const head = brand.store.head();
    writeFileAtomic(file, ticketLines(brand.tickets.all()));
    writeFileAtomic(headFile(file), `${JSON.stringify(head)}\n`);
    known = look();
    return head;
  };
  const soon = () => {
    cancel?.();
    cancel = timer.after(QUIET_MS, () => {
      try {
        write();
      } catch (error) {
        onFault(error);
      }
    });
  };
  const stop = brand.store.subscribe((event) => {
    if (event.stream.startsWith('ticket/')) soon();
  });
  return {
    write,
    settle() {
      const due = cancel !== null;
      const first = known === null;
      if (!due && known === look()) return false;
      const lines = ticketLines(brand.tickets.all());
      const there = look() !== 'missing';
      const as = there && readHead(file) !== null && readFileSync(file, 'utf8') === lines;
      if (as && !due) {
        known = look();
        return false;
      }
      write();
      // A brand that is new has no export yet, and one that is due is written late by nobody's fault.
      return !due && (there || !first);
    },
    read() {
      const head = readHead(file);
      return head === null || look() === 'missing' ? null : { file, text: readFileSync(file, 'utf8'), head };
    },
    stamp: () => (known !== null && known === look() ? 'as Atrium wrote it' : look()),
    close() {
      stop();
      if (cancel) write();
    },
  };
}

/** Rebuilds a brand that has no tickets from a `tickets.jsonl`. */
export function importTickets(brand: Brand, file: string, actor: Actor, at: string): Result<number> {
  if (brand.tickets.all().length > 0)
    return fail(
      'already-exists',
      `brand ${brand.id} has tickets already`,
      'import into a brand that has none',
    );
  const read = readTicketLines(file);
  if (!read.ok) return read;
  const stranger = read.value.find((ticket) => brandOfTicket(ticket.id) !== brand.id);
  if (stranger)
    return fail(
      'invalid-file',
      `${file} holds ${stranger.id}, which is not of brand ${brand.id}`,
      'import it into its own brand',
    );
  for (const ticket of read.value) {
    brand.store.append({
      stream: ticketStream(ticket.id),
      expectedVersion: 0,
      events: [{ type: 'ticket.imported', data: { ticket: ticket.id, record: ticket } }],
      commandId: `import:${ticket.id}`,
      actor,
      at,
    });
  }
  return ok(read.value.length);
}
