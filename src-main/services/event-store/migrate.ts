import { hash } from 'node:crypto';
import Database from 'better-sqlite3';
import { migrations as released, type Migration } from './migrations/index.ts';

/** Marks the file as an event store ("ATRI"). */
const applicationId = 0x41545249;

/** Where a file stands against a list of migrations. */
export type SchemaState =
  | { kind: 'new' }
  | { kind: 'foreign' }
  | { kind: 'newer'; version: number; known: number }
  | { kind: 'changed'; version: number; name: string }
  | { kind: 'at'; version: number; pending: readonly Migration[] };

/** Looks at a file's schema without writing to it. */
export function schemaState(db: Database.Database, migrations: readonly Migration[] = released): SchemaState {
  const tables = db.prepare<[], { n: number }>('SELECT count(*) AS n FROM sqlite_schema').get()?.n ?? 0;
  const id = db.pragma('application_id', { simple: true });
  if (tables === 0 && id === 0) return { kind: 'new' };
  if (id !== applicationId) return { kind: 'foreign' };
  const applied = db
    .prepare<[], { version: number; sha: string }>('SELECT version, sha FROM migrations ORDER BY version')
    .all();
  const version = applied.at(-1)?.version ?? 0;
  const known = migrations.length;
  if (version > known) return { kind: 'newer', version, known };
  for (const [index, row] of applied.entries()) {
    const migration = migrations[index];
    if (migration === undefined || row.version !== migration.version || row.sha !== shaOf(migration)) {
      return { kind: 'changed', version: row.version, name: migration?.name ?? 'unknown' };
    }
  }
  return { kind: 'at', version, pending: migrations.slice(version) };
}

/** Runs these migrations and records them, in one transaction: all of them or none. */
export function migrate(db: Database.Database, pending: readonly Migration[]): void {
  db.transaction(() => {
    db.pragma(`application_id = ${applicationId}`);
    db.exec(
      'CREATE TABLE IF NOT EXISTS migrations (version INTEGER PRIMARY KEY, name TEXT NOT NULL, sha TEXT NOT NULL) STRICT',
    );
    const record = db.prepare('INSERT INTO migrations (version, name, sha) VALUES (?, ?, ?)');
    for (const migration of pending) {
      db.exec(migration.sql);
      record.run(migration.version, migration.name, shaOf(migration));
    }
  }).immediate();
}

/** A database of the schema as it was after `version`: what the test of the next migration starts from. */
export function openAtMigration(
  file: string,
  version: number,
  migrations: readonly Migration[] = released,
): Database.Database {
  const db = new Database(file);
  migrate(db, migrations.slice(0, version));
  return db;
}

function shaOf(migration: Migration): string {
  return hash('sha256', migration.sql);
}
