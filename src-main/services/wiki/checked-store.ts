import { fail } from '../../contract/errors.ts';
import type { Failure } from '../../contract/errors.ts';
import { frontmatterSpan } from '../../domain/claims.ts';
import { parsePage, sourcesOf } from './page.ts';
import type { PageAuthor, PageStore } from './page-store.ts';

/** The policy's answer to "may this author write this page?". */
export type Authorization = { readonly allowed: boolean; readonly rule: string; readonly reason: string };
export type Authorize = (path: string, author: PageAuthor) => Authorization | Promise<Authorization>;

/**
 * A store that lets a role write only where it has authority, and only what names its evidence. The operator edits freely.
 *
 * @param authorize asked for every change by a role; when it throws, the change is refused
 */
export function checkedPageStore(inner: PageStore, { authorize }: { authorize: Authorize }): PageStore {
  async function refusal(path: string, author: PageAuthor): Promise<{ ok: false; failure: Failure } | null> {
    if (author.role === 'operator') return null;
    let answer: Authorization;
    try {
      answer = await authorize(path, author);
    } catch (error) {
      const what = error instanceof Error ? error.message : String(error);
      answer = {
        allowed: false,
        rule: 'policy-unavailable',
        reason: `the policy could not be asked (${what})`,
      };
    }
    if (answer.allowed === true) return null;
    return fail(
      'not-authorized',
      `${author.role} may not write ${path}: ${answer.reason} (rule ${answer.rule}).`,
      'Ask the role that has authority there, or let the operator write it.',
    );
  }

  return {
    list: () => inner.list(),
    read: (path) => inner.read(path),
    history: (path) => inner.history(path),
    async write(path, text, change) {
      const refused = await refusal(path, change.author);
      if (refused) return refused;
      if (change.author.role !== 'operator') {
        const before = await inner.read(path);
        const problem = uncited(path, text, before.ok ? before.value.text : null);
        if (problem !== null) {
          return fail(
            'invalid-file',
            problem,
            'Name the ticket, commit, log line, page or answer it rests on.',
          );
        }
      }
      return inner.write(path, text, change);
    },
    async remove(path, change) {
      return (await refusal(path, change.author)) ?? inner.remove(path, change);
    },
  };
}

/** What a role's page lacks; null where it may be written. Frontmatter that was broken before may stay as it is. */
function uncited(path: string, text: string, before: string | null): string | null {
  const page = parsePage(path, text);
  if (page.error && (before === null || frontmatterOf(before) !== frontmatterOf(text)))
    return page.error.message;
  const bare = page.claims.find((claim) => claim.sources.length === 0);
  if (bare) return `The claim "${bare.id}" on line ${bare.line} of ${path} names no source.`;
  if (sourcesOf(page).length === 0) return `The page ${path} names no source.`;
  if (before === null && (page.frontmatter?.authority ?? null) === null) {
    return `The page ${path} does not say whose authority it has.`;
  }
  return null;
}

function frontmatterOf(text: string): string {
  const span = frontmatterSpan(text);
  return span.kind === 'closed' ? span.yaml : span.kind;
}
