import { randomUUID } from 'node:crypto';
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { watchTree } from './tree-watcher.ts';

/** Limits of one tree. */
export interface TreeLimits {
  memoryMb: number;
  processes: number;
}

/** What holds one tree to its limits. */
export interface LimitGroup {
  /** Files that the launcher's process writes `0` to before it becomes the launcher. */
  joinFiles: string[];
  /** Starts looking after the tree below `pid`; `onExceeded` ends it. */
  attend(pid: number, onExceeded: () => void): void;
  /** Once the tree is gone: takes the group away and says whether memory ran out. */
  finish(): { outOfMemory: boolean };
}

/** A way to hold trees to limits on this machine. */
export interface LimitKeeper {
  kind: 'cgroup2' | 'cgroup1' | 'watch';
  /** One sentence. */
  detail: string;
  open(limits: TreeLimits): LimitGroup;
}

/** Where the kernel's files are; tests give a folder of their own. */
export interface LimitSources {
  /** Text of `/proc/self/mountinfo`. */
  mountinfo: string;
  /** Text of `/proc/self/cgroup`. */
  membership: string;
  watchIntervalMs: number;
}

const MEGABYTE = 1024 * 1024;
const GROUP_NAME = /^atrium-(\d+)-/;

interface Hierarchy {
  controllers: string[];
  /** The group which this process is in, as a folder. */
  own: string;
  isRoot: boolean;
  version: 1 | 2;
}

/** Finds the best way that works here: control groups if this process may make some, else a watcher. */
export function chooseLimitKeeper(sources: LimitSources): LimitKeeper {
  const hierarchies = readHierarchies(sources);
  const parent = unifiedParent(hierarchies.find((hierarchy) => hierarchy.version === 2));
  if (parent !== null) return cgroup2Keeper(parent, sources.watchIntervalMs);
  const memory = versionOneParent(hierarchies, 'memory');
  const pids = versionOneParent(hierarchies, 'pids');
  if (memory !== null && pids !== null) return cgroup1Keeper(memory, pids, sources.watchIntervalMs);
  return {
    kind: 'watch',
    detail:
      'No control group can be made here: each tree is measured at intervals and killed above its limits, and memory in its temporary folders is only limited by their size.',
    open: (limits) => watchedGroup(limits, sources.watchIntervalMs),
  };
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
      accessSync(join(group, limitFile), constants.W_OK);
      accessSync(join(group, 'cgroup.procs'), constants.W_OK);
    } finally {
      rmdirSync(group);
    }
  } catch {
    return false;
  }
  for (const name of readdirSync(parent)) {
    const pid = GROUP_NAME.exec(name)?.[1];
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) removeGroup(join(parent, name));
  }
  return true;
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

const bytes = (limits: TreeLimits): string => String(limits.memoryMb * MEGABYTE);

function counter(file: string): number {
  // A group that somebody took away has nothing to tell; the exit of a tree must not fail over it.
  const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
  return Number(/^oom_kill (\d+)$/m.exec(text)?.[1] ?? 0);
}

function cgroup2Keeper(parent: string, intervalMs: number): LimitKeeper {
  return {
    kind: 'cgroup2',
    detail: 'Memory and tasks of each tree are limited by a control group (version 2).',
    open(limits) {
      const group = makeGroup(
        parent,
        [
          ['memory.max', bytes(limits)],
          ['pids.max', String(limits.processes)],
        ],
        [
          ['memory.swap.max', '0'],
          ['memory.oom.group', '1'],
        ],
      );
      return countedGroup([group], join(group, 'memory.events'), intervalMs);
    },
  };
}

function cgroup1Keeper(memoryParent: string, pidsParent: string, intervalMs: number): LimitKeeper {
  return {
    kind: 'cgroup1',
    detail: 'Memory and tasks of each tree are limited by control groups (version 1).',
    open(limits) {
      const memory = makeGroup(
        memoryParent,
        [['memory.limit_in_bytes', bytes(limits)]],
        [['memory.memsw.limit_in_bytes', bytes(limits)]],
      );
      try {
        const pids = makeGroup(pidsParent, [['pids.max', String(limits.processes)]]);
        return countedGroup([memory, pids], join(memory, 'memory.oom_control'), intervalMs);
      } catch (error) {
        removeGroup(memory);
        throw error;
      }
    },
  };
}

/** The kernel kills one process of a tree that ran out of memory; a tree with a hole in it is ended as a whole. */
function countedGroup(groups: string[], countFile: string, intervalMs: number): LimitGroup {
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
      return { outOfMemory };
    },
  };
}

function watchedGroup(limits: TreeLimits, intervalMs: number): LimitGroup {
  let stop: (() => void) | undefined;
  let outOfMemory = false;
  return {
    joinFiles: [],
    attend(pid, onExceeded) {
      stop = watchTree(pid, intervalMs, (size) => {
        outOfMemory = size.memoryBytes > limits.memoryMb * MEGABYTE;
        if (!outOfMemory && size.tasks <= limits.processes) return;
        stop?.();
        onExceeded();
      });
    },
    finish() {
      stop?.();
      return { outOfMemory };
    },
  };
}
