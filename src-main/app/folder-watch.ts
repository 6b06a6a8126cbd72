import { watch } from 'chokidar';

/**
 * Calls `changed` when something in a folder of the operator's, its git folder included, may have changed since the call: once
 * when the watch stands, and then with each change. What it returns ends it.
 */
export type FolderWatch = (folder: string, changed: () => void) => () => void;

/** What git and Atrium themselves write there while they look. */
const OWN_TRACES = /\/(node_modules|\.git\/(objects|logs|index\.lock|atrium-index[^/]*))(\/|$)/;

/** A {@link FolderWatch} over the file system; a watch that fails is told, and the folder is looked at again at the next start. */
export function createFolderWatch(onFault: (error: unknown) => void): FolderWatch {
  return (folder, changed) => {
    const watcher = watch(folder, {
      ignoreInitial: true,
      ignored: (path) => OWN_TRACES.test(path),
      awaitWriteFinish: { stabilityThreshold: 200, pollInterval: 50 },
    });
    watcher.on('all', changed);
    watcher.once('ready', changed);
    watcher.on('error', onFault);
    return () => void watcher.close();
  };
}
