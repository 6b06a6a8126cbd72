import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import type { BenchResult } from './result.ts';
import { approve, openSlice, runDay } from './slice.ts';

const TICKETS = 14;

/** Fourteen approved tickets of the `command` runtime to main and wiki; beside the same git and shell steps in a script. */
export async function run(): Promise<BenchResult[]> {
  const slice = await openSlice({ test: 'node --check src/file-1.js', lint: 'none' });
  try {
    const copy = path.join(slice.place.around, 'bare');
    cpSync(slice.repository.path, copy, { recursive: true });
    const bareBegan = performance.now();
    bareDay(copy, path.join(slice.place.around, 'bare-checkouts'));
    const baseline = performance.now() - bareBegan;
    const began = performance.now();
    for (let n = 0; n < TICKETS; n += 1)
      await approve(slice.core.client, {
        title: `File ${n}`,
        paths: [`made/${n}/**`],
        acceptance: [`test -f made/${n}/file.txt`],
        command: `mkdir -p made/${n} && echo ${n} > made/${n}/file.txt`,
      });
    await runDay(slice.core.client);
    const value = performance.now() - began;
    return [
      {
        name: 'day',
        value,
        unit: 'ms',
        baseline,
        ratio: value / baseline,
        n: TICKETS,
        p50: null,
        p95: null,
        p99: null,
      },
    ];
  } finally {
    await slice.close();
  }
}

/** What the day does with git and the shell, one ticket after the other, without walls, log or gate. */
function bareDay(repository: string, checkouts: string): void {
  mkdirSync(checkouts);
  const script = `set -eu
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b.c GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b.c
for n in $(seq 0 ${TICKETS - 1}); do
  git clone -q --shared "$1" "$2/$n"
  (cd "$2/$n" && mkdir -p "made/$n" && echo "$n" > "made/$n/file.txt" && git add -A && git commit -q -m "File $n")
  git -C "$1" fetch -q "$2/$n" HEAD:refs/heads/candidate
  base=$(git -C "$1" rev-parse main)
  git -C "$1" merge-tree --write-tree main candidate > "$2/tree"
  git clone -q --shared "$1" "$2/gate"
  (cd "$2/gate" && git fetch -q "$2/$n" HEAD && git merge -q FETCH_HEAD && node --check src/file-1.js && test -f "made/$n/file.txt")
  git -C "$1" merge -q --no-edit candidate
  git -C "$1" branch -q -D candidate
  rm -rf "$2/gate" "$2/$n"
done`;
  const done = spawnSync('/bin/sh', ['-c', script, 'sh', repository, checkouts], { encoding: 'utf8' });
  if (done.status !== 0) throw new Error(`the bare day failed: ${done.stderr}`);
}
