import { mkdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { TicketId } from '../../contract/ids.ts';
import { plural } from '../../domain/plural.ts';
import { evolveTicket } from '../../domain/ticket-fold.ts';
import { type Ticket } from '../../domain/ticket.ts';
import {
  openEventStore,
  openEventStoreReader,
  type EventStoreReader,
  type Head,
  type Projection,
} from '../../services/event-store/index.ts';
import { parseTicketLines, ticketLines } from '../ticket-lines.ts';
import { asRecorded, brandProjections } from '../projections.ts';
import { workspaceProjections } from '../workspace-log.ts';
import type { Finding } from './check.ts';

/** What a log proved about itself. */
export interface StoreProof {
  integrity: Finding;
  chain: Finding;
  projections: Finding;
}

/** What a brand's log and its export proved. */
export interface BrandLogProof extends StoreProof {
  exported: Finding;
  restored: Finding;
}

/** What is to be proved. Plain data: it crosses into a worker thread. */
export type LogTask =
  | { kind: 'workspace'; file: string }
  | {
      kind: 'brand';
      file: string;
      /** The brand's `tickets.jsonl`, its text, and the position that it names; null where there is none. */
      exported: { file: string; text: string; head: Head } | null;
      /** A position that was known before anything was mended, with its hash: a log that was cut or rewritten shows against it. */
      anchor: Head | null;
    };

/** Proves a log from its file alone, with a connection of its own. Takes a while, and blocks: for a worker thread. */
export function proveLog(task: LogTask): StoreProof | BrandLogProof {
  const projections = task.kind === 'workspace' ? workspaceProjections : brandProjections;
  const opened = openEventStoreReader({ file: task.file, projections });
  if (!opened.ok) {
    const broken = { ok: false, detail: opened.message };
    const store = { integrity: broken, chain: broken, projections: broken };
    return task.kind === 'workspace' ? store : { ...store, exported: broken, restored: broken };
  }
  const { reader } = opened;
  try {
    const store = proveStore(reader, projections, task.kind === 'brand' ? task.anchor : null);
    if (task.kind === 'workspace') return store;
    return {
      ...store,
      exported: attempt(() => proveExport(reader, task.exported)),
      restored: attempt(() => proveRestore(task.exported, join(dirname(task.file), 'restored'))),
    };
  } finally {
    reader.close();
  }
}

function proveStore(
  reader: EventStoreReader,
  projections: readonly Projection[],
  anchor: Head | null,
): StoreProof {
  return {
    integrity: attempt(() => {
      const sound = reader.integrity();
      return sound.ok ? { ok: true, detail: 'the file is sound, its schema is this version’s' } : sound;
    }),
    chain: attempt(() => {
      const chain = reader.verifyChain(anchor ?? undefined);
      return chain.ok
        ? { ok: true, detail: `${plural(chain.position, 'event')}, each names the one before it` }
        : { ok: false, detail: `at position ${chain.position}: ${chain.detail}` };
    }),
    projections: attempt(() => {
      const differing = reader.compareProjections().find((one) => !one.ok);
      return differing
        ? { ok: false, detail: differing.detail }
        : { ok: true, detail: `${plural(projections.length, 'projection')} replayed, row by row the same` };
    }),
  };
}

/** Folds the log up to the position that the export names, and compares the bytes. */
function proveExport(reader: EventStoreReader, exported: Exported): Finding {
  if (exported === null) return NO_EXPORT;
  const { position } = exported.head;
  return exported.text === ticketLines(ticketsAt(reader, position))
    ? { ok: true, detail: `equals the log at position ${position}` }
    : { ok: false, detail: `${exported.file} differs from the log at position ${position}` };
}

type Exported = Extract<LogTask, { kind: 'brand' }>['exported'];
const NO_EXPORT: Finding = { ok: false, detail: 'there is no tickets.jsonl that names its position' };
const BATCH = 1_000;

function ticketsAt(reader: EventStoreReader, position: number): Ticket[] {
  const tickets = new Map<string, Ticket>();
  for (let after = 0; ;) {
    const events = reader.readAll(after, BATCH);
    for (const event of events) {
      if (event.position > position) break;
      if (!event.stream.startsWith('ticket/')) continue;
      const id = event.stream.slice('ticket/'.length);
      const ticket = evolveTicket(tickets.get(id) ?? null, asRecorded(event));
      if (!ticket) continue;
      tickets.set(id, ticket);
      const before = event.type === 'ticket.drafted' ? tickets.get(ticket.predecessor ?? '') : undefined;
      if (before) before.successor = id as TicketId;
    }
    const last = events.at(-1)?.position;
    if (last === undefined || last >= position) break;
    after = last;
  }
  const number = (ticket: Ticket) => Number(ticket.id.slice(ticket.id.lastIndexOf('-') + 1));
  return [...tickets.values()].sort((a, b) => number(a) - number(b));
}

/**
 * Brings the export into an empty log and reads it back.
 * @param folder made for it and removed; what a proof that was cut off left there goes first
 */
function proveRestore(exported: Exported, folder: string): Finding {
  if (exported === null) return NO_EXPORT;
  const lines = parseTicketLines(exported.text, exported.file);
  if (!lines.ok) return { ok: false, detail: lines.failure.message };
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { mode: 0o700 });
  try {
    const opened = openEventStore({
      file: join(folder, 'brand.db'),
      projections: brandProjections,
      onFault: () => undefined,
    });
    if (!opened.ok) return { ok: false, detail: opened.message };
    try {
      for (const ticket of lines.value)
        opened.store.append({
          stream: `ticket/${ticket.id}`,
          expectedVersion: 0,
          events: [{ type: 'ticket.imported', data: { ticket: ticket.id, record: ticket } }],
          commandId: `restore:${ticket.id}`,
          actor: { kind: 'core', part: 'doctor' },
          at: ticket.updatedAt,
        });
      const [row] = opened.store.query<{ n: number }>('SELECT COUNT(*) AS n FROM projection_tickets');
      return row?.n === lines.value.length
        ? { ok: true, detail: `${plural(row.n, 'ticket')} restored into an empty log` }
        : { ok: false, detail: 'the export did not restore whole' };
    } finally {
      opened.store.close();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A proof that throws did not come to an end, which is no proof. */
function attempt(prove: () => Finding): Finding {
  try {
    return prove();
  } catch (error) {
    return { ok: false, detail: error instanceof Error ? error.message : String(error) };
  }
}
