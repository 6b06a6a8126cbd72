import { randomUUID } from 'node:crypto';
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmdirSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import type { LimitGroup, LimitKeeper, LimitSources, TreeLimits } from './limits.ts';
import { sendKill } from './process-tree.ts';
import { statFields } from './tree-watcher.ts';

const GROUP_NAME = /^atrium-(\d+)-/;

interface Hierarchy {
  controllers: string[];
  /** The group which this process is in, as a folder. */
  own: string;
  isRoot: boolean;
  version: 1 | 2;
}

/** Trees in control groups of either version; null where this process may make none that hold. */
export function controlGroups(sources: LimitSources): LimitKeeper | null {
  const intervalMs = sources.watchIntervalMs;
  const hierarchies = readHierarchies(sources);
  const parent = unifiedParent(hierarchies.find((hierarchy) => hierarchy.version === 2));
  if (parent !== null)
    return groupKeeper({
      kind: 'cgroup2',
      parents: [parent],
      make: unifiedGroups,
      countFile: 'memory.events',
      intervalMs,
    });
  const memory = versionOneParent(hierarchies, 'memory');
  const pids = versionOneParent(hierarchies, 'pids');
  if (memory !== null && pids !== null)
    return groupKeeper({
      kind: 'cgroup1',
      parents: [memory, pids],
      make: versionOneGroups,
      countFile: 'memory.oom_control',
      intervalMs,
    });
  return null;
}

function readHierarchies(sources: LimitSources): Hierarchy[] {
  const paths = new Map<string, string>();
  for (const line of sources.membership.split('\n')) {
    const [, controllers, path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    if (controllers !== undefined && path !== undefined) paths.set(controllers, path);
  }
  const found: Hierarchy[] = [];
  for (const line of sources.mountinfo.split('\n')) {
    const fields = line.split(' ');
    const dash = fields.indexOf('-');
    const type = fields[dash + 1];
    const mountPoint = fields[4];
    if (dash < 0 || mountPoint === undefined || (type !== 'cgroup' && type !== 'cgroup2')) continue;
    const options = (fields[dash + 3] ?? '').split(',');
    const [controllers, path] =
      type === 'cgroup2'
        ? ['', paths.get('')]
        : ([...paths].find(
            ([names]) => names !== '' && names.split(',').every((name) => options.includes(name)),
          ) ?? []);
    if (controllers === undefined || path === undefined) continue;
    const own = join(mountPoint, path);
    const isSeen = existsSync(own);
    found.push({
      controllers: controllers.split(','),
      own: isSeen ? own : mountPoint,
      isRoot: path === '/' || !isSeen,
      version: type === 'cgroup2' ? 2 : 1,
    });
  }
  return found;
}

/**
 * In the unified hierarchy a group with processes cannot have limited children (its root excepted), so the place is
 * beside this process's own group, or below it if that is the root.
 */
function unifiedParent(hierarchy: Hierarchy | undefined): string | null {
  if (hierarchy === undefined) return null;
  const parent = hierarchy.isRoot ? hierarchy.own : dirname(hierarchy.own);
  const listed = (file: string): string[] => {
    try {
      return readFileSync(join(parent, file), 'utf8').trim().split(' ');
    } catch {
      return [];
    }
  };
  const wanted = ['memory', 'pids'];
  if (!wanted.every((name) => listed('cgroup.controllers').includes(name))) return null;
  try {
    if (!wanted.every((name) => listed('cgroup.subtree_control').includes(name))) {
      writeFileSync(join(parent, 'cgroup.subtree_control'), '+memory +pids');
    }
    accessSync(join(parent, 'cgroup.procs'), constants.W_OK);
  } catch {
    return null;
  }
  return tryGroup(parent, 'memory.max') ? parent : null;
}

function versionOneParent(hierarchies: Hierarchy[], controller: string): string | null {
  const own = hierarchies.find((one) => one.version === 1 && one.controllers.includes(controller))?.own;
  if (own === undefined) return null;
  return tryGroup(own, controller === 'memory' ? 'memory.limit_in_bytes' : 'pids.max') ? own : null;
}

/** Makes a group, checks that it can be joined and limited, and takes it away. Also clears what dead cores left. */
function tryGroup(parent: string, limitFile: string): boolean {
  try {
    const group = join(parent, groupName());
    mkdirSync(group);
    try {
      // A brand's group and a tree's below it.
      passOn(group);
      const below = join(group, 'tree');
      mkdirSync(below);
      try {
        for (const folder of [group, below]) accessSync(join(folder, limitFile), constants.W_OK);
        accessSync(join(below, 'cgroup.procs'), constants.W_OK);
      } finally {
        rmdirSync(below);
      }
    } finally {
      rmdirSync(group);
    }
  } catch {
    return false;
  }
  for (const name of readdirSync(parent)) {
    const pid = GROUP_NAME.exec(name)?.[1];
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) clear(join(parent, name));
  }
  return true;
}

/** Has the limits of a group hold for the sum of the groups below it. */
function passOn(group: string): void {
  const unified = join(group, 'cgroup.subtree_control');
  if (existsSync(unified)) writeFileSync(unified, '+memory +pids');
  const summed = join(group, 'memory.use_hierarchy');
  if (existsSync(summed) && readFileSync(summed, 'utf8').trim() !== '1') writeFileSync(summed, '1');
}

/** Takes away a dead core's group; another core that starts may be at it too. */
function clear(group: string): void {
  try {
    endOrphans(group);
    removeWhole(group);
  } catch (error) {
    if (!['ENOENT', 'ENODEV'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
}

/**
 * Ends what a dead core had half started: a launcher that was killed between making the sandbox's first process and letting it
 * go on leaves it waiting for ever. A core in a pid namespace of its own only seems dead: above its trees stands a process of
 * that namespace, above an orphan one of this.
 */
function endOrphans(group: string): void {
  const members = new Set(membersOf(group));
  for (const pid of members) {
    const parent = Number(statFields(pid)?.[1] ?? 0);
    if (parent > 0 && !members.has(parent) && pidNamespace(parent) === pidNamespace('self')) sendKill(pid);
  }
}

/** The processes of a group and of those below it. */
function membersOf(group: string): number[] {
  return readdirSync(group, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.name === 'cgroup.procs')
    .flatMap((entry) => readFileSync(join(entry.parentPath, entry.name), 'utf8').split('\n'))
    .map(Number)
    .filter((pid) => pid > 0);
}

function pidNamespace(pid: number | 'self'): string | null {
  try {
    return readlinkSync(`/proc/${pid}/ns/pid`);
  } catch {
    return null;
  }
}

/** A group with those below it. */
function removeWhole(group: string): void {
  for (const entry of readdirSync(group, { withFileTypes: true }))
    if (entry.isDirectory()) removeGroup(join(group, entry.name));
  removeGroup(group);
}

/** Groups of trees that are limited together: each is there while one of its trees is. */
function createSharedGroups(make: (limits: TreeLimits) => string[]) {
  const shared = new Map<string, { folders: string[]; members: number }>();
  return {
    /** The folders to make a tree's own groups in: those of its group, or `parents` where it has none. */
    enter({ together }: TreeLimits, parents: string[]): string[] {
      if (together === undefined) return parents;
      const known = shared.get(together.group);
      if (known) {
        known.members += 1;
        return known.folders;
      }
      const folders = make(together);
      for (const folder of folders) passOn(folder);
      shared.set(together.group, { folders, members: 1 });
      return folders;
    },
    leave({ together }: TreeLimits): void {
      const known = together && shared.get(together.group);
      if (!together || !known) return;
      known.members -= 1;
      if (known.members > 0) return;
      shared.delete(together.group);
      for (const folder of known.folders) removeGroup(folder);
    },
  };
}

const groupName = (): string => `atrium-${process.pid}-${randomUUID().slice(0, 8)}`;

function removeGroup(path: string): void {
  try {
    rmdirSync(path);
  } catch (error) {
    // A group that is still in use is cleared by the next core; it limits nothing but what is in it.
    if (!['EBUSY', 'ENOENT'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
}

function makeGroup(
  parent: string,
  values: [file: string, value: string][],
  optional: [string, string][] = [],
): string {
  const group = join(parent, groupName());
  mkdirSync(group);
  try {
    for (const [file, value] of values) writeFileSync(join(group, file), value);
    for (const [file, value] of optional)
      if (existsSync(join(group, file))) writeFileSync(join(group, file), value);
  } catch (error) {
    removeGroup(group);
    throw error;
  }
  return group;
}

const bytes = (limits: TreeLimits): string => String(limits.memoryMb * 1024 * 1024);

function counter(file: string): number {
  // A group that somebody took away has nothing to tell; the exit of a tree must not fail over it.
  const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
  return Number(/^oom_kill (\d+)$/m.exec(text)?.[1] ?? 0);
}

/**
 * Makes a group in each place that limits something: of one tree, which ends as a whole where memory runs out, or of several, of
 * which only one ends then.
 */
type MakeGroups = (limits: TreeLimits, parents: string[], of: 'tree' | 'trees') => string[];

const unifiedGroups: MakeGroups = (limits, [parent = ''], of) => [
  makeGroup(
    parent,
    [
      ['memory.max', bytes(limits)],
      ['pids.max', String(limits.processes)],
    ],
    [
      ['memory.swap.max', '0'],
      ['memory.oom.group', of === 'tree' ? '1' : '0'],
    ],
  ),
];

const versionOneGroups: MakeGroups = (limits, [memoryParent = '', pidsParent = '']) => {
  const memory = makeGroup(
    memoryParent,
    [['memory.limit_in_bytes', bytes(limits)]],
    [['memory.memsw.limit_in_bytes', bytes(limits)]],
  );
  try {
    return [memory, makeGroup(pidsParent, [['pids.max', String(limits.processes)]])];
  } catch (error) {
    removeGroup(memory);
    throw error;
  }
};

/** Trees in control groups; those that are limited together stand in one group of their own. */
function groupKeeper(parts: {
  kind: 'cgroup2' | 'cgroup1';
  parents: string[];
  make: MakeGroups;
  /** Of the first of a tree's groups: counts what the kernel killed. */
  countFile: string;
  intervalMs: number;
}): LimitKeeper {
  const { kind, parents, make } = parts;
  const shared = createSharedGroups((limits) => make(limits, parents, 'trees'));
  return {
    kind,
    detail: `Memory and tasks of each tree, and of a brand's trees together, are limited by control groups (version ${kind === 'cgroup2' ? 2 : 1}).`,
    open(limits) {
      const within = shared.enter(limits, parents);
      try {
        const groups = make(limits, within, 'tree');
        const file = join(groups[0] ?? '', parts.countFile);
        return countedGroup(groups, file, parts.intervalMs, () => shared.leave(limits));
      } catch (error) {
        shared.leave(limits);
        throw error;
      }
    },
  };
}

/** The kernel kills one process of a tree that ran out of memory; a tree with a hole in it is ended as a whole. */
function countedGroup(
  groups: string[],
  countFile: string,
  intervalMs: number,
  leave: () => void,
): LimitGroup {
  let timer: NodeJS.Timeout | undefined;
  return {
    joinFiles: groups.map((group) => join(group, 'cgroup.procs')),
    attend(_pid, onExceeded) {
      timer = setInterval(() => {
        if (counter(countFile) === 0) return;
        clearInterval(timer);
        onExceeded();
      }, intervalMs);
      timer.unref();
    },
    finish() {
      clearInterval(timer);
      const outOfMemory = counter(countFile) > 0;
      for (const group of groups) removeGroup(group);
      leave();
      return { outOfMemory };
    },
  };
}
