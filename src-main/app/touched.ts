import type { CommitId } from '../contract/ids.ts';
import type { CheckpointHit } from '../contract/tickets.ts';
import { findCheckpoints, readsLines, type ChangedFile } from '../domain/checkpoints.ts';
import type { Brand, BrandRepository } from './brand.ts';
import { pathsTest } from './ticket-paths.ts';

/** A file of which more would be read than this is not looked at, which is no clearance. */
const MOST_BYTES = 512 * 1024;

const within = (globs: readonly string[], path: string) => pathsTest(globs)(path);

/** What of a difference the operator decides about, by the rules of the brand, the workspace and Atrium. */
export async function touchedOf(
  brand: Brand,
  repository: BrandRepository,
  from: CommitId,
  to: string,
): Promise<CheckpointHit[]> {
  const rules = brand.checkpoints;
  const files: ChangedFile[] = [];
  for (const change of await repository.git.changes(from, to)) {
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
