import type { PageAuthor, PageStore } from './page-store.ts';

/** A change of a page that is on disk. `hash` is the SHA-256 of the new text. */
export type PageEvent =
  | {
      readonly type: 'page.written';
      readonly path: string;
      readonly hash: string;
      readonly author: PageAuthor;
    }
  | { readonly type: 'page.removed'; readonly path: string; readonly author: PageAuthor };

/** A store that tells of each change once it is on disk; a write that changes nothing is not told. */
export function eventedPageStore(
  inner: PageStore,
  emit: (event: PageEvent) => void | Promise<void>,
): PageStore {
  return {
    list: () => inner.list(),
    read: (path) => inner.read(path),
    history: (path) => inner.history(path),
    async write(path, text, change) {
      const outcome = await inner.write(path, text, change);
      if (outcome.ok && outcome.value.changed) {
        await emit({ type: 'page.written', path, hash: outcome.value.hash, author: change.author });
      }
      return outcome;
    },
    async remove(path, change) {
      const outcome = await inner.remove(path, change);
      if (outcome.ok) await emit({ type: 'page.removed', path, author: change.author });
      return outcome;
    },
  };
}
