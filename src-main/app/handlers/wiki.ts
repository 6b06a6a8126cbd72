import type { SearchHit } from '../../contract/wiki.ts';
import { noPage } from '../knowledge.ts';
import type { Workspace } from '../open-workspace.ts';
import { mapped, type OperatorImplementation, type Scope } from './scope.ts';

/** The wiki, over every brand whose pages the operator may see. */
export function wikiHandlers(api: OperatorImplementation, workspace: Workspace, scope: Scope) {
  const { brandsOf } = scope;
  return {
    wiki: {
      search: api.wiki.search.handler(async ({ input }) => {
        await workspace.exits.ready();
        const brands = brandsOf(input.brand);
        return mapped(brands, (list) =>
          onceEach(list.flatMap(({ knowledge }) => knowledge.search(input.query, input.limit))).slice(
            0,
            input.limit,
          ),
        );
      }),
      list: api.wiki.list.handler(({ input }) => {
        const brands = brandsOf(input.brand);
        return mapped(brands, (list) => [
          ...new Map(
            list
              .flatMap(({ knowledge }) => knowledge.index.pages())
              .map((page) => [page.path, { page: page.path, title: page.title, brand: page.brand }]),
          ).values(),
        ]);
      }),
      show: api.wiki.show.handler(async ({ input }) => {
        for (const { knowledge } of workspace.open()) {
          const shown = await knowledge.show(input.page);
          if (shown.ok) return shown;
        }
        return noPage(input.page);
      }),
    },
  };
}

function onceEach(hits: readonly SearchHit[]): SearchHit[] {
  return [...new Map(hits.map((hit) => [hit.page, hit])).values()];
}
