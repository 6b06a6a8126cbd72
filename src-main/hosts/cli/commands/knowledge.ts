import { BrandId } from '../../../contract/ids.ts';
import { valueOf } from '../failure.ts';
import { idOf } from '../ids.ts';
import { facts, table } from '../output.ts';
import { whole } from '../program.ts';
import type { Group } from '../program.ts';

/** `wiki search`, `list` and `show`. */
export function addKnowledgeCommands(program: Group): void {
  const wiki = program.group('wiki', 'what verified work has taught');

  wiki.add<{ brand?: string; limit?: number }>(
    'search <query...>',
    'full text over all pages',
    [
      { flags: '--brand <id>', description: 'of this brand only' },
      { flags: '--limit <n>', description: 'at most so many', read: whole(1, 200) },
    ],
    async ({ output, core }, options, ...words) => {
      const brand = options.brand === undefined ? {} : { brand: idOf(BrandId, options.brand) };
      const limit = options.limit === undefined ? {} : { limit: options.limit };
      const { client } = await core();
      const found = valueOf(await client.wiki.search({ query: words.join(' '), ...brand, ...limit }));
      const hits = found.map((hit) => ({ ...hit, snippet: plain(hit.snippet) }));
      output.value(hits, () =>
        hits.length === 0
          ? 'Nothing found.'
          : hits
              .map((hit) => {
                const sources = hit.sources.map(({ kind, ref }) => `${kind} ${ref}`).join(', ');
                return `${hit.title}  (${hit.page}, ${hit.confidence})\n  ${hit.snippet}\n  ${sources}`.trimEnd();
              })
              .join('\n\n'),
      );
    },
  );

  wiki.add<{ brand?: string }>(
    'list',
    'all pages',
    [{ flags: '--brand <id>', description: 'of this brand only' }],
    async ({ output, core }, options) => {
      const brand = options.brand === undefined ? {} : { brand: idOf(BrandId, options.brand) };
      const { client } = await core();
      const pages = valueOf(await client.wiki.list(brand));
      output.value(pages, () =>
        table(
          ['PAGE', 'TITLE'],
          pages.map((page) => [page.page, page.title]),
          'No page yet.',
        ),
      );
    },
  );

  wiki.add('show <page>', 'one page', [], async ({ output, core }, _options, page = '') => {
    const { client } = await core();
    const shown = valueOf(await client.wiki.show({ page }));
    output.value(shown, () => {
      const head = facts([
        ['Page', shown.page],
        ['Authority', shown.authority],
        ['Confidence', shown.confidence],
        ['Updated', shown.updated],
        ['Sources', shown.sources.map(({ kind, ref }) => `${kind} ${ref}`).join('\n')],
      ]);
      return `${head}\n\n${shown.body}`;
    });
  });
}

/** Without the marks round what matched. */
function plain(snippet: string): string {
  return snippet.split('\u0002').join('').split('\u0003').join('').replace(/\s+/g, ' ').trim();
}
