import type Database from 'better-sqlite3';
import { backup } from './backup.ts';
import { canonicalJson } from './canonical-json.ts';
import { genesis, hashOf, type Head } from './chain.ts';
import { createDecoder, type EventRow, type NewEvent, type StoredEvent } from './event.ts';
import { StoreFault, withDiskFaults } from './fault.ts';
import { projectionDatabase } from './projection-database.ts';
import { build, project } from './projections.ts';
import { createPublisher } from './publisher.ts';
import { createReader, type EventStoreReader, type ReaderParts } from './reader.ts';

/** What a command appends to one stream. */
export interface AppendInput {
  stream: string;
  /** The version the decision was made on: 0 for a stream that is not there yet. */
  expectedVersion: number;
  /** May be empty: then only the receipt is kept. */
  events: readonly NewEvent[];
  /** A repeat of the same id appends nothing and gets the first answer's receipt. */
  commandId: string;
  /** Who: plain JSON. */
  actor: unknown;
  /** When: ISO 8601 in UTC. */
  at: string;
  /** What a repeat is answered: plain JSON, null where it is left out. */
  receipt?: unknown;
}

/** `position` and `version` are those of the last event appended (of the first time, where `repeated`). */
export type AppendResult =
  | { ok: true; position: number; version: number; receipt: unknown; repeated: boolean }
  | { ok: false; code: 'version-conflict'; actual: number };

/** The log of a brand or of the workspace, with its projections. Its writing methods throw {@link StoreFault}. */
export interface EventStore extends EventStoreReader {
  /** Events, projections and receipt in one durable transaction; published after it. */
  append(input: AppendInput): AppendResult;
  /** Keeps the answer of a command that produced no event. The first receipt of an id stands. */
  recordReceipt(commandId: string, receipt: unknown): void;
  /** Called with each event after its commit, in order of position. Returns what ends it. */
  subscribe(listener: (event: StoredEvent) => void): () => void;
  saveCheckpoint(reactor: string, position: number): void;
  /** Drops every projection and replays the log into it, in one transaction. */
  rebuildProjections(): void;
  /** A durable copy of the whole store in one file, readable by its owner alone; a file at `path` is replaced. */
  backupTo(path: string): void;
}

/** What a store is made of; it closes both connections. */
export interface StoreParts extends ReaderParts {
  writer: Database.Database;
  onFault: (error: unknown) => void;
}

/** A store over a migrated file whose projections are settled. */
export function createStore(parts: StoreParts): EventStore {
  const { file, writer, projections, upcasters, onFault } = parts;
  const reader = createReader(parts);
  const decoder = createDecoder(upcasters);
  const target = projectionDatabase(writer);
  const publisher = createPublisher(onFault);
  let published = reader.head().position;

  const selectHead = writer.prepare<[], Head>(
    'SELECT position, hash FROM events ORDER BY position DESC LIMIT 1',
  );
  const selectVersion = writer
    .prepare<[string], number>('SELECT version FROM events WHERE stream = ? ORDER BY version DESC LIMIT 1')
    .pluck();
  const selectReceipt = writer.prepare<[string], { receipt: string; position: number; version: number }>(
    'SELECT receipt, position, version FROM receipts WHERE command_id = ?',
  );
  const insertEvent = writer.prepare<EventRow>('INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)');
  const insertReceipt = writer.prepare<[string, string, number, number, string]>(
    'INSERT INTO receipts (command_id, receipt, position, version, head_hash) VALUES (?, ?, ?, ?, ?)',
  );
  const upsertCheckpoint = writer.prepare<[string, number]>(
    'INSERT INTO checkpoints (reactor, position) VALUES (?, ?) ON CONFLICT DO UPDATE SET position = excluded.position',
  );
  const head = (): Head => selectHead.get() ?? { position: 0, hash: genesis };

  const write = <T>(work: () => T): T => {
    if (writer.inTransaction) {
      throw new StoreFault(
        'invalid',
        'A projection may not write to the log: let a reactor command what follows.',
      );
    }
    return withDiskFaults(file, () => writer.transaction(work).immediate());
  };

  const insert = (input: AppendInput, actor: string, receipt: string): Appended => {
    const known = selectReceipt.get(input.commandId);
    if (known !== undefined) {
      const { position, version } = known;
      const result = {
        ok: true,
        position,
        version,
        receipt: JSON.parse(known.receipt) as unknown,
        repeated: true,
      };
      return { result: result as AppendResult, events: [] };
    }
    let version = selectVersion.get(input.stream) ?? 0;
    if (version !== input.expectedVersion) {
      return { result: { ok: false, code: 'version-conflict', actual: version }, events: [] };
    }
    let { position, hash } = head();
    const events = input.events.map(({ type, data }) => {
      const { stream, commandId, at } = input;
      const row: EventRow = [
        ++position,
        stream,
        ++version,
        type,
        canonicalJson(data),
        actor,
        commandId,
        at,
        '',
        hash,
      ];
      hash = hashOf(row, hash);
      row[8] = hash;
      insertEvent.run(...row);
      // Decoded from the row, so that projections and listeners see exactly what a replay will.
      const event = decoder.one(row);
      for (const projection of projections) project(target, projection, event);
      return event;
    });
    insertReceipt.run(input.commandId, receipt, position, version, hash);
    const answer: unknown = JSON.parse(receipt);
    return { result: { ok: true, position, version, receipt: answer, repeated: false }, events };
  };

  const publish = (events: readonly StoredEvent[]): void => {
    const first = events[0];
    if (first === undefined) return;
    // Another process may have appended in between; its events come first.
    const missed = first.position - 1 - published;
    const earlier = missed > 0 ? reader.readAll(published, missed) : [];
    published = events.at(-1)?.position ?? published;
    publisher.publish([...earlier, ...events]);
  };

  return {
    ...reader,
    append(input) {
      const actor = canonicalJson(input.actor);
      const receipt = canonicalJson(input.receipt ?? null);
      const { result, events } = write(() => insert(input, actor, receipt));
      publish(events);
      return result;
    },
    recordReceipt(commandId, receipt) {
      const text = canonicalJson(receipt ?? null);
      write(() => {
        if (selectReceipt.get(commandId) !== undefined) return;
        const { position, hash } = head();
        insertReceipt.run(commandId, text, position, 0, hash);
      });
    },
    subscribe: (listener) => publisher.subscribe(listener),
    saveCheckpoint: (reactor, position) => write(() => void upsertCheckpoint.run(reactor, position)),
    rebuildProjections() {
      write(() =>
        build(
          writer,
          projections,
          upcasters.map((each) => each.name),
          decoder,
        ),
      );
      withDiskFaults(file, () => writer.pragma('wal_checkpoint(TRUNCATE)'));
    },
    backupTo: (path) => withDiskFaults(path, () => backup(writer, path)),
    close() {
      publisher.close();
      reader.close();
      writer.close();
    },
  };
}

interface Appended {
  result: AppendResult;
  events: readonly StoredEvent[];
}
