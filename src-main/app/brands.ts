import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { BrandConfigInput, RepositoryConfig } from '../contract/config.ts';
import type { Actor } from '../contract/events.ts';
import { fail, ok, type Result } from '../contract/errors.ts';
import type { BrandId } from '../contract/ids.ts';
import type { BrandView, RepositoryGuess, RepositoryView } from '../contract/brands.ts';
import { checkGit, guessChecks, inspectRepository, type GitProgram } from '../services/repositories/index.ts';
import type { Brand, BrandRepository } from './brand.ts';
import { writeBrandConfig } from './configuration.ts';
import { brandPlaces, type Places } from './places.ts';
import { asRecorded } from './projections.ts';

/** Looks at a folder that the operator wants to add, and guesses its checks. Changes nothing. */
export async function guessRepository(path: string, git: GitProgram): Promise<Result<RepositoryGuess>> {
  const usable = await checkGit(git);
  if (!usable.ok) return fail('repository-unusable', usable.message, usable.hint);
  const found = await inspectRepository({ path, git });
  if (!found.ok)
    return fail(
      found.code === 'not-a-repository' ? 'not-a-repository' : 'repository-unusable',
      found.message,
      found.hint,
    );
  const guessed = await guessChecks({ path: found.path, git, commit: found.head });
  const { setup, test, lint, count, lockfiles, setupHosts } = guessed;
  return ok({
    path: found.path,
    name: nameOf(found.path),
    branch: found.branch,
    commit: found.head,
    checks: { setup, test, lint, count },
    lockfiles,
    setupHosts,
    notes: found.notes,
  });
}

/** A repository is called like its folder, as far as a name of Atrium's goes: one line, short enough to name folders of its own. */
function nameOf(path: string): string {
  const name = [...(path.split('/').at(-1) ?? '')].slice(0, LONGEST_NAME).join('');
  return name.replaceAll(/\p{Cc}/gu, ' ').trim() || 'repository';
}

/** In characters, of which each may take four bytes of a file name's 255. */
const LONGEST_NAME = 48;

/** What `brand add` asks for, once its repositories were looked at. */
export interface NewBrand {
  id: BrandId;
  name: string;
  sealed: boolean;
  colour: number;
  repositories: RepositoryGuess[];
  given: Partial<RepositoryGuess['checks']>;
}

/** Writes the configuration of a new brand; nothing is left where it cannot be. */
export function writeNewBrand(places: Places, brand: NewBrand): Result<void> {
  const own = brandPlaces(places, brand.id);
  const names = new Set<string>();
  const repositories = brand.repositories.map((guess): RepositoryConfig => {
    let name = guess.name;
    for (let n = 2; names.has(name); n += 1) name = `${guess.name}-${n}`;
    names.add(name);
    return {
      name,
      path: guess.path,
      branch: guess.branch,
      checks: { ...guess.checks, ...brand.given },
      lockfiles: guess.lockfiles,
      setupHosts: guess.setupHosts,
      afterMerge: { kind: 'nothing' },
    };
  });
  const config: BrandConfigInput = {
    id: brand.id,
    name: brand.name,
    colour: brand.colour,
    sealed: brand.sealed,
    ports: [],
    repositories,
    limits: { memoryMb: 4096, processes: 512, temporaryMb: 2048 },
    desk: { network: [], costCapUsd: 5 },
    secrets: {},
    policy: [],
  };
  try {
    mkdirSync(own.folder, { recursive: true });
    writeBrandConfig(own.config, config);
    return ok(undefined);
  } catch (error) {
    rmSync(own.config, { force: true });
    return fail(
      'disk',
      `${own.config} cannot be written: ${error instanceof Error ? error.message : String(error)}`,
      'free the disk or make the folder writable',
    );
  }
}

/** Runs a repository's setup and checks once on its branch as it is. Red is a finding, not a failure. */
export async function proveRepository(
  brand: Brand,
  repository: BrandRepository,
  checkMs: number,
): Promise<{ baseline: 'green' | 'red' | 'none'; detail: string }> {
  const { config, git } = repository;
  const { setup, test, lint, count } = config.checks;
  if (setup === 'none' && test === 'none' && lint === 'none')
    return { baseline: 'none', detail: 'no check is declared' };
  const folder = join(brand.places.checkouts, `.baseline-${config.name}`);
  await git.removeCheckout(folder, { discard: true });
  const commit = await git.head();
  const room = await brand.rooms.make({
    repository: git,
    config,
    folder,
    commit,
    branch: 'atrium/baseline',
    ownDependencies: false,
  });
  if (!room.ok) return { baseline: 'red', detail: `fails on ${config.branch} too: ${room.failure.message}` };
  try {
    const said: string[] = [];
    for (const [command, by] of [
      [test, count],
      [lint, 'exit'],
    ] as const) {
      if (command === 'none') continue;
      const checked = await brand.rooms.check(room.value, command, by, checkMs);
      if (checked.outcome !== 'pass')
        return { baseline: 'red', detail: `fails on ${config.branch} too: ${checked.detail}` };
      said.push(checked.detail);
    }
    return { baseline: 'green', detail: said.join('; ') || 'setup holds' };
  } finally {
    await git.removeCheckout(folder, { discard: true });
  }
}

export function recordAdded(brand: Brand, repository: RepositoryConfig, actor: Actor): void {
  const { name, path, branch, checks } = repository;
  brand.record(
    `repository/${name}`,
    [{ type: 'repository.added', data: { name, path, branch, checks } }],
    actor,
    `repository:${name}`,
  );
}

/**
 * A brand as the doors show it.
 *
 * @param obstacle why checks that have not run could not, where something keeps them from it
 */
export function brandView(brand: Brand, obstacle: string | null = null): BrandView {
  const { id, name, colour, sealed } = brand.config;
  const repositories = brand.config.repositories.map((config): RepositoryView => {
    const proof = brand.store
      .readStream(`repository/${config.name}`)
      .map(asRecorded)
      .findLast((event) => event.type === 'repository.proved');
    const found = brand.repository(config.name);
    return {
      name: config.name,
      path: config.path,
      branch: config.branch,
      checks: config.checks,
      baseline: proof?.type === 'repository.proved' ? proof.data.baseline : 'not-run',
      detail: found.ok
        ? proof?.type === 'repository.proved'
          ? proof.data.detail
          : `its checks have not run yet${obstacle === null ? '' : `: ${obstacle}`}`
        : found.failure.message,
    };
  });
  return { id, name, colour, sealed, state: 'open', repositories };
}
