import { mkdir } from 'node:fs/promises';
import { basename, join, relative, sep } from 'node:path';
import { watch } from 'chokidar';

/** Follows folders. `settled()` resolves when the index equals the files as they were when it was called. */
export type Watcher = { settled(): Promise<void>; close(): Promise<void> };

/** Watches some folders of pages and tells of each file that appeared, changed or went. Missing folders are made. */
export async function watchRoots<Root extends { readonly root: string; readonly prefix: string }>(options: {
  roots: readonly Root[];
  onFile: (root: Root, path: string, file: string) => Promise<void>;
  onError: (error: Error) => void;
  settled: () => Promise<void>;
}): Promise<Watcher> {
  const { roots, onFile, onError } = options;
  const asError = (error: unknown) => (error instanceof Error ? error : new Error(String(error)));
  for (const { root } of roots) await mkdir(root, { recursive: true });
  const watchers = roots.map((root) => {
    const watcher = watch(root.root, {
      ignoreInitial: true,
      followSymlinks: false,
      // A page that comes back within chokidar's window would be told late; the index looks at the file itself anyway.
      atomic: false,
      ignored: (file, stats) =>
        file !== root.root &&
        (basename(file).startsWith('.') || (stats?.isFile() === true && !file.endsWith('.md'))),
    });
    const ready = new Promise<void>((resolve, reject) => {
      watcher.once('ready', resolve);
      watcher.once('error', (error) => reject(asError(error)));
    });
    watcher.on('error', (error) => onError(asError(error)));
    watcher.on('all', (event, file) => {
      if (event === 'addDir' || event === 'unlinkDir') return;
      const below = relative(root.root, file).split(sep).join('/');
      onFile(root, `${root.prefix}/${below}`, join(root.root, below)).catch((error: unknown) =>
        onError(asError(error)),
      );
    });
    return { watcher, ready };
  });
  const close = async () => void (await Promise.all(watchers.map(({ watcher }) => watcher.close())));
  try {
    await Promise.all(watchers.map(({ ready }) => ready));
  } catch (error) {
    await close();
    throw error;
  }
  return { settled: options.settled, close };
}
