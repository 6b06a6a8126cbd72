import Database from 'better-sqlite3';
import { existsSync } from 'node:fs';

/** A workspace's lock: the operating system holds it, and it ends with the process however that ends. */
export interface WorkspaceLock {
  release(): void;
}

/**
 * Takes the lock without waiting.
 * @param file absolute path of the lock's database, made when it is not there
 * @returns undefined when another process holds it
 * @throws what SQLite says when the file cannot be used
 */
export function takeLock(file: string): WorkspaceLock | undefined {
  const database = new Database(file, { timeout: 0 });
  try {
    database.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    if (error instanceof Database.SqliteError && error.code.startsWith('SQLITE_BUSY')) return undefined;
    throw error;
  }
  return { release: () => database.close() };
}

/**
 * Whether a process holds the lock.
 * @param file as for `takeLock`; not made when it is not there
 * @throws what SQLite says when the file cannot be used
 */
export function lockIsHeld(file: string): boolean {
  if (!existsSync(file)) return false;
  const lock = takeLock(file);
  lock?.release();
  return lock === undefined;
}
