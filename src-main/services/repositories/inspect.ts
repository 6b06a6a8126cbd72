import { lstat, realpath, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { failure } from './fault.ts';
import type { RepositoryFailure } from './fault.ts';
import { askGit, git, gitFault, gitLine, lineOf, recordsOf, redact, withoutDrivers } from './git.ts';
import type { GitProgram } from './git.ts';

/** Where a repository is, and what is checked out there. */
export interface Location {
  ok: true;
  /** The top of its working tree, links resolved. */
  path: string;
  /** The git folder of this working tree. */
  gitDir: string;
  /** The git folder that all its working trees share. */
  commonDir: string;
  branch: string;
  head: string;
  shallow: boolean;
  objectFormat: string;
}

/** A repository as it was found. */
export interface Inspection extends Location {
  objects: string;
  /** Whether there is anything that is not committed. It hinders nothing but a merge into this working tree. */
  dirty: boolean;
  /** The operator's name and address as git knows them here; null where one is missing. */
  identity: { name: string; email: string } | null;
  remotes: Array<{ name: string; url: string }>;
  /** What is worth knowing before it is added, a sentence each. */
  notes: string[];
}

export type InspectionFailureCode =
  | 'missing-path'
  | 'not-a-folder'
  | 'not-a-repository'
  | 'unreadable'
  | 'inside-repository'
  | 'foreign-owner'
  | 'bare'
  | 'empty'
  | 'unborn'
  | 'detached'
  | 'partial-clone';

/** The git folder that all working trees of the repository at a path share; null where there is none that git can read. */
export async function sharedGitFolder(input: { path: string; git: GitProgram }): Promise<string | null> {
  if (!(await stat(input.path).catch(() => null))?.isDirectory()) return null;
  const asked = ['rev-parse', '--path-format=absolute', '--git-common-dir'];
  const told = await askGit(input.git, asked, { cwd: input.path });
  return told.code === 0 ? lineOf(told.stdout) : null;
}

/** Finds the repository that a folder is the top of, with a branch checked out. Changes nothing and runs nothing of what it finds. */
export async function locateRepository(input: {
  path: string;
  git: GitProgram;
}): Promise<Location | RepositoryFailure<InspectionFailureCode>> {
  const asked = resolve(input.path);
  const found = await stat(asked).catch(() => null);
  if (found === null)
    return failure('missing-path', `There is nothing at ${asked}.`, 'Give the path of a repository.');
  if (!found.isDirectory())
    return failure('not-a-folder', `${asked} is not a folder.`, 'Give the path of a repository.');
  const path = await realpath(asked);
  const here = { cwd: path };

  const kind = await askGit(
    input.git,
    [
      'rev-parse',
      '--is-bare-repository',
      '--is-inside-work-tree',
      '--is-shallow-repository',
      '--show-object-format',
    ],
    here,
  );
  if (kind.outcome !== 'exited') throw gitFault(['rev-parse'], kind);
  if (kind.code !== 0) {
    if (kind.stderr.includes('dubious ownership')) {
      return failure(
        'foreign-owner',
        `The repository at ${path} belongs to another user than the one Atrium runs as.`,
        'Run Atrium as its owner, or make the repository yours.',
      );
    }
    if ((await lstat(join(path, '.git')).catch(() => null)) !== null) {
      return failure(
        'unreadable',
        `Git cannot read ${join(path, '.git')}.`,
        'Make it readable for the user that Atrium runs as, or mend the repository.',
      );
    }
    return failure(
      'not-a-repository',
      `${path} is not a git repository.`,
      'Run git init there, or give another path.',
    );
  }
  const [bare, inside, shallow, objectFormat] = lineOf(kind.stdout).split('\n');
  if (bare === 'true') {
    return failure(
      'bare',
      `The repository at ${path} is bare: it has no working tree.`,
      'Give the path of a clone of it.',
    );
  }
  if (inside !== 'true') {
    return failure(
      'not-a-repository',
      `${path} is git's own folder, not a working tree.`,
      'Give the folder around it.',
    );
  }
  const top = await realpath(await gitLine(input.git, ['rev-parse', '--show-toplevel'], here));
  if (top !== path) {
    return failure(
      'inside-repository',
      `${path} is a folder inside the repository at ${top}.`,
      `Add ${top} instead.`,
    );
  }

  const [gitDir, commonDir, symbolic, commit, partial] = await Promise.all([
    gitLine(input.git, ['rev-parse', '--absolute-git-dir'], here),
    gitLine(input.git, ['rev-parse', '--path-format=absolute', '--git-common-dir'], here),
    askGit(input.git, ['symbolic-ref', '-q', 'HEAD'], here),
    askGit(input.git, ['rev-parse', '-q', '--verify', 'HEAD^{commit}'], here),
    askGit(input.git, ['config', '--get', 'extensions.partialclone'], here),
  ]);
  if (commit.code !== 0) {
    const any = await git(input.git, ['for-each-ref', '--count=1', '--format=%(refname)'], here);
    if (any.stdout.length === 0) {
      return failure(
        'empty',
        `The repository at ${path} has no commits yet.`,
        'Make a first commit, then add it.',
      );
    }
    return failure(
      'unborn',
      `The branch checked out at ${path} has no commits yet.`,
      'Switch to the branch to work on.',
    );
  }
  if (symbolic.code !== 0) {
    return failure(
      'detached',
      `The repository at ${path} is on no branch (detached HEAD).`,
      'Switch to the branch to work on.',
    );
  }
  if (partial.code === 0) {
    return failure(
      'partial-clone',
      `The repository at ${path} is a partial clone: objects that Atrium needs are not there.`,
      'Get them with git fetch --refetch --no-filter, and take the filter out of its configuration.',
    );
  }

  return {
    ok: true,
    path,
    gitDir,
    commonDir,
    branch: lineOf(symbolic.stdout).replace(/^refs\/heads\//, ''),
    head: lineOf(commit.stdout),
    shallow: shallow === 'true',
    objectFormat: objectFormat ?? 'sha1',
  };
}

/** Looks at a folder that the operator wants to add. Changes nothing and runs nothing of what it finds. */
export async function inspectRepository(input: {
  path: string;
  git: GitProgram;
}): Promise<Inspection | RepositoryFailure<InspectionFailureCode>> {
  const located = await locateRepository(input);
  if (!located.ok) return located;
  const { path, head } = located;
  const here = { cwd: path };
  const quiet = await withoutDrivers(input.git, here);
  const [status, identity, remotes, listed, attributes] = await Promise.all([
    git(input.git, ['status', '--porcelain', '-z', '--no-renames', '--ignore-submodules=all'], {
      ...here,
      config: quiet,
    }),
    readIdentity(input.git, path),
    readRemotes(input.git, here),
    git(input.git, ['ls-tree', '-z', '--name-only', '--end-of-options', head], here),
    askGit(input.git, ['cat-file', 'blob', `${head}:.gitattributes`], here),
  ]);
  const notes: string[] = [];
  if (recordsOf(listed.stdout).includes('.gitmodules')) {
    notes.push('It has submodules: their folders stay empty in checkouts and at the gate.');
  }
  if (attributes.code === 0 && /\bfilter=lfs\b/.test(attributes.stdout.toString('utf8'))) {
    notes.push('It uses Git LFS: checkouts hold pointer files in place of what they point to.');
  } else if (attributes.code === 0 && /\bfilter=/.test(attributes.stdout.toString('utf8'))) {
    notes.push('It uses filters: checkouts hold the files as they are committed.');
  }
  if (located.shallow) notes.push('It is a shallow clone: its history is cut off.');
  if (identity === null) notes.push('git knows no user.name and user.email here.');
  return {
    ...located,
    objects: join(located.commonDir, 'objects'),
    dirty: status.stdout.length > 0,
    identity,
    remotes,
    notes,
  };
}

async function readIdentity(
  program: GitProgram,
  cwd: string,
): Promise<{ name: string; email: string } | null> {
  const [name, email] = await Promise.all(
    ['user.name', 'user.email'].map(async (key) => {
      const result = await askGit(program, ['config', '--get', key], { cwd, trust: 'operator' });
      return result.code === 0 ? lineOf(result.stdout) : '';
    }),
  );
  return name === undefined || email === undefined || name === '' || email === '' ? null : { name, email };
}

async function readRemotes(
  program: GitProgram,
  call: { cwd: string },
): Promise<Array<{ name: string; url: string }>> {
  const result = await askGit(program, ['config', '-z', '--get-regexp', '^remote\\..*\\.url$'], call);
  if (result.code !== 0) return [];
  return recordsOf(result.stdout).map((record) => {
    const cut = record.indexOf('\n');
    return { name: record.slice('remote.'.length, cut - '.url'.length), url: redact(record.slice(cut + 1)) };
  });
}
