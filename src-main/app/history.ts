import { join } from 'node:path';
import type { GitProgram } from '../services/repositories/index.ts';
import { openHistory } from '../services/repositories/index.ts';
import type { Brand } from './brand.ts';
import type { Places } from './places.ts';

/**
 * Commits the workspace's records: exports with the heads of the chains, ledgers, pages, configuration, contracts. A sealed
 * brand's are kept apart, in a git of its own.
 */
export async function keepHistory(
  places: Places,
  program: GitProgram,
  brands: readonly Brand[],
): Promise<void> {
  const sealed = brands.filter((brand) => brand.config.sealed);
  const open = brands.filter((brand) => !brand.config.sealed);
  const heads = (list: readonly Brand[]) =>
    list
      .map((brand) => `${brand.id} at ${brand.store.head().position} ${brand.store.head().hash}`)
      .join('\n');
  const own = (brand: Brand) => [`brands/${brand.id}`, `wiki/${brand.id}`];
  // Only what is known not to be sealed: a brand that cannot be opened may be.
  await openHistory({
    program,
    gitDir: join(places.workspace, '.git'),
    workspace: places.workspace,
    paths: ['.gitignore', 'workspace.yaml', 'agents', 'wiki/_global', ...open.flatMap(own)],
  }).commit(`Records\n\n${heads(open)}`);
  for (const brand of sealed)
    await openHistory({
      program,
      gitDir: join(brand.places.state, 'history.git'),
      workspace: places.workspace,
      paths: own(brand),
    }).commit(`Records\n\n${heads([brand])}`);
}
