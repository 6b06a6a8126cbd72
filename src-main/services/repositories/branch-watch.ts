import { watch } from 'node:fs';
import type { FSWatcher } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Room } from './room.ts';

/**
 * Calls back when the branch may have moved: its loose ref or the packed refs were written. A watch that fails ends quietly: it
 * only makes a move seen earlier, and whoever builds on the branch looks first. What it returns ends it.
 */
export function watchBranch(room: Room, moved: () => void): () => void {
  const ref = join(room.commonDir, 'refs', 'heads', room.branch);
  const follow = (folder: string, name: string): FSWatcher | null => {
    try {
      const watcher = watch(folder, { persistent: false }, (_kind, changed) => {
        if (changed === name) moved();
      });
      watcher.on('error', () => watcher.close());
      return watcher;
    } catch {
      return null;
    }
  };
  const watchers = [follow(dirname(ref), basename(ref)), follow(room.commonDir, 'packed-refs')];
  return () => watchers.forEach((watcher) => watcher?.close());
}
