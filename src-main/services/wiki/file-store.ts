import { mkdir, readdir, realpath, rm, stat, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fail, ok } from '../../contract/errors.ts';
import type { Result } from '../../contract/errors.ts';
import { checkPagePath, foldName } from './page-path.ts';
import {
  hashOf,
  isErrno,
  readBytes,
  replaceFile,
  sweepTemporaries,
  syncFolder,
  walkPages,
} from './page-file.ts';
import { LONGEST_PAGE } from './page-store.ts';
import type { PageRevision, PageStore, PageText } from './page-store.ts';

const MOST_REVISIONS = 50;

/**
 * Pages as plain markdown files. One store serves a folder; two stores of one folder do not queue behind each other.
 *
 * @param root absolute path of the folder; it is made when the first page is written
 * @param prefix what paths begin with: the folder's own path in the workspace, say `wiki/label` or `wiki`
 * @param historyRoot folder outside `root` that keeps each text a write or removal replaces; none are kept without it
 */
export function filePageStore(options: { root: string; prefix: string; historyRoot?: string }): PageStore {
  const { root, prefix, historyRoot } = options;
  let queue: Promise<unknown> = Promise.resolve();

  function inOrder<T>(work: () => Promise<T>): Promise<T> {
    const run = queue.then(work, work);
    queue = run.catch(() => undefined);
    return run;
  }

  async function locate(path: string): Promise<Result<{ file: string; names: string[] }>> {
    const names = checkPagePath(path, prefix);
    if (!names.ok) return names;
    const linked = await linkOnTheWay(root, names.value);
    if (linked !== null) {
      return fail(
        'invalid-input',
        `The page path ${JSON.stringify(path)} goes through the symbolic link or file "${linked}".`,
        'Use a real folder inside the wiki.',
      );
    }
    return ok({ file: join(root, ...names.value), names: names.value });
  }

  async function current(path: string, file: string): Promise<PageText | null> {
    const bytes = await readBytes(file);
    return bytes && { path, text: bytes.toString('utf8'), hash: hashOf(bytes) };
  }

  async function keep(path: string, page: PageText | null, file: string): Promise<void> {
    if (historyRoot === undefined || page === null) return;
    const folder = join(historyRoot, path);
    await mkdir(folder, { recursive: true });
    const { mtime } = await stat(file);
    const revision = join(folder, `${mtime.getTime()}-${page.hash}.md`);
    await replaceFile(revision, Buffer.from(page.text), { fresh: true, still: () => Promise.resolve(true) });
    await utimes(revision, mtime, mtime);
    const kept = await revisions(folder);
    for (const old of kept.slice(MOST_REVISIONS)) await rm(join(folder, old.name), { force: true });
  }

  return {
    async list() {
      const pages = await walkPages(root, prefix);
      return pages
        .map(({ path, size, modifiedMs }) => ({ path, size, modifiedMs }))
        .sort((a, b) => (a.path < b.path ? -1 : 1));
    },

    async read(path) {
      const place = await locate(path);
      if (!place.ok) return place;
      const page = await current(path, place.value.file);
      return page ? ok(page) : missing(path);
    },

    write: (path, text, change) =>
      inOrder(async () => {
        const place = await locate(path);
        if (!place.ok) return place;
        if (/\p{Cs}|\0/u.test(text)) {
          return fail(
            'invalid-file',
            `The text for ${path} holds a NUL or half a character.`,
            'Write plain UTF-8 text.',
          );
        }
        const bytes = Buffer.from(text);
        if (bytes.length > LONGEST_PAGE) {
          return fail(
            'invalid-file',
            `The text for ${path} has ${bytes.length} bytes; a page has at most ${LONGEST_PAGE}.`,
            'Split the page.',
          );
        }
        const { file, names } = place.value;
        const before = await current(path, file);
        if ((before?.hash ?? null) !== change.expectedHash)
          return conflict(path, change.expectedHash, before);
        const hash = hashOf(bytes);
        if (before?.hash === hash) return ok({ path, hash, changed: false });
        const twin = await twinOf(root, names);
        if (twin !== null) {
          return fail(
            'already-exists',
            `The page ${path} would differ only in case from "${twin}", which exists.`,
            'Write to the existing name, or choose another.',
          );
        }
        await mkdir(dirname(file), { recursive: true });
        await sweepTemporaries(dirname(file), await readdir(dirname(file)));
        await keep(path, before, file);
        const still = async () => (await current(path, file))?.hash === before?.hash;
        const replaced = await replaceFile(file, bytes, { fresh: before === null, still });
        return replaced
          ? ok({ path, hash, changed: true })
          : conflict(path, change.expectedHash, await current(path, file));
      }),

    remove: (path, change) =>
      inOrder(async () => {
        const place = await locate(path);
        if (!place.ok) return place;
        const before = await current(path, place.value.file);
        if (before === null) return missing(path);
        if (before.hash !== change.expectedHash) return conflict(path, change.expectedHash, before);
        await keep(path, before, place.value.file);
        await rm(place.value.file, { force: true });
        await syncFolder(dirname(place.value.file));
        return ok({ path });
      }),

    async history(path) {
      const names = checkPagePath(path, prefix);
      if (!names.ok) return names;
      if (historyRoot === undefined) return ok([]);
      const folder = join(historyRoot, path);
      const kept: PageRevision[] = [];
      for (const { name, at, hash } of await revisions(folder)) {
        const bytes = await readBytes(join(folder, name));
        if (bytes) kept.push({ hash, at: new Date(at).toISOString(), text: bytes.toString('utf8') });
      }
      return ok(kept);
    },
  };
}

function missing(path: string) {
  return fail('not-found', `There is no page ${path}.`, 'Look at the list of pages for its name.');
}

function conflict(path: string, expected: string | null, found: PageText | null) {
  const shown = (hash: string | null | undefined) => (hash ? hash.slice(0, 12) : 'no page');
  return fail(
    'version-conflict',
    `The page ${path} is not what this change was made from: expected ${shown(expected)}, found ${shown(found?.hash)}.`,
    'Read the page again and repeat the change on what it says now.',
  );
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return [];
    throw error;
  }
}

async function revisions(folder: string): Promise<{ name: string; at: number; hash: string }[]> {
  const names = await namesIn(folder);
  return names
    .flatMap((name) => {
      const parts = /^(\d+)-([0-9a-f]{64})\.md$/.exec(name);
      return parts?.[1] && parts[2] ? { name, at: Number(parts[1]), hash: parts[2] } : [];
    })
    .sort((a, b) => b.at - a.at || (a.name < b.name ? 1 : -1));
}

/** The first name on the way to a page that is a symbolic link or no folder; null where all is plain. */
async function linkOnTheWay(root: string, names: readonly string[]): Promise<string | null> {
  const base = await realpath(root).catch(() => null);
  if (base === null) return null;
  for (let depth = 1; depth <= names.length; depth += 1) {
    const below = names.slice(0, depth);
    try {
      if ((await realpath(join(base, ...below))) !== join(base, ...below)) return below.join('/');
    } catch (error) {
      if (isErrno(error, 'ELOOP', 'ENOTDIR')) return below.join('/');
      if (isErrno(error, 'ENOENT')) return (await isDangling(join(base, ...below))) ? below.join('/') : null;
      throw error;
    }
  }
  return null;
}

async function isDangling(file: string): Promise<boolean> {
  const names = await readdir(dirname(file), { withFileTypes: true });
  return names.some((entry) => join(dirname(file), entry.name) === file);
}

/** An existing name that a file system without case would take for the same; null where the way is free. */
async function twinOf(root: string, names: readonly string[]): Promise<string | null> {
  let folder = root;
  for (const name of names) {
    const siblings = await namesIn(folder);
    const twin = siblings.find((sibling) => sibling !== name && foldName(sibling) === foldName(name));
    if (twin !== undefined && !siblings.includes(name)) return twin;
    folder = join(folder, name);
  }
  return null;
}
