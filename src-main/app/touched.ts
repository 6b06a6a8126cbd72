import type { CheckpointRule } from '../contract/config.ts';
import type { CommitId } from '../contract/ids.ts';
import type { CheckpointHit } from '../contract/tickets.ts';
import { findCheckpoints, readsLines, type ChangedFile } from '../domain/checkpoints.ts';
import type { Brand, BrandRepository } from './brand.ts';
import { pathsTest } from './ticket-paths.ts';

/** A file of which more would be read than this is not looked at, which is no clearance. */
const MOST_BYTES = 512 * 1024;

const tests = new WeakMap<readonly string[], (path: string) => boolean>();

/** Whatever the case of its letters: some systems and tools do not tell them apart. */
function within(globs: readonly string[], path: string): boolean {
  const known = tests.get(globs) ?? pathsTest(globs.map((glob) => glob.toLowerCase()));
  tests.set(globs, known);
  return known(path.toLowerCase());
}

/** The changed files that a repository's checks name: what these are, the checks are. */
function checkPrograms({ config }: BrandRepository, changed: readonly { path: string }[]): CheckpointRule[] {
  const { setup, test, lint } = config.checks;
  const words = `${setup} ${test} ${lint}`.split(/[\s;|&()<>'"=]+/).map((word) => word.replace(/^\.\//, ''));
  const paths = changed
    .filter(({ path }) => words.includes(path))
    .map(({ path }) => path.replaceAll(/[\\*?[\]{}()!+@|]/g, '\\$&'));
  return paths.length === 0
    ? []
    : [{ name: 'check-program', kind: 'verification', paths, reason: 'the checks run it, or read it' }];
}

/**
 * What of a difference the operator decides about, by the rules of the brand, the workspace and Atrium, and what the checks of the
 * repository name.
 */
export async function touchedOf(
  brand: Brand,
  repository: BrandRepository,
  from: CommitId,
  to: string,
): Promise<CheckpointHit[]> {
  const changed = await repository.git.changes(from, to);
  const rules = [...brand.checkpoints, ...checkPrograms(repository, changed)];
  const files: ChangedFile[] = [];
  for (const change of changed) {
    const { path, status } = change;
    if (!readsLines(change, rules, within)) {
      files.push({ path, status, before: null, after: null, unread: false });
      continue;
    }
    const before = status === 'added' ? null : await textOf(repository, from, path);
    const after = status === 'deleted' ? null : await textOf(repository, to, path);
    const unread = before === undefined || after === undefined;
    files.push({ path, status, before: before ?? null, after: after ?? null, unread });
  }
  return findCheckpoints(files, rules, within);
}

/** A file's text; undefined where it cannot be read as such. */
async function textOf(
  repository: BrandRepository,
  commit: string,
  path: string,
): Promise<string | undefined> {
  const read = await repository.git.readFile(commit, path, MOST_BYTES);
  if (!read.ok || read.bytes.includes(0)) return undefined;
  return read.bytes.toString('utf8');
}
