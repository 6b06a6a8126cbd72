import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { GitProgram } from '../git.ts';
import { openRepository } from '../repository.ts';
import type { OpenRepositoryInput, Repository } from '../repository.ts';
import { sandboxed } from './sandbox.ts';
import { nativeSpawn } from '../../../../tests/support/spawn.ts';

/** A temporary folder with a home, a repository of the operator's and room for state. */
export interface Ground {
  root: string;
  home: string;
  host: string;
  git: GitProgram;
  /** Runs plain git as the operator would; gives back its trimmed output. */
  operator(args: string[], cwd?: string): string;
  write(path: string, text: string): void;
  commit(files: Record<string, string>, message?: string): string;
  open(extra?: Partial<OpenRepositoryInput>): Promise<Repository>;
  dispose(): void;
}

export const IDENTITY = { name: 'Ada "the" Agent', email: 'ada@example.org' };

/** Makes the ground for a test; the folder's name is as awkward as a folder's name may be. */
export function makeGround(name = 'host'): Ground {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'atrium-repositories-')));
  const home = join(root, 'home');
  const host = join(root, name);
  mkdirSync(home);
  mkdirSync(host, { recursive: true });
  writeFileSync(join(home, '.gitconfig'), '[user]\n\tname = Olga Operator\n\temail = olga@example.org\n');
  const operator = (args: string[], cwd = host): string =>
    execFileSync('git', args, {
      cwd,
      env: { PATH: process.env['PATH'] ?? '', HOME: home, LC_ALL: 'C', GIT_CONFIG_NOSYSTEM: '1' },
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      maxBuffer: 64 * 1024 * 1024,
    }).replace(/\n$/, '');
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(host, path)), { recursive: true });
    writeFileSync(join(host, path), text);
  };
  operator(['init', '-q', '-b', 'main']);
  const git: GitProgram = { file: '/usr/bin/git', home, remoteEnvironment: {}, spawn: nativeSpawn };
  return {
    root,
    home,
    host,
    git,
    operator,
    write,
    commit: (files, message = 'a change') => {
      for (const [path, text] of Object.entries(files)) write(path, text);
      operator(['add', '-A']);
      operator(['commit', '-q', '--allow-empty', '-m', message]);
      return operator(['rev-parse', 'HEAD']);
    },
    open: (extra = {}) => openAt(host, root, extra),
    dispose: () => rmSync(root, { recursive: true, force: true }),
  };
}

/** Opens the repository of a {@link Ground} that another process made. */
export async function openAt(
  host: string,
  root: string,
  extra: Partial<OpenRepositoryInput> = {},
): Promise<Repository> {
  const opened = await openRepository({
    path: host,
    branch: 'main',
    git: { file: '/usr/bin/git', home: join(root, 'home'), remoteEnvironment: {}, spawn: nativeSpawn },
    stateDir: join(root, 'state'),
    sandboxed,
    sealed: false,
    owner: null,
    clock: () => new Date('2026-05-07T06:00:00Z'),
    ...extra,
  });
  if (!opened.ok) throw new Error(opened.message);
  return opened.repository;
}

/** What an agent does: a shell inside the walls, in its checkout. */
export async function asAgent(folder: string, baseObjects: string, script: string): Promise<string> {
  const result = await sandboxed({
    checkout: folder,
    access: 'write',
    baseObjects,
    command: ['/usr/bin/env', 'HOME=/tmp', 'LC_ALL=C', 'PATH=/usr/bin:/bin', '/usr/bin/sh', '-euc', script],
    timeoutMs: 60_000,
    maxOutputBytes: 1024 * 1024,
  });
  if (result.code !== 0)
    throw new Error(`the agent's shell ended with ${result.code}: ${result.stderr.toString('utf8')}`);
  return result.stdout.toString('utf8');
}
