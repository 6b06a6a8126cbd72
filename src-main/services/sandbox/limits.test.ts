import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { chooseLimitKeeper, type LimitKeeper } from './limits.ts';
import { openFixture, RUN_USER } from './sandbox-fixture.ts';
import { measureTree } from './tree-watcher.ts';

const here = (): LimitKeeper =>
  chooseLimitKeeper({
    mountinfo: readFileSync('/proc/self/mountinfo', 'utf8'),
    membership: readFileSync('/proc/self/cgroup', 'utf8'),
    watchIntervalMs: 20,
  });
const watcher = (): LimitKeeper => chooseLimitKeeper({ mountinfo: '', membership: '', watchIntervalMs: 20 });
const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

const HOG = `${'node -e'} "const kept = []; setInterval(() => kept.push(Buffer.alloc(4e6, 1)), 1)"`;
const limits = { memoryMb: 160, processes: 64, temporaryMb: 400 };

describe.each([
  ['the best way on this machine', here],
  ['the watcher', watcher],
] as const)('a tree over its limits, with %s', (_name, keeper) => {
  test('ends as a whole when memory runs out, and says so', async () => {
    const fixture = openFixture({ keeper: keeper() });
    try {
      const result = await fixture.run(`${HOG} & sleep 100000`, { limits });
      expect(result).toMatchObject({ outcome: 'killed', outOfMemory: true });
    } finally {
      await fixture.dispose();
    }
  });

  test('a tree within its limits is left alone', async () => {
    const fixture = openFixture({ keeper: keeper() });
    try {
      const result = await fixture.run('node -e "Buffer.alloc(2e7, 1)"; echo done', { limits });
      expect(result).toMatchObject({ outcome: 'exited', code: 0, outOfMemory: false });
    } finally {
      await fixture.dispose();
    }
  });
});

describe.runIf(here().kind !== 'watch')('control groups', () => {
  test('stop a flood of processes without ending the tree', async () => {
    const fixture = openFixture({ keeper: here() });
    try {
      const result = await fixture.run('for i in $(seq 100); do sleep 100000 & done', {
        limits: { ...limits, processes: 20 },
      });
      expect(result.code).not.toBe(0);
      expect(result.stderr.toString()).toMatch(/[Cc]annot fork|Resource temporarily unavailable/);
    } finally {
      await fixture.dispose();
    }
  });

  test('count what is written to the temporary folders', async () => {
    const fixture = openFixture({ keeper: here() });
    try {
      const result = await fixture.run('head -c 300000000 /dev/zero > /tmp/big', { limits });
      expect(result).toMatchObject({ outcome: 'killed', outOfMemory: true });
    } finally {
      await fixture.dispose();
    }
  });

  test('are gone when the tree is, and those of a brand with its last tree', () => {
    const keeper = here();
    const together = { group: 'label', memoryMb: 96, processes: 12 };
    const [one, other] = [0, 1].map(() => keeper.open({ memoryMb: 64, processes: 8, together }));
    const folders = [one, other].map((group) => group?.joinFiles.map((file) => join(file, '..')) ?? []);
    const brand = folders[0]?.map((folder) => join(folder, '..')) ?? [];
    expect(folders[1]?.map((folder) => join(folder, '..'))).toEqual(brand);
    const there = () => [...folders, brand].map((group) => group.every((folder) => existsSync(folder)));
    expect(there()).toEqual([true, true, true]);
    one?.finish();
    expect(there()).toEqual([false, true, true]);
    other?.finish();
    expect(there()).toEqual([false, false, false]);
  });

  test('of a dead core are emptied by the next, but not where a core in a pid namespace of its own only seems dead', async () => {
    const open = here().open({ memoryMb: 64, processes: 8 });
    const parents = open.joinFiles.map((file) => join(file, '../..'));
    open.finish();
    const gone = spawn('/bin/true');
    await once(gone, 'exit');
    const groupsOf = (name: string) =>
      parents.map((parent) => {
        const group = join(parent, `atrium-${gone.pid}-${name}`, 'tree');
        mkdirSync(group, { recursive: true });
        return group;
      });
    const orphans = groupsOf('orphan');
    const living = groupsOf('living');
    const joins = (groups: string[]) =>
      `${groups.map((group) => `echo 0 > ${group}/cgroup.procs;`).join(' ')} echo in; exec sleep 100000`;
    const orphan = spawn('/bin/sh', ['-c', joins(orphans)]);
    const apart = ['--pid', '--fork', '--kill-child', '/bin/sh', '-c', `sh -c '${joins(living)}' & wait`];
    const core = spawn('/usr/bin/unshare', apart);
    try {
      await Promise.all([once(orphan.stdout, 'data'), once(core.stdout, 'data')]);
      const ended = once(orphan, 'exit');
      here();
      expect(await ended).toEqual([null, 'SIGKILL']);
      expect(living.map((group) => readFileSync(join(group, 'cgroup.procs'), 'utf8'))).toEqual(
        living.map(() => expect.stringMatching(/^\d+\n$/) as string),
      );
      core.kill('SIGKILL');
      await once(core, 'close');
      here();
      expect([...orphans, ...living].filter((group) => existsSync(group))).toEqual([]);
    } finally {
      orphan.kill('SIGKILL');
      core.kill('SIGKILL');
    }
  });

  test('of a dead core are cleared by several cores that start at once', async () => {
    const open = here().open({ memoryMb: 64, processes: 8 });
    const parents = open.joinFiles.map((file) => join(file, '../..'));
    open.finish();
    const gone = spawn('/bin/true');
    await once(gone, 'exit');
    const left = parents.flatMap((parent) =>
      Array.from({ length: 200 }, (_, n) => join(parent, `atrium-${gone.pid}-${n}`)),
    );
    for (const group of left) mkdirSync(join(group, 'tree'), { recursive: true });
    const choose = `
      import { readFileSync } from 'node:fs';
      import { chooseLimitKeeper } from ${JSON.stringify(import.meta.resolve('./limits.ts'))};
      const [mountinfo, membership] = ['mountinfo', 'cgroup'].map((name) => readFileSync('/proc/self/' + name, 'utf8'));
      process.once('message', () => process.send(chooseLimitKeeper({ mountinfo, membership, watchIntervalMs: 20 }).kind));
      process.send('ready');`;
    const cores = [1, 2, 3].map(() =>
      spawn(process.execPath, ['--input-type=module', '-e', choose], {
        stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      }),
    );
    try {
      const said = () =>
        Promise.all(cores.map((core) => Promise.race([once(core, 'message'), once(core, 'exit')])));
      await said();
      const chosen = said();
      for (const core of cores) core.send('go');
      expect((await chosen).map(([kind]) => kind as string)).toEqual(cores.map(() => here().kind));
    } finally {
      for (const core of cores) core.kill('SIGKILL');
      here();
    }
    expect(left.filter((group) => existsSync(group))).toEqual([]);
  });

  test('hold the trees of a brand to a sum: the one that grows ends, the other and other brands do not', async () => {
    const fixture = openFixture({ keeper: here() });
    const of = (group: string) =>
      fixture.profile({
        limits: { ...limits, memoryMb: 2_000, together: { group, memoryMb: 235, processes: 200 } },
      });
    const node = (script: string) => ['/bin/sh', '-c', `node -e "${script}"`];
    const bounds = { timeoutMs: 60_000, maxOutputBytes: 65_536 };
    try {
      const kept =
        'const kept = Buffer.alloc(7e7, 1); console.log(kept.length); setInterval(() => kept, 1e6)';
      const holding = await fixture.sandbox.launch(of('label'), node(kept));
      await once(holding.stdout, 'data');
      const grows = node('Buffer.alloc(17e7, 1)');
      const elsewhere = await fixture.sandbox.run(of('quant'), grows, bounds);
      expect(elsewhere).toMatchObject({ outcome: 'exited', code: 0 });
      const grown = await fixture.sandbox.run(of('label'), grows, bounds);
      expect(grown).toMatchObject({ outcome: 'killed', outOfMemory: true });
      expect(existsSync(`/proc/${holding.pid}`)).toBe(true);
      await holding.stop();
      expect(await holding.exited).toMatchObject({ outOfMemory: false });
    } finally {
      await fixture.dispose();
    }
  });
});

test('the watcher sees a flood of processes', async () => {
  const fixture = openFixture({ keeper: watcher() });
  try {
    const result = await fixture.run('for i in $(seq 100); do sleep 100000 & done; wait', {
      // Together they must stay below what memory they may have.
      limits: { ...limits, memoryMb: 4_096, processes: 50 },
    });
    expect(result).toMatchObject({ outcome: 'killed', outOfMemory: false });
  } finally {
    await fixture.dispose();
  }
});

test('a tree’s size is the sum of its processes', async () => {
  const child = spawn('/bin/sh', ['-c', 'sleep 100000 & sleep 100000 & echo ready; wait'], {
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  });
  try {
    await new Promise((resolve) => child.stdout.once('data', resolve));
    const size = measureTree(child.pid ?? -1);
    expect(size.tasks).toBe(3);
    expect(size.memoryBytes).toBeGreaterThan(1024 * 1024);
  } finally {
    process.kill(-(child.pid ?? 0), 'SIGKILL');
  }
});

describe('where a group is made', () => {
  function unified(own: string): { parentOf(path: string): string; keeper(): LimitKeeper } {
    const mount = mkdtempSync(join(tmpdir(), 'atrium-groups-'));
    folders.push(mount);
    const folder = join(mount, own);
    mkdirSync(folder, { recursive: true });
    for (const path of [folder, join(folder, '..'), mount]) {
      writeFileSync(join(path, 'cgroup.controllers'), 'cpu memory pids\n');
      writeFileSync(join(path, 'cgroup.subtree_control'), 'memory pids\n');
      writeFileSync(join(path, 'cgroup.procs'), '');
    }
    return {
      parentOf: (path) => join(mount, path),
      keeper: () =>
        chooseLimitKeeper({
          mountinfo: `35 24 0:30 / ${mount} rw - cgroup2 cgroup2 rw`,
          membership: `0::${own}\n`,
          watchIntervalMs: 20,
        }),
    };
  }

  test('without files that limit, a plain folder is not taken for a control group', () => {
    const tree = unified('/user/core.scope');
    expect(tree.keeper().kind).toBe('watch');
    expect(readdirSync(tree.parentOf('/user'))).not.toContainEqual(expect.stringMatching(/^atrium-/));
  });

  test('no control group at all: the watcher, which says what it does not do', () => {
    expect(watcher()).toMatchObject({
      kind: 'watch',
      detail: expect.stringContaining('measured at intervals') as string,
    });
  });

  test.runIf(RUN_USER !== null && existsSync('/sys/fs/cgroup/memory/memory.limit_in_bytes'))(
    'a tree of version 1 is used as it is',
    () => {
      expect(here().kind).toBe('cgroup1');
    },
  );
});
