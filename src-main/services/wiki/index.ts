/** Wiki: pages as plain markdown files, who may write them, and the index that finds them. */
export { filePageStore } from './file-store.ts';
export { checkedPageStore } from './checked-store.ts';
export type { Authorization, Authorize } from './checked-store.ts';
export { eventedPageStore } from './evented-store.ts';
export type { PageEvent } from './evented-store.ts';
export { LONGEST_PAGE } from './page-store.ts';
export type {
  PageAuthor,
  PageChange,
  PageInfo,
  PageRevision,
  PageStore,
  PageText,
  PageWritten,
} from './page-store.ts';
export { parsePage, sourcesOf } from './page.ts';
export type { Frontmatter, FrontmatterError, PageLink, ParsedPage } from './page.ts';
export { openWikiIndex } from './wiki-index.ts';
export type {
  IndexChange,
  RefreshReport,
  SearchResult,
  ShownPage,
  WikiIndex,
  WikiRoot,
} from './wiki-index.ts';
export type { IndexedPage } from './index-database.ts';
export type { LintIssue, ResolveSource } from './lint.ts';
export type { Watcher } from './watch.ts';
