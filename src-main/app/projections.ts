import type { BrandEvent, RecordedEvent } from '../contract/events.ts';
import type { AskView } from '../contract/guard.ts';
import { explain } from '../domain/audit.ts';
import { evolveRun, type Run } from '../domain/run.ts';
import { evolveTicket } from '../domain/ticket-fold.ts';
import { type Ticket } from '../domain/ticket.ts';
import { waitingOfTicket } from '../domain/waiting.ts';
import type { Projection, StoredEvent } from '../services/event-store/index.ts';

/** A stored event as the domain reads it: its shape was decided before it was appended. */
export function asRecorded(event: StoredEvent): RecordedEvent {
  return event as unknown as RecordedEvent;
}

/** A question as a brand keeps it: which brand that is, is known by where it is kept. */
export type Ask = Omit<AskView, 'brand'>;

export const ticketStream = (id: string) => `ticket/${id}`;
export const runStream = (id: string) => `run/${id}`;

/** Events after which a ticket may depend on others than before. */
const TEXT_EVENTS = new Set(['ticket.drafted', 'ticket.edited', 'ticket.imported']);

/** Every ticket as it stands, whole, what it depends on, and what of it waits for the operator. */
const tickets: Projection = {
  name: 'tickets',
  fingerprint: '5',
  tables: ['projection_tickets', 'projection_tickets_dependencies', 'projection_tickets_waiting'],
  schema: `CREATE TABLE projection_tickets (
      id TEXT PRIMARY KEY, number INTEGER NOT NULL, state TEXT NOT NULL, record TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX projection_tickets_state ON projection_tickets (state, number);
    CREATE INDEX projection_tickets_number ON projection_tickets (number);
    CREATE TABLE projection_tickets_dependencies (
      dependency TEXT NOT NULL, ticket TEXT NOT NULL, PRIMARY KEY (dependency, ticket)
    ) WITHOUT ROWID;
    CREATE INDEX projection_tickets_dependencies_ticket ON projection_tickets_dependencies (ticket);
    CREATE TABLE projection_tickets_waiting (
      key TEXT PRIMARY KEY, ticket TEXT NOT NULL, kind TEXT NOT NULL, record TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX projection_tickets_waiting_ticket ON projection_tickets_waiting (ticket);`,
  apply(db, event) {
    if (!event.stream.startsWith('ticket/')) return;
    const id = event.stream.slice('ticket/'.length);
    const row = db.get<{ record: string }>('SELECT record FROM projection_tickets WHERE id = ?', id);
    const before = row ? (JSON.parse(row.record) as Ticket) : null;
    const ticket = evolveTicket(before, asRecorded(event));
    if (!ticket) return;
    db.run(
      'INSERT INTO projection_tickets (id, number, state, record) VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET state = excluded.state, record = excluded.record',
      id,
      Number(id.slice(id.lastIndexOf('-') + 1)),
      ticket.state,
      JSON.stringify(ticket),
    );
    if (TEXT_EVENTS.has(event.type)) {
      db.run('DELETE FROM projection_tickets_dependencies WHERE ticket = ?', id);
      for (const dependency of ticket.draft.dependsOn)
        db.run('INSERT OR IGNORE INTO projection_tickets_dependencies VALUES (?, ?)', dependency, id);
    }
    db.run('DELETE FROM projection_tickets_waiting WHERE ticket = ?', id);
    for (const item of waitingOfTicket(ticket))
      db.run(
        'INSERT INTO projection_tickets_waiting VALUES (?, ?, ?, ?)',
        item.key,
        id,
        item.kind,
        JSON.stringify(item),
      );
    // Whichever command drafts a successor, the ticket before it says where it goes on.
    if (event.type === 'ticket.drafted' && ticket.predecessor !== null) {
      db.run(
        "UPDATE projection_tickets SET record = json_set(record, '$.successor', ?) WHERE id = ?",
        id,
        ticket.predecessor,
      );
      db.run(
        "DELETE FROM projection_tickets_waiting WHERE ticket = ? AND kind = 'dead-letter'",
        ticket.predecessor,
      );
    }
  },
};

/** Every run, and what its model calls took. */
const runs: Projection = {
  name: 'runs',
  fingerprint: '2',
  tables: ['projection_runs', 'projection_runs_usage'],
  schema: `CREATE TABLE projection_runs (
      id TEXT PRIMARY KEY, position INTEGER NOT NULL, ticket TEXT, state TEXT NOT NULL, record TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX projection_runs_position ON projection_runs (position);
    CREATE INDEX projection_runs_ticket ON projection_runs (ticket, position);
    CREATE INDEX projection_runs_state ON projection_runs (state);
    CREATE TABLE projection_runs_usage (
      position INTEGER PRIMARY KEY, run TEXT NOT NULL, ticket TEXT, day TEXT NOT NULL, model TEXT NOT NULL,
      input INTEGER NOT NULL, output INTEGER NOT NULL, cost REAL NOT NULL
    );
    CREATE INDEX projection_runs_usage_ticket ON projection_runs_usage (ticket);`,
  apply(db, event) {
    if (!event.stream.startsWith('run/')) return;
    const id = event.stream.slice('run/'.length);
    const row = db.get<{ record: string; position: number }>(
      'SELECT record, position FROM projection_runs WHERE id = ?',
      id,
    );
    const run = evolveRun(row ? (JSON.parse(row.record) as Run) : null, asRecorded(event));
    if (!run) return;
    db.run(
      'INSERT INTO projection_runs (id, position, ticket, state, record) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET state = excluded.state, record = excluded.record',
      id,
      row?.position ?? event.position,
      run.ticket,
      run.state,
      JSON.stringify(run),
    );
    const recorded = asRecorded(event);
    if (recorded.type !== 'run.used') return;
    db.run(
      'INSERT INTO projection_runs_usage VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
      event.position,
      id,
      run.ticket,
      recorded.data.day,
      recorded.data.model,
      recorded.data.inputTokens,
      recorded.data.outputTokens,
      recorded.data.costUsd,
    );
  },
};

/** Every question of the guard to the operator. */
const asks: Projection = {
  name: 'asks',
  fingerprint: '1',
  tables: ['projection_asks'],
  schema: `CREATE TABLE projection_asks (
      id TEXT PRIMARY KEY, position INTEGER NOT NULL, run TEXT NOT NULL, ticket TEXT, state TEXT NOT NULL, record TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX projection_asks_state ON projection_asks (state, position);
    CREATE INDEX projection_asks_position ON projection_asks (position);
    CREATE INDEX projection_asks_ticket ON projection_asks (ticket, position);`,
  apply(db, event) {
    const recorded = asRecorded(event);
    if (recorded.type === 'guard.asked') {
      const { ask: id, ms: _ms, ...asked } = recorded.data;
      const record: Ask = { id, ...asked, askedAt: recorded.at, state: 'open', note: '' };
      db.run(
        'INSERT INTO projection_asks VALUES (?, ?, ?, ?, ?, ?)',
        id,
        event.position,
        record.run,
        record.ticket,
        record.state,
        JSON.stringify(record),
      );
    }
    if (recorded.type !== 'guard.answered' && recorded.type !== 'guard.expired') return;
    const [state, note] =
      recorded.type === 'guard.expired'
        ? ['expired', recorded.data.reason]
        : [recorded.data.decision === 'allow' ? 'allowed' : 'denied', recorded.data.note];
    db.run(
      "UPDATE projection_asks SET state = ?, record = json_set(record, '$.state', ?, '$.note', ?) WHERE id = ?",
      state,
      state,
      note,
      recorded.data.ask,
    );
  },
};

/** The log in words, with the ticket that each line is about. */
const activity: Projection = {
  name: 'activity',
  fingerprint: '1',
  tables: ['projection_activity', 'projection_activity_runs'],
  schema: `CREATE TABLE projection_activity (
      position INTEGER PRIMARY KEY, ticket TEXT, type TEXT NOT NULL, at TEXT NOT NULL, text TEXT NOT NULL
    );
    CREATE INDEX projection_activity_ticket ON projection_activity (ticket, position);
    CREATE TABLE projection_activity_runs (stream TEXT PRIMARY KEY, ticket TEXT) WITHOUT ROWID;`,
  apply(db, event) {
    const recorded = asRecorded(event);
    if (recorded.type === 'run.started')
      db.run('INSERT INTO projection_activity_runs VALUES (?, ?)', event.stream, recorded.data.ticket);
    const ofRun = () =>
      db.get<{ ticket: string | null }>(
        'SELECT ticket FROM projection_activity_runs WHERE stream = ?',
        event.stream,
      );
    db.run(
      'INSERT INTO projection_activity VALUES (?, ?, ?, ?, ?)',
      event.position,
      ticketOf(event.stream, recorded) ?? ofRun()?.ticket ?? null,
      event.type,
      event.at,
      explain(recorded),
    );
  },
};

function ticketOf(stream: string, event: BrandEvent): string | null {
  if (stream.startsWith('ticket/')) return stream.slice('ticket/'.length);
  return 'ticket' in event.data ? event.data.ticket : null;
}

export const brandProjections: readonly Projection[] = [tickets, runs, asks, activity];
