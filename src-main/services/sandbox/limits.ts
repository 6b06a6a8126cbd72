import { controlGroups } from './control-groups.ts';
import { watchTree } from './tree-watcher.ts';

/** Limits of one tree, and of every tree of the same group together. */
export interface TreeLimits {
  memoryMb: number;
  processes: number;
  together?: { group: string; memoryMb: number; processes: number } | undefined;
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

/** Finds the best way that works here: control groups if this process may make some, else a watcher. */
export function chooseLimitKeeper(sources: LimitSources): LimitKeeper {
  const intervalMs = sources.watchIntervalMs;
  const groups = controlGroups(sources);
  if (groups !== null) return groups;
  return {
    kind: 'watch',
    detail:
      'No control group can be made here: each tree is measured at intervals and killed above its limits, memory in its temporary folders is only limited by their size, and what the trees of a brand take together is not limited.',
    open: (limits) => watchedGroup(limits, intervalMs),
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
