import type { Result } from '../../contract/errors.ts';

/** Who writes: the operator, or a role (`librarian`, `operator-global`, …) with its brand and run where it has them. */
export type PageAuthor = { readonly role: string; readonly brand?: string; readonly run?: string };

/** A page without its text. `path` is relative to the workspace, with forward slashes: `wiki/label/catalogue.md`. */
export type PageInfo = { readonly path: string; readonly size: number; readonly modifiedMs: number };

/** A page's text and the SHA-256 (hexadecimal) of its bytes. */
export type PageText = { readonly path: string; readonly text: string; readonly hash: string };

/** What a write left: `changed` is false when the page already was exactly this. */
export type PageWritten = { readonly path: string; readonly hash: string; readonly changed: boolean };

/** An earlier text of a page. `at` is when that text had been written (ISO 8601). */
export type PageRevision = { readonly hash: string; readonly at: string; readonly text: string };

/**
 * Author and expected state of a change. `expectedHash` is the hash of the text that the change was made from, null for a
 * page that must not exist yet. Anything else there is a `version-conflict`, and nothing is written.
 */
export type PageChange = { readonly author: PageAuthor; readonly expectedHash: string | null };

/**
 * Wiki pages of one folder. Failures are data: `invalid-input` (the path), `not-found`, `version-conflict`,
 * `already-exists` (a name that differs only in case), `not-authorized`, `invalid-file` (the text). Faults of the disk throw.
 */
export type PageStore = {
  list(): Promise<PageInfo[]>;
  read(path: string): Promise<Result<PageText>>;
  write(path: string, text: string, change: PageChange): Promise<Result<PageWritten>>;
  remove(path: string, change: PageChange): Promise<Result<{ path: string }>>;
  /** Earlier texts, newest first; empty where none were kept. */
  history(path: string): Promise<Result<PageRevision[]>>;
};

/** No page is longer, in bytes. */
export const LONGEST_PAGE = 1024 * 1024;
