import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openRepository } from '../../src-main/services/repositories/index.ts';
import { sandboxed } from '../../src-main/services/repositories/testing/sandbox.ts';
import { percentile } from './result.ts';
import type { BenchResult } from './result.ts';

const SIZES: Array<{ files: number; rounds: number }> = [
  { files: 300, rounds: 30 },
  { files: 30_000, rounds: 5 },
];

/** Makes and removes one isolated checkout, beside `git worktree add` and `remove`, alternating in one repository. */
export async function run(): Promise<BenchResult[]> {
  const results: BenchResult[] = [];
  for (const { files, rounds } of SIZES) results.push(await measure(files, rounds));
  return results;
}

async function measure(files: number, rounds: number): Promise<BenchResult> {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'atrium-bench-checkout-')));
  try {
    const host = join(root, 'host');
    const env = { PATH: process.env['PATH'] ?? '', HOME: root, GIT_CONFIG_NOSYSTEM: '1' };
    const git = (...args: string[]): void =>
      void execFileSync('git', args, { cwd: host, env, stdio: 'pipe' });
    for (let at = 0; at < files; at += 1) {
      const folder = join(host, `folder-${Math.floor(at / 100)}`);
      if (at % 100 === 0) mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, `file-${at}.ts`), `export const value${at} = ${at};\n`.repeat(20));
    }
    git('init', '-q', '-b', 'main');
    git('config', 'gc.auto', '0');
    git('add', '-A');
    git('-c', 'user.name=Bench', '-c', 'user.email=bench@localhost', 'commit', '-q', '-m', 'files');
    git('gc', '-q');
    const opened = await openRepository({
      path: host,
      git: { file: '/usr/bin/git', home: null, remoteEnvironment: {} },
      stateDir: join(root, 'state'),
      sandboxed,
      sealed: false,
      owner: null,
      clock: () => new Date(),
    });
    if (!opened.ok) throw new Error(opened.message);
    const { repository } = opened;
    const commit = await repository.head();
    const identity = { name: 'Bench', email: 'bench@localhost' };

    const ours: number[] = [];
    const theirs: number[] = [];
    for (let round = 0; round <= rounds; round += 1) {
      const tree = join(root, 'worktree');
      const before = performance.now();
      git('worktree', 'add', '-q', '-b', `branch-${round}`, tree);
      git('worktree', 'remove', '--force', tree);
      const between = performance.now();
      const folder = join(root, 'checkout');
      const made = await repository.createCheckout({
        folder,
        commit,
        branch: `atrium/T-bench-${round}`,
        identity,
      });
      if (!made.ok) throw new Error(made.message);
      const removed = await repository.removeCheckout(folder);
      if (!removed.ok) throw new Error(removed.message);
      const after = performance.now();
      // The first round warms the caches of both.
      if (round === 0) continue;
      theirs.push(between - before);
      ours.push(after - between);
    }
    const value = percentile(ours, 0.5) ?? 0;
    const baseline = percentile(theirs, 0.5) ?? 0;
    return {
      name: `checkout-${files}`,
      value,
      unit: 'ms',
      baseline,
      ratio: value / baseline,
      n: ours.length,
      p50: value,
      p95: percentile(ours, 0.95),
      p99: percentile(ours, 0.99),
    };
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}
