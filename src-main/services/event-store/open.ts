import { accessSync, closeSync, constants, openSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import Database from 'better-sqlite3';
import { backup } from './backup.ts';
import { createDecoder, type Upcaster } from './event.ts';
import { diskCode, diskSentence } from './fault.ts';
import { migrate, schemaState, type SchemaState } from './migrate.ts';
import { migrations as released, type Migration } from './migrations/index.ts';
import { settle, type Projection } from './projections.ts';
import { createReader, type EventStoreReader } from './reader.ts';
import { createStore, type EventStore } from './store.ts';

/** Why a store did not open. What is in the log was not changed. */
export type OpenFailureCode =
  | 'newer-schema'
  | 'older-schema'
  | 'changed-migration'
  | 'locked'
  | 'read-only'
  | 'corrupt'
  | 'disk-full'
  | 'missing-folder'
  | 'missing-file'
  | 'io';

/** `message` says what and where in one sentence, `hint` what to do. */
export interface OpenFailure {
  ok: false;
  code: OpenFailureCode;
  message: string;
  hint: string;
}

export type OpenResult = { ok: true; store: EventStore } | OpenFailure;
export type OpenReaderResult = { ok: true; reader: EventStoreReader } | OpenFailure;

export interface OpenReaderOptions {
  file: string;
  projections: readonly Projection[];
  upcasters?: readonly Upcaster[];
  /** How long to wait for another process's lock, in milliseconds; it blocks. Default 2000. */
  lockWait?: number;
}

export interface OpenOptions extends OpenReaderOptions {
  /** Told what a listener threw. */
  onFault: (error: unknown) => void;
  /** A ceiling of the file's size, in pages of 4 KiB; beyond it appends fail as on a full disk. Default none. */
  maximumPages?: number;
}

/**
 * Opens or creates the store in `file`: migrates it (after a backup beside it), settles its projections. Projections that
 * are not in the list are dropped, since they would fall behind.
 * @throws StoreFault `projection` or `invalid` where a projection's own definition is wrong.
 */
export function openEventStore(options: OpenOptions): OpenResult {
  return openWith(options, released);
}

/** {@link openEventStore} with another list of migrations: for the tests of migrating. */
export function openWith(options: OpenOptions, migrations: readonly Migration[]): OpenResult {
  const { file, projections, upcasters = [], lockWait = 2000, maximumPages, onFault } = options;
  const missing = missingFolder(file);
  if (missing !== undefined) return missing;
  const opened: Database.Database[] = [];
  try {
    createPrivate(file);
    const writer = new Database(file, { timeout: lockWait });
    opened.push(writer);
    const state = schemaState(writer, migrations);
    const refused = refusal(file, state);
    if (refused !== undefined) return abandon(opened, refused);
    if (maximumPages !== undefined) writer.pragma(`max_page_count = ${Math.trunc(maximumPages)}`);
    writer.pragma('journal_mode = WAL');
    writer.pragma('synchronous = FULL');
    if (state.kind === 'new') migrate(writer, migrations);
    if (state.kind === 'at' && state.pending.length > 0) {
      backup(writer, `${file}.before-${state.version + 1}`);
      migrate(writer, state.pending);
    }
    settleProjections(writer, projections, upcasters);
    const db = new Database(file, { readonly: true, timeout: lockWait });
    opened.push(db);
    return { ok: true, store: createStore({ file, db, writer, projections, upcasters, onFault }) };
  } catch (error) {
    const failed = failureOf(file, error);
    for (const db of opened) db.close();
    if (failed === undefined) throw error;
    return failed;
  }
}

/**
 * Opens a store that exists for reading alone, say in a worker thread that proves it while the core goes on. It neither
 * migrates nor rebuilds.
 */
export function openEventStoreReader(options: OpenReaderOptions): OpenReaderResult {
  const { file, projections, upcasters = [], lockWait = 2000 } = options;
  const missing = missingFolder(file);
  if (missing !== undefined) return missing;
  if (statSync(file, { throwIfNoEntry: false }) === undefined) {
    return failure('missing-file', `There is no event store at ${file}.`, 'Check the path.');
  }
  const opened: Database.Database[] = [];
  try {
    const db = new Database(file, { readonly: true, timeout: lockWait });
    opened.push(db);
    const state = schemaState(db);
    const refused = refusal(file, state);
    if (refused !== undefined) return abandon(opened, refused);
    if (state.kind !== 'at' || state.pending.length > 0) {
      const message = `The event store ${file} has an older schema than this version of Atrium reads.`;
      return abandon(opened, failure('older-schema', message, 'Open the workspace once, which migrates it.'));
    }
    return { ok: true, reader: createReader({ file, db, projections, upcasters }) };
  } catch (error) {
    const failed = failureOf(file, error);
    for (const db of opened) db.close();
    if (failed === undefined) throw error;
    return failed;
  }
}

function settleProjections(
  db: Database.Database,
  projections: readonly Projection[],
  upcasters: readonly Upcaster[],
): void {
  const names = upcasters.map((each) => each.name);
  const rebuilt = db
    .transaction(() => {
      // A write that changes nothing: SQLite opens a file it may not write without a word, and only says so here.
      db.prepare('UPDATE checkpoints SET position = position WHERE reactor IS NULL').run();
      return settle(db, projections, names, createDecoder(upcasters));
    })
    .immediate();
  if (rebuilt.length > 0) db.pragma('wal_checkpoint(TRUNCATE)');
}

/** Makes a new file that only its owner can read; SQLite gives its side files the same mode. */
function createPrivate(file: string): void {
  if (statSync(file, { throwIfNoEntry: false }) !== undefined) return;
  closeSync(openSync(file, 'wx', 0o600));
}

function missingFolder(file: string): OpenFailure | undefined {
  const folder = dirname(file);
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() === true) return undefined;
  return failure(
    'missing-folder',
    `The folder ${folder} of the event store is missing.`,
    'Create it or check the path.',
  );
}

function refusal(file: string, state: SchemaState): OpenFailure | undefined {
  switch (state.kind) {
    case 'newer':
      return failure(
        'newer-schema',
        `The event store ${file} has schema version ${state.version}, but this version of Atrium knows ${state.known}.`,
        'Open it with the newer version of Atrium that wrote it.',
      );
    case 'changed':
      return failure(
        'changed-migration',
        `The event store ${file} was migrated with another text of migration ${state.version} (${state.name}).`,
        'Open it with the version of Atrium that wrote it, or restore a backup.',
      );
    case 'foreign':
      return failure(
        'corrupt',
        `The file ${file} is a database, but not an event store of Atrium.`,
        'Check the path.',
      );
    default:
      return undefined;
  }
}

function failureOf(file: string, error: unknown): OpenFailure | undefined {
  const code = diskCode(error) ?? systemCode(error);
  if (code === undefined) return undefined;
  const actual = code === 'io' && !writable(file) ? 'read-only' : code;
  const hints: Record<typeof actual, string> = {
    'disk-full': 'Free some space on that disk, then start again.',
    'read-only': 'Make the file and its folder writable for this user.',
    locked: 'End the other process that has it open, then start again.',
    corrupt: 'Restore the file from a backup.',
    io: 'Look at the disk, then start again.',
  };
  return failure(actual, diskSentence(file, actual), hints[actual]);
}

function systemCode(error: unknown): 'disk-full' | 'read-only' | 'io' | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ENOSPC' || code === 'EDQUOT') return 'disk-full';
  if (code === 'EROFS' || code === 'EACCES' || code === 'EPERM') return 'read-only';
  return code === 'EIO' || code === 'EMFILE' || code === 'ENFILE' || code === 'EISDIR' ? 'io' : undefined;
}

function writable(file: string): boolean {
  try {
    accessSync(dirname(file), constants.W_OK);
    if (statSync(file, { throwIfNoEntry: false }) !== undefined) accessSync(file, constants.W_OK);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error) return false;
    throw error;
  }
}

function abandon(opened: readonly Database.Database[], result: OpenFailure): OpenFailure {
  for (const db of opened) db.close();
  return result;
}

function failure(code: OpenFailureCode, message: string, hint: string): OpenFailure {
  return { ok: false, code, message, hint };
}
