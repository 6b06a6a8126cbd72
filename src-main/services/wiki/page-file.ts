/** The one way a page's file is read and written: never through a symbolic link, never in part. */
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { link, lstat, open, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/** SHA-256 of a page's bytes, in hexadecimal. */
export function hashOf(bytes: Buffer | string): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** True for a file-system error with this code. */
export function isErrno(error: unknown, ...codes: string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code));
}

/** The bytes of a regular file; null where there is none (a symbolic link or a folder counts as none). */
export async function readBytes(file: string): Promise<Buffer | null> {
  const handle = await openRegular(file);
  if (handle === null) return null;
  try {
    return (await handle.stat()).isFile() ? await handle.readFile() : null;
  } finally {
    await handle.close();
  }
}

async function openRegular(file: string) {
  try {
    return await open(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR', 'ELOOP', 'EISDIR', 'ENXIO')) return null;
    throw error;
  }
}

let temporaryNames = 0;

/**
 * Puts `bytes` at `file` whole or not at all, and durable: a temporary file beside it, synced, then moved.
 *
 * @param still asked right before the move; false leaves the file as it is
 * @param fresh true where the file must not exist: one that appears meanwhile is never overwritten
 * @returns whether the file now holds the bytes
 */
export async function replaceFile(
  file: string,
  bytes: Buffer,
  options: { fresh: boolean; still: () => Promise<boolean> },
): Promise<boolean> {
  const folder = dirname(file);
  temporaryNames += 1;
  const temporary = join(folder, `.atrium-${process.pid}-${temporaryNames}.tmp`);
  try {
    const handle = await open(temporary, 'wx', 0o644);
    try {
      await handle.writeFile(bytes);
      await handle.sync();
    } finally {
      await handle.close();
    }
    if (!(await options.still())) return false;
    if (options.fresh) await link(temporary, file);
    else await rename(temporary, file);
  } catch (error) {
    if (options.fresh && isErrno(error, 'EEXIST')) return false;
    throw error;
  } finally {
    await rm(temporary, { force: true });
  }
  await syncFolder(folder);
  return true;
}

/** Makes a folder's entries durable. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, constants.O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Removes the temporary files that a killed process left in a folder. */
export async function sweepTemporaries(folder: string, names: readonly string[]): Promise<void> {
  for (const name of names) {
    const pid = Number(/^\.atrium-(\d+)-\d+\.tmp$/.exec(name)?.[1]);
    if (pid > 0 && pid !== process.pid && !isAlive(pid)) await rm(join(folder, name), { force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return !isErrno(error, 'ESRCH');
  }
}

/** A page's file as found on disk; `path` has forward slashes and begins with the prefix that was asked for. */
export type FoundPage = { path: string; file: string; size: number; modifiedMs: number; stamp: string };

/** Every page under `root`, hidden names and symbolic links left out, in no particular order. */
export async function walkPages(root: string, prefix: string): Promise<FoundPage[]> {
  const found: FoundPage[] = [];
  const folders = [{ folder: root, path: prefix }];
  for (let next = folders.pop(); next !== undefined; next = folders.pop()) {
    const entries = await readdir(next.folder, { withFileTypes: true }).catch((error: unknown) => {
      if (isErrno(error, 'ENOENT', 'ENOTDIR')) return [];
      throw error;
    });
    for (const entry of entries) {
      if (entry.name.startsWith('.')) continue;
      const file = join(next.folder, entry.name);
      const path = `${next.path}/${entry.name}`;
      if (entry.isDirectory()) folders.push({ folder: file, path });
      else if (entry.isFile() && entry.name.endsWith('.md')) {
        const page = await statPage(file, path);
        if (page) found.push(page);
      }
    }
  }
  return found;
}

/** One page's file; null where it is no regular file. `stamp` changes with every change of the file. */
export async function statPage(file: string, path: string): Promise<FoundPage | null> {
  if (!basename(file).endsWith('.md')) return null;
  try {
    const stat = await lstat(file, { bigint: true });
    if (!stat.isFile()) return null;
    const stamp = `${stat.mtimeNs}:${stat.ctimeNs}:${stat.size}:${stat.ino}`;
    return { path, file, size: Number(stat.size), modifiedMs: Number(stat.mtimeMs), stamp };
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return null;
    throw error;
  }
}
