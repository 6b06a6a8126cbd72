import { watch } from 'chokidar';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { isLandingLock } from '../services/repositories/index.ts';

/**
 * Calls `changed` when something in a folder of the operator's, its git folder included, may have changed since the call: once
 * when the watch stands, and then with each change. What it returns ends it.
 */
export type FolderWatch = (folder: string, changed: () => void) => () => void;

/** What git and Atrium themselves write there while they look. */
const OWN_TRACES =
  /\/(node_modules|\.git\/((worktrees|modules)\/[^/]+\/)?(objects|logs|atrium-index[^/]*))(\/|$)/;

/** Held by whoever is at work on the index; that it goes away is news, unless it was Atrium's own. */
const LOCK = /\/\.git\/(.*\/)?index\.lock$/;

/** A {@link FolderWatch} over the file system; a watch that fails is told, and the folder is looked at again at the next start. */
export function createFolderWatch(onFault: (error: unknown) => void): FolderWatch {
  return (folder, changed) => {
    const own = new Set<string>();
    const watcher = watch([folder, ...gitFolderElsewhere(folder)], {
      ignoreInitial: true,
      ignored: (path) => OWN_TRACES.test(path),
      awaitWriteFinish: { stabilityThreshold: 200, pollInterval: 50 },
    });
    watcher.on('all', (event, path) => {
      if (!LOCK.test(path)) changed();
      else if (event === 'unlink' && !own.delete(path)) changed();
      else if (event !== 'unlink') own[isOwn(path) ? 'add' : 'delete'](path);
    });
    watcher.once('ready', changed);
    watcher.on('error', onFault);
    return () => void watcher.close();
  };
}

/** A linked working tree and a submodule have a file in place of a git folder; it names where that is. */
function gitFolderElsewhere(folder: string): string[] {
  try {
    const named = /^gitdir: (.+)/.exec(readFileSync(join(folder, '.git'), 'utf8'))?.[1];
    return named === undefined ? [] : [resolve(folder, named)];
  } catch {
    return [];
  }
}

/** A lock that is gone before it could be read was a short one: what it held is seen by what it changed. */
function isOwn(lock: string): boolean {
  try {
    return isLandingLock(readFileSync(lock, 'utf8'));
  } catch {
    return true;
  }
}
