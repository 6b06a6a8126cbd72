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
  const heads = (list: readonly Brand[]) =>
    list
      .map((brand) => `${brand.id} at ${brand.store.head().position} ${brand.store.head().hash}`)
      .join('\n');
  const ofSealed = (brand: Brand) => [`brands/${brand.id}`, `wiki/${brand.id}`];
  const open = brands.filter((brand) => !brand.config.sealed);
  await openHistory({
    program,
    gitDir: join(places.workspace, '.git'),
    workspace: places.workspace,
    paths: ['.gitignore', 'workspace.yaml', 'agents', 'wiki', 'brands'],
    leaveOut: ['.atrium', 'checkouts', 'homes', ...sealed.flatMap(ofSealed)],
  }).commit(`Records\n\n${heads(open)}`);
  for (const brand of sealed)
    await openHistory({
      program,
      gitDir: join(brand.places.state, 'history.git'),
      workspace: places.workspace,
      paths: ofSealed(brand),
      leaveOut: [],
    }).commit(`Records\n\n${heads([brand])}`);
}
