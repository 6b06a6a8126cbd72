import { closeSync, fsyncSync, openSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import type Database from 'better-sqlite3';

/**
 * Writes a whole copy of the database to `path`, durable and complete, or nothing at all. A file that is there is replaced.
 */
export function backup(db: Database.Database, path: string): void {
  const partial = `${path}.partial`;
  rmSync(partial, { force: true });
  try {
    // SQLite copies into an empty file that exists; this one is made first, so that only its owner can read it.
    closeSync(openSync(partial, 'wx', 0o600));
    db.prepare('VACUUM INTO ?').run(partial);
    sync(partial);
    renameSync(partial, path);
  } finally {
    rmSync(partial, { force: true });
  }
  sync(dirname(path));
}

function sync(path: string): void {
  const descriptor = openSync(path, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
