import type { Result } from '../../contract/errors.ts';
import { SOURCE_KINDS } from '../../domain/claims.ts';
import type { Source } from '../../domain/claims.ts';
import { linkKey } from './index-database.ts';
import type { IndexedLink, IndexedPage } from './index-database.ts';
import { parsePage, sourcesOf } from './page.ts';

/** Something to mend on a page. `line` counts from 1, and is 1 where it is about the whole page. */
export type LintIssue = {
  readonly kind: 'frontmatter' | 'uncited' | 'dead-link' | 'unresolved-source';
  readonly page: string;
  readonly brand: string;
  readonly line: number;
  readonly message: string;
};

/** Says whether what a page cites exists: the ticket, the commit, the log line, the page, the operator's answer. */
export type ResolveSource = (source: Source, brand: string) => boolean | Promise<boolean>;

/** Looks at pages; a source that could not be looked up counts as one that does not resolve. */
export async function lintPages(options: {
  pages: readonly IndexedPage[];
  links: readonly IndexedLink[];
  targets: ReadonlyMap<string, ReadonlySet<string>>;
  resolve: ResolveSource;
  read: (path: string) => Promise<Result<{ text: string }>>;
}): Promise<LintIssue[]> {
  const { pages, links, targets, resolve, read } = options;
  const issues: LintIssue[] = [];
  const outcomes = new Map<string, Promise<string | null>>();

  function problemOf(source: Source, brand: string): Promise<string | null> {
    const key = `${brand} ${source.kind} ${source.ref}`;
    const asked = outcomes.get(key) ?? lookUp(resolve, source, brand);
    outcomes.set(key, asked);
    return asked;
  }

  for (const { path, brand } of pages) {
    const text = await read(path);
    if (!text.ok) continue;
    const page = parsePage(path, text.value.text);
    const issue = (kind: LintIssue['kind'], line: number, message: string) =>
      issues.push({ kind, page: path, brand, line, message });
    if (page.error) issue('frontmatter', page.error.line, page.error.message);
    for (const claim of page.claims.filter((one) => one.sources.length === 0)) {
      issue(
        'uncited',
        claim.line,
        `The claim "${claim.id}" names no source; one of ${SOURCE_KINDS.join(', ')} was expected.`,
      );
    }
    const byRole =
      page.frontmatter?.authority !== undefined && !['operator', null].includes(page.frontmatter.authority);
    if (byRole && sourcesOf(page).length === 0) issue('uncited', 1, `The page ${path} names no source.`);
    for (const source of sourcesOf(page)) {
      const problem = await problemOf(source, brand);
      if (problem === null) continue;
      const line = page.claims.find((claim) =>
        claim.sources.some((one) => one.kind === source.kind && one.ref === source.ref),
      )?.line;
      issue('unresolved-source', line ?? 1, `${source.kind} ${source.ref} ${problem}.`);
    }
  }
  for (const link of links) {
    if (link.kind === 'relative' && !/\.md$/i.test(link.target)) continue;
    if (targets.get(link.brand)?.has(linkKey(link.page, link))) continue;
    const shown = link.kind === 'wiki' ? `[[${link.target}]]` : link.target;
    issues.push({
      kind: 'dead-link',
      page: link.page,
      brand: link.brand,
      line: link.line,
      message: `The link ${shown} leads to no page that this one may see.`,
    });
  }
  return issues.sort((a, b) => (a.page < b.page ? -1 : a.page > b.page ? 1 : a.line - b.line));
}

async function lookUp(resolve: ResolveSource, source: Source, brand: string): Promise<string | null> {
  try {
    return (await resolve(source, brand)) ? null : 'does not resolve';
  } catch (error) {
    return `could not be looked up (${error instanceof Error ? error.message : String(error)})`;
  }
}
