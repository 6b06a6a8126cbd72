import { rmSync } from 'node:fs';
import Database from 'better-sqlite3';
import type { Database as Sqlite } from 'better-sqlite3';
import type { Source } from '../../domain/claims.ts';
import { sourcesOf } from './page.ts';
import type { PageLink, ParsedPage } from './page.ts';

/** What the index keeps of a page beside its text. `stamp` tells whether the file must be read again. */
export type IndexedPage = {
  readonly path: string;
  readonly brand: string;
  readonly title: string;
  readonly authority: string;
  readonly confidence: string;
  readonly updated: string;
  readonly sources: readonly Source[];
  readonly hash: string;
  readonly stamp: string;
  readonly error: string | null;
};

/** A found page: `snippet` is plain text in which matches stand between U+0002 and U+0003. */
export type FoundText = IndexedPage & { readonly snippet: string };

export type IndexedLink = PageLink & { readonly page: string; readonly brand: string };

type Row = Omit<IndexedPage, 'sources'> & { id: number; sources: string };

type FoundRow = Row & { snippet: string };

type SearchFor = { match: string; limit: number; brands: string };

const FORMAT = 1;

/** From this many matches on, a word that is still being typed is not ranked: it would take longer than the next key. */
const COMMON = 1000;

const SNIPPET = "snippet(text, 2, char(2), char(3), '…', 24) AS snippet";

const SCHEMA = `
  CREATE TABLE page (
    id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE, brand TEXT NOT NULL, title TEXT NOT NULL, authority TEXT NOT NULL,
    confidence TEXT NOT NULL, updated TEXT NOT NULL, sources TEXT NOT NULL, hash TEXT NOT NULL, stamp TEXT NOT NULL,
    error TEXT
  ) STRICT;
  CREATE INDEX page_brand ON page (brand, path);
  CREATE TABLE link (
    page INTEGER NOT NULL REFERENCES page (id) ON DELETE CASCADE,
    kind TEXT NOT NULL, target TEXT NOT NULL, key TEXT NOT NULL, line INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX link_key ON link (key);
  CREATE INDEX link_page ON link (page);
  CREATE VIRTUAL TABLE text USING fts5 (
    title, headings, body, tokenize = 'unicode61 remove_diacritics 2', prefix = '2 3 4'
  );
`;

/**
 * The derived index in SQLite: it holds nothing that the files do not, so an unreadable or older one is dropped.
 *
 * @param file the database's file, or `:memory:`
 */
export function openIndexDatabase(file: string) {
  let sqlite = openSqlite(file);
  let statements = prepare(sqlite);

  function drop(): void {
    sqlite.close();
    removeFiles(file);
    sqlite = openSqlite(file);
    statements = prepare(sqlite);
  }

  function remove(path: string): boolean {
    const found = statements.idOf.get(path);
    if (!found) return false;
    statements.dropText.run(found.id);
    statements.dropPage.run(found.id);
    return true;
  }

  function put(page: ParsedPage, about: { brand: string; hash: string; stamp: string; text: string }): void {
    remove(page.path);
    const { lastInsertRowid: id } = statements.addPage.run({
      path: page.path,
      brand: about.brand,
      title: page.title,
      authority: page.frontmatter?.authority ?? '',
      confidence: page.frontmatter?.confidence ?? '',
      updated: page.frontmatter?.updated ?? '',
      sources: JSON.stringify(sourcesOf(page)),
      hash: about.hash,
      stamp: about.stamp,
      error: page.error?.message ?? null,
    });
    statements.addText.run(id, page.title, page.headings.join('\n'), about.text);
    for (const link of page.links) {
      statements.addLink.run(id, link.kind, link.target, linkKey(page.path, link), link.line);
    }
  }

  return {
    drop,
    put,
    remove,
    /** Notes that a file was touched without being changed. */
    restamp: (path: string, stamp: string) => void statements.restamp.run(stamp, path),
    /** Runs `work` in one transaction. */
    together: (work: () => void) => sqlite.transaction(work)(),
    /**
     * Begins a transaction in which many `together` are saved at once by the function it returns. Only for a writer that
     * nothing else writes beside: the text index is far quicker in few, large transactions.
     */
    gather(): () => void {
      sqlite.exec('BEGIN IMMEDIATE');
      return () => {
        try {
          sqlite.exec('COMMIT');
        } finally {
          if (sqlite.inTransaction) sqlite.exec('ROLLBACK');
        }
      };
    },
    stamps: (brand: string) => new Map(statements.stamps.all(brand).map((row) => [row.path, row])),
    brands: () => statements.brands.all().map((row) => row.brand),
    page(path: string): IndexedPage | null {
      const row = statements.page.get(path);
      return row ? fromRow(row) : null;
    },
    pages: (brands: readonly string[]) => brands.flatMap((brand) => statements.pages.all(brand).map(fromRow)),
    links: (brands: readonly string[]) => brands.flatMap((brand) => statements.links.all(brand)),
    linksTo: (keys: readonly string[], brands: readonly string[]) =>
      statements.linksTo.all(JSON.stringify(keys), JSON.stringify(brands)).map((row) => row.path),
    /** Pages of these brands that match, best first; a very common beginning is ranked by title only. */
    search(expression: string, brands: readonly string[], limit: number): FoundText[] {
      const asked = { match: expression, limit, brands: JSON.stringify(brands) };
      const common = expression.endsWith('*') && (statements.count.get(expression)?.matches ?? 0) > COMMON;
      if (!common) return statements.ranked.all(asked).map(toFound);
      const byTitle = statements.recent.all({ ...asked, match: `title : (${expression})` });
      const others =
        byTitle.length < limit ? statements.recent.all({ ...asked, limit: limit + byTitle.length }) : [];
      const found = new Map([...byTitle, ...others].map((row) => [row.id, row]));
      return [...found.values()].slice(0, limit).map(toFound);
    },
    close: () => void sqlite.close(),
  };
}

export type IndexDatabase = ReturnType<typeof openIndexDatabase>;

function openSqlite(file: string): Sqlite {
  try {
    return openFresh(file);
  } catch (error) {
    if (file === ':memory:' || !(error instanceof Database.SqliteError) || !/CORRUPT|NOTADB/.test(error.code))
      throw error;
    removeFiles(file);
    return openFresh(file);
  }
}

function openFresh(file: string): Sqlite {
  const sqlite = new Database(file);
  try {
    sqlite.pragma('journal_mode = WAL');
    sqlite.pragma('synchronous = NORMAL');
    sqlite.pragma('cache_size = -32000');
    sqlite.pragma('foreign_keys = ON');
    if (sqlite.pragma('user_version', { simple: true }) === FORMAT) return sqlite;
    sqlite.transaction(() => {
      sqlite.exec('DROP TABLE IF EXISTS text; DROP TABLE IF EXISTS link; DROP TABLE IF EXISTS page;');
      sqlite.exec(SCHEMA);
      sqlite.pragma(`user_version = ${FORMAT}`);
    })();
    return sqlite;
  } catch (error) {
    sqlite.close();
    throw error;
  }
}

function removeFiles(file: string): void {
  if (file === ':memory:') return;
  for (const suffix of ['', '-wal', '-shm']) rmSync(file + suffix, { force: true });
}

function prepare(sqlite: Sqlite) {
  return {
    idOf: sqlite.prepare<[string], { id: number }>('SELECT id FROM page WHERE path = ?'),
    page: sqlite.prepare<[string], Row>('SELECT * FROM page WHERE path = ?'),
    pages: sqlite.prepare<[string], Row>('SELECT * FROM page WHERE brand = ? ORDER BY path'),
    brands: sqlite.prepare<[], { brand: string }>('SELECT DISTINCT brand FROM page'),
    stamps: sqlite.prepare<[string], { path: string; stamp: string; hash: string }>(
      'SELECT path, stamp, hash FROM page WHERE brand = ?',
    ),
    restamp: sqlite.prepare<[string, string]>('UPDATE page SET stamp = ? WHERE path = ?'),
    addPage: sqlite.prepare(
      `INSERT INTO page (path, brand, title, authority, confidence, updated, sources, hash, stamp, error)
       VALUES (@path, @brand, @title, @authority, @confidence, @updated, @sources, @hash, @stamp, @error)`,
    ),
    addText: sqlite.prepare('INSERT INTO text (rowid, title, headings, body) VALUES (?, ?, ?, ?)'),
    addLink: sqlite.prepare('INSERT INTO link (page, kind, target, key, line) VALUES (?, ?, ?, ?, ?)'),
    dropPage: sqlite.prepare<[number]>('DELETE FROM page WHERE id = ?'),
    dropText: sqlite.prepare<[number]>('DELETE FROM text WHERE rowid = ?'),
    links: sqlite.prepare<[string], IndexedLink>(
      `SELECT page.path AS page, page.brand, link.kind, link.target, link.line FROM link JOIN page ON page.id = link.page
       WHERE page.brand = ? ORDER BY page.path, link.line`,
    ),
    linksTo: sqlite.prepare<[string, string], { path: string }>(
      `SELECT DISTINCT page.path FROM link JOIN page ON page.id = link.page
       WHERE link.key IN (SELECT value FROM json_each(?)) AND page.brand IN (SELECT value FROM json_each(?)) ORDER BY page.path`,
    ),
    count: sqlite.prepare<[string], { matches: number }>(
      `SELECT count(*) AS matches FROM (SELECT 1 FROM text WHERE text MATCH ? LIMIT ${COMMON + 1})`,
    ),
    // CROSS JOIN keeps the full-text index outermost, so that it ranks and only what is returned gets a snippet.
    ranked: sqlite.prepare<[SearchFor], FoundRow>(
      `SELECT page.*, ${SNIPPET} FROM text CROSS JOIN page ON page.id = text.rowid
       WHERE text MATCH @match AND rank MATCH 'bm25(8.0, 3.0, 1.0)' AND page.brand IN (SELECT value FROM json_each(@brands))
       ORDER BY text.rank LIMIT @limit`,
    ),
    recent: sqlite.prepare<[SearchFor], FoundRow>(
      `SELECT page.*, ${SNIPPET} FROM text CROSS JOIN page ON page.id = text.rowid
       WHERE text MATCH @match AND page.brand IN (SELECT value FROM json_each(@brands))
       ORDER BY text.rowid DESC LIMIT @limit`,
    ),
  };
}

function fromRow({
  path,
  brand,
  title,
  authority,
  confidence,
  updated,
  hash,
  stamp,
  error,
  sources,
}: Row): IndexedPage {
  return {
    path,
    brand,
    title,
    authority,
    confidence,
    updated,
    hash,
    stamp,
    error,
    sources: JSON.parse(sources) as Source[],
  };
}

function toFound(row: FoundRow): FoundText {
  return { ...fromRow(row), snippet: row.snippet.replace(/\s+/g, ' ').trim() };
}

/** What a link is looked up by: a page's path for a relative link, a name for a wikilink; without case and `.md`. */
export function linkKey(from: string, link: PageLink): string {
  if (link.kind === 'wiki') return fold(link.target);
  const names = from.split('/').slice(0, -1);
  for (const name of link.target.split('/')) {
    if (name === '..') names.pop();
    else if (name !== '.' && name !== '') names.push(name);
  }
  return fold(names.join('/'));
}

/** The keys by which a page can be linked to: its path with and without the leading folders, its name, its title. */
export function keysOf(page: { path: string; title: string }): string[] {
  const names = page.path.split('/');
  const tails = names.map((_, index) => names.slice(index).join('/'));
  return [...new Set([...tails, page.title].map(fold))];
}

function fold(name: string): string {
  return name.normalize('NFC').toLowerCase().replace(/\.md$/, '').trim();
}
