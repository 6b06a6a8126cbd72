import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { askGit, git, gitLine } from './git.ts';
import type { GitCall, GitProgram } from './git.ts';

/** The git that keeps records of Atrium's own: exports, ledgers, wiki pages, configuration. */
export interface History {
  /** Commits what changed among its paths; null where nothing did, or another git command holds the index. */
  commit(message: string): Promise<string | null>;
}

const AUTHOR = { name: 'Atrium', email: 'atrium@localhost' };

/**
 * Opens the history of some folders of a workspace; made at the first commit.
 *
 * @param gitDir where it is kept: the workspace's `.git`, or a folder of a sealed brand's state
 * @param paths what it keeps, relative to the workspace
 */
export function openHistory(options: {
  program: GitProgram;
  gitDir: string;
  workspace: string;
  paths: readonly string[];
}): History {
  const { program, gitDir, workspace } = options;
  const here: GitCall = { gitDir, workTree: workspace, cwd: workspace };

  const prepare = async () => {
    if (!existsSync(join(gitDir, 'HEAD')))
      await git(program, [
        'init',
        '-q',
        '--initial-branch=main',
        ...(gitDir === join(workspace, '.git') ? [workspace] : ['--bare', gitDir]),
      ]);
  };

  return {
    async commit(message) {
      await prepare();
      const paths = options.paths.filter((path) => existsSync(join(workspace, path)));
      const added = await askGit(program, ['add', '-A', '--', ...paths], here);
      if (added.code !== 0) return null;
      const changed = await askGit(
        program,
        ['diff', '--cached', '--quiet', '--no-ext-diff', '--', ...paths],
        here,
      );
      if (changed.code === 0) return null;
      const env = {
        GIT_AUTHOR_NAME: AUTHOR.name,
        GIT_AUTHOR_EMAIL: AUTHOR.email,
        GIT_COMMITTER_NAME: AUTHOR.name,
        GIT_COMMITTER_EMAIL: AUTHOR.email,
      };
      const done = await askGit(program, ['commit', '-q', '--no-verify', '-F', '-', '--', ...paths], {
        ...here,
        env,
        stdin: `${message}\n`,
      });
      return done.code === 0 ? await gitLine(program, ['rev-parse', 'HEAD'], here) : null;
    },
  };
}
