import { setImmediate as breathe } from 'node:timers/promises';
import { fail, ok } from '../../contract/errors.ts';
import type { Result } from '../../contract/errors.ts';
import type { Source } from '../../domain/claims.ts';
import { keysOf, openIndexDatabase } from './index-database.ts';
import type { IndexedPage } from './index-database.ts';
import { lintPages } from './lint.ts';
import type { LintIssue, ResolveSource } from './lint.ts';
import { parsePage } from './page.ts';
import { checkPagePath } from './page-path.ts';
import { hashOf, readBytes, statPage, walkPages } from './page-file.ts';
import type { FoundPage } from './page-file.ts';
import { toMatchExpression } from './search-query.ts';
import { watchRoots } from './watch.ts';
import type { Watcher } from './watch.ts';

/** A folder of pages. `brand` is the brand's id or `_global`; paths in the index begin with `prefix` (`wiki/<brand>`). */
export type WikiRoot = { readonly brand: string; readonly root: string; readonly prefix?: string };

/** A page that a search found. In `snippet`, matches stand between U+0002 and U+0003. */
export type SearchResult = {
  readonly page: string;
  readonly title: string;
  readonly brand: string;
  readonly confidence: string;
  readonly snippet: string;
  readonly sources: readonly Source[];
};

/** A page as it is shown: its text without frontmatter, what links to it, what it claims. Absent values are empty. */
export type ShownPage = {
  readonly page: string;
  readonly title: string;
  readonly brand: string;
  readonly authority: string;
  readonly confidence: string;
  readonly updated: string;
  readonly sources: readonly Source[];
  readonly body: string;
  readonly hash: string;
  readonly backlinks: readonly string[];
  readonly claims: readonly {
    readonly id: string;
    readonly text: string;
    readonly confidence: string;
    readonly sources: readonly string[];
    readonly updated: string;
  }[];
  /** What is wrong with the frontmatter; null where nothing is. */
  readonly error: string | null;
};

/** What a refresh did, in pages. */
export type RefreshReport = {
  readonly added: number;
  readonly changed: number;
  readonly removed: number;
  readonly total: number;
};

/** A change that is in the index and can be searched. */
export type IndexChange = {
  readonly type: 'changed' | 'removed';
  readonly page: string;
  readonly brand: string;
  readonly hash: string | null;
};

const GLOBAL = '_global';
/** So many pages are read before other work has its turn, and so many are saved in one transaction. */
const BATCH = 10;
const SAVED_AT_ONCE = 1000;

/**
 * Opens the search index over the pages of some folders. The index is derived: {@link refresh} makes it equal to the files.
 * A search for one brand sees that brand's folder and `_global`, never another's.
 *
 * @param file the index's own database file, outside the wiki; `:memory:` for none
 */
export function openWikiIndex(options: { file: string; roots: readonly WikiRoot[] }) {
  const roots = options.roots.map((root) => ({ ...root, prefix: root.prefix ?? `wiki/${root.brand}` }));
  if (new Set(roots.map((root) => root.brand)).size < roots.length)
    throw new RangeError('A brand has one folder of pages.');
  const database = openIndexDatabase(options.file);
  const watchers = new Set<Watcher>();
  const listeners = new Set<(change: IndexChange) => void>();
  let queue: Promise<unknown> = Promise.resolve();
  let closed = false;

  function inOrder<T>(work: () => Promise<T>): Promise<T> {
    const run = queue.then(work, work);
    queue = run.catch(() => undefined);
    return run;
  }

  function visible(brand: string | undefined): string[] {
    const open = [...new Set(roots.map((root) => root.brand))];
    return brand === undefined ? open : open.filter((one) => one === brand || one === GLOBAL);
  }

  function tell(change: IndexChange): void {
    for (const listener of listeners) listener(change);
  }

  type Work = { found: FoundPage; brand: string; known: { stamp: string; hash: string } | undefined };

  /** Reads some pages and takes them into the index in one transaction; says for each whether its text is new. */
  async function take(batch: readonly Work[]): Promise<{ added: number; changed: number }> {
    const read = await Promise.all(
      batch.map(async (work) => ({ ...work, bytes: await readBytes(work.found.file) })),
    );
    const counts = { added: 0, changed: 0 };
    const changes: IndexChange[] = [];
    database.together(() => {
      for (const { found, brand, known, bytes } of read) {
        if (bytes === null) continue;
        const hash = hashOf(bytes);
        if (known?.hash === hash) {
          database.restamp(found.path, found.stamp);
          continue;
        }
        const page = parsePage(found.path, bytes.toString('utf8'));
        database.put(page, { brand, hash, stamp: found.stamp, text: searchable(page.body) });
        counts[known ? 'changed' : 'added'] += 1;
        changes.push({ type: 'changed', page: found.path, brand, hash });
      }
    });
    changes.forEach(tell);
    return counts;
  }

  async function refreshRoot(root: (typeof roots)[number]): Promise<RefreshReport> {
    const known = database.stamps(root.brand);
    const found = await walkPages(root.root, root.prefix);
    const stale = found.filter((page) => known.get(page.path)?.stamp !== page.stamp);
    const report = { added: 0, changed: 0, removed: 0, total: found.length };
    for (let from = 0; from < stale.length && !closed; from += SAVED_AT_ONCE) {
      const part = stale.slice(from, from + SAVED_AT_ONCE);
      const save = database.gather();
      try {
        for (let at = 0; at < part.length && !closed; at += BATCH) {
          const batch = part
            .slice(at, at + BATCH)
            .map((page) => ({ found: page, brand: root.brand, known: known.get(page.path) }));
          const counts = await take(batch);
          report.added += counts.added;
          report.changed += counts.changed;
          await breathe();
        }
      } finally {
        save();
      }
    }
    const present = new Set(found.map((page) => page.path));
    const gone = [...known.keys()].filter((path) => !present.has(path));
    if (closed) return report;
    database.together(() => gone.forEach((path) => database.remove(path)));
    gone.forEach((page) => tell({ type: 'removed', page, brand: root.brand, hash: null }));
    return { ...report, removed: gone.length };
  }

  async function refreshAll(): Promise<RefreshReport> {
    const report = { added: 0, changed: 0, removed: 0, total: 0 };
    const open = new Set(roots.map((root) => root.brand));
    for (const brand of database.brands().filter((one) => !open.has(one))) {
      const paths = [...database.stamps(brand).keys()];
      database.together(() => paths.forEach((path) => database.remove(path)));
      report.removed += paths.length;
    }
    for (const root of roots) {
      const part = await refreshRoot(root);
      for (const key of ['added', 'changed', 'removed', 'total'] as const) report[key] += part[key];
    }
    return report;
  }

  /** Takes one file into the index as it is now. */
  async function follow(root: (typeof roots)[number], path: string, file: string): Promise<void> {
    if (closed) return;
    const found = await statPage(file, path);
    const known = database.page(path) ?? undefined;
    if (found) {
      if (known?.stamp !== found.stamp) await take([{ found, brand: root.brand, known }]);
    } else if (known) {
      database.remove(path);
      tell({ type: 'removed', page: path, brand: root.brand, hash: null });
    }
  }

  function rootOf(path: string) {
    return roots.find((root) => path.startsWith(`${root.prefix}/`));
  }

  async function readPage(path: string): Promise<Result<{ text: string; hash: string; brand: string }>> {
    const root = rootOf(path);
    const names = checkPagePath(path, root?.prefix ?? 'wiki');
    if (!names.ok) return names;
    // Only what a walk has found is read, so that no name leads out of the folder.
    const bytes =
      root && database.page(path) ? await readBytes(`${root.root}/${names.value.join('/')}`) : null;
    if (!root || bytes === null) return missing(path);
    return ok({ text: bytes.toString('utf8'), hash: hashOf(bytes), brand: root.brand });
  }

  return {
    /** Makes the index equal to the files, reading only those whose time or size changed. */
    refresh: () => inOrder(refreshAll),

    /** Drops the index and reads every page again. */
    rebuild: () =>
      inOrder(async () => {
        database.drop();
        return refreshAll();
      }),

    /** Best matches first. Any text is a valid query; one without a word finds nothing. */
    search(query: string, { brand, limit = 20 }: { brand?: string; limit?: number } = {}): SearchResult[] {
      const expression = toMatchExpression(query);
      const brands = visible(brand);
      if (expression === null || brands.length === 0) return [];
      return database
        .search(expression, brands, Math.min(Math.max(1, Math.trunc(limit)), 200))
        .map((hit) => ({
          page: hit.path,
          title: hit.title,
          brand: hit.brand,
          confidence: hit.confidence,
          snippet: hit.snippet,
          sources: hit.sources,
        }));
    },

    /** All pages, by path; of one brand and `_global` where a brand is named. */
    pages: ({ brand }: { brand?: string } = {}): IndexedPage[] => database.pages(visible(brand)),

    /**
     * One page, read from its file; `not-found`, or `invalid-input` for a path that can be none.
     *
     * @param scope with a brand, another brand's page is `not-found` and its pages are no backlinks
     */
    async show(path: string, scope: { brand?: string } = {}): Promise<Result<ShownPage>> {
      const read = await readPage(path);
      if (!read.ok) return read;
      const { text, hash, brand } = read.value;
      if (!visible(scope.brand).includes(brand)) return missing(path);
      const page = parsePage(path, text);
      const { frontmatter } = page;
      const readers = brand === GLOBAL ? visible(scope.brand) : [brand, GLOBAL];
      return ok({
        page: path,
        title: page.title,
        brand,
        authority: frontmatter?.authority ?? '',
        confidence: frontmatter?.confidence ?? '',
        updated: frontmatter?.updated ?? '',
        sources: frontmatter?.sources ?? [],
        body: page.body,
        hash,
        backlinks: database.linksTo(keysOf(page), readers).filter((from) => from !== path),
        claims: page.claims.map((claim) => ({
          id: claim.id,
          text: claim.text,
          confidence: claim.confidence ?? frontmatter?.confidence ?? '',
          sources: claim.sources.map((source) => `${source.kind} ${source.ref}`),
          updated: claim.updated ?? frontmatter?.updated ?? '',
        })),
        error: page.error?.message ?? null,
      });
    },

    /** Uncited claims, dead links, sources that do not resolve, broken frontmatter; of all pages or one brand's. */
    async lint(resolve: ResolveSource, { brand }: { brand?: string } = {}): Promise<LintIssue[]> {
      const brands = brand === undefined ? visible(undefined) : [brand];
      const pages = database.pages(brands.filter((one) => visible(undefined).includes(one)));
      const seenFrom = (one: string) => visible(one === GLOBAL ? undefined : one);
      const targets = new Map(
        visible(undefined).map((one) => [one, new Set(database.pages(seenFrom(one)).flatMap(keysOf))]),
      );
      return lintPages({ pages, resolve, links: database.links(brands), targets, read: readPage });
    },

    /** Pages whose text the index does not have as it is on disk; empty when the index equals the files. */
    async differences(): Promise<string[]> {
      const differing: string[] = [];
      for (const root of roots) {
        const known = database.stamps(root.brand);
        for (const found of await walkPages(root.root, root.prefix)) {
          const bytes = await readBytes(found.file);
          if (bytes === null || known.get(found.path)?.hash !== hashOf(bytes)) differing.push(found.path);
          known.delete(found.path);
        }
        differing.push(...known.keys());
      }
      return differing.sort();
    },

    /** Calls `listener` for each change once it can be searched; returns what ends that. */
    onChange(listener: (change: IndexChange) => void): () => void {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },

    /**
     * Follows the folders until closed. Resolves when every change from now on is seen.
     *
     * @param onError told when watching itself fails; the index then needs {@link refresh} to be up to date
     */
    async watch(onError: (error: Error) => void): Promise<Watcher> {
      const watcher = await watchRoots({
        roots,
        onError,
        onFile: (root, path, file) => inOrder(() => follow(root, path, file)),
        settled: () => inOrder(refreshAll).then(() => undefined),
      });
      watchers.add(watcher);
      return watcher;
    },

    /** Ends watching and closes the database; work under way ends first. */
    async close(): Promise<void> {
      closed = true;
      await Promise.all([...watchers].map((watcher) => watcher.close()));
      await queue;
      database.close();
    },
  };
}

export type WikiIndex = ReturnType<typeof openWikiIndex>;

function missing(path: string) {
  return fail('not-found', `There is no page ${path}.`, 'Look at the list of pages for its name.');
}

/** A page's text as it is searched: without claim markers and footnote references. */
function searchable(body: string): string {
  return body
    .slice(0, 512 * 1024)
    .replace(/<!-- claim:[A-Za-z0-9._-]+ -->/g, '')
    .replace(/\[\^[A-Za-z0-9._-]+\](?!:)/g, '')
    .replace(/\\([\\`*_{}[\]<>#|~^$&=%!])/g, '$1')
    .replace(/[\u0002\u0003]/g, ' ');
}
