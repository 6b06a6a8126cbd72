import Database from 'better-sqlite3';

/**
 * Why the store could not do what it was asked. The list is closed:
 * `disk-full`, `read-only`, `locked`, `corrupt` and `io` come from the disk or another process;
 * `projection` is a projection that threw; `invalid` is a caller's mistake (data that is not JSON, a query that writes).
 */
export type StoreFaultCode =
  'disk-full' | 'read-only' | 'locked' | 'corrupt' | 'io' | 'projection' | 'invalid';

/** A fault of the store. Whatever threw it left nothing half-written: the transaction was rolled back. */
export class StoreFault extends Error {
  readonly code: StoreFaultCode;

  constructor(code: StoreFaultCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'StoreFault';
    this.code = code;
  }
}

const sentences: Record<Exclude<StoreFaultCode, 'projection' | 'invalid'>, string> = {
  'disk-full': 'the disk is full, nothing was written; free some space and try again.',
  'read-only': 'the file or its folder cannot be written; make both writable for this user and try again.',
  locked: 'another process holds its lock; end that process or wait for it, then try again.',
  corrupt: 'SQLite finds its contents damaged; restore it from a backup.',
  io: 'reading or writing it failed; look at the disk and try again.',
};

/** The disk's part of the closed list for an error of SQLite, or undefined where the error says nothing of the disk. */
export function diskCode(error: unknown): keyof typeof sentences | undefined {
  if (!(error instanceof Database.SqliteError)) return undefined;
  const { code } = error;
  if (code === 'SQLITE_FULL') return 'disk-full';
  if (code.startsWith('SQLITE_READONLY')) return 'read-only';
  if (code.startsWith('SQLITE_BUSY') || code.startsWith('SQLITE_LOCKED')) return 'locked';
  if (code.startsWith('SQLITE_CORRUPT') || code === 'SQLITE_NOTADB') return 'corrupt';
  if (code.startsWith('SQLITE_IOERR') || code.startsWith('SQLITE_CANTOPEN')) return 'io';
  return undefined;
}

/** One sentence: which file, what is wrong with it, what to do. */
export function diskSentence(file: string, code: keyof typeof sentences): string {
  return `The event store ${file} failed: ${sentences[code]}`;
}

/** Runs `work`; an error that comes from the disk leaves as a {@link StoreFault}, any other as it is. */
export function withDiskFaults<T>(file: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    const code = diskCode(error);
    throw code === undefined ? error : new StoreFault(code, diskSentence(file, code), error);
  }
}
