import { readdirSync, readFileSync } from 'node:fs';

/** What a tree of processes uses at one moment. Shared pages count once for each process: an upper bound. */
export interface TreeSize {
  memoryBytes: number;
  tasks: number;
}

const PAGE = 4096;
/** Fields of `/proc/PID/stat` counted after the command's closing bracket. */
const PARENT_FIELD = 1;
const TASKS_FIELD = 17;
const RESIDENT_FIELD = 21;

/** Sums up a process and all below it. Processes that end meanwhile are left out. */
export function measureTree(rootPid: number): TreeSize {
  const children = new Map<number, number[]>();
  const sizes = new Map<number, TreeSize>();
  for (const name of readdirSync('/proc')) {
    const pid = Number(name);
    if (!Number.isInteger(pid)) continue;
    const fields = statFields(pid);
    if (fields === null) continue;
    const parent = Number(fields[PARENT_FIELD]);
    children.set(parent, [...(children.get(parent) ?? []), pid]);
    sizes.set(pid, { memoryBytes: Number(fields[RESIDENT_FIELD]) * PAGE, tasks: Number(fields[TASKS_FIELD]) });
  }
  const total: TreeSize = { memoryBytes: 0, tasks: 0 };
  const pending = [rootPid];
  for (let pid = pending.pop(); pid !== undefined; pid = pending.pop()) {
    const size = sizes.get(pid);
    total.memoryBytes += size?.memoryBytes ?? 0;
    total.tasks += size?.tasks ?? 0;
    pending.push(...(children.get(pid) ?? []));
  }
  return total;
}

/** Measures at an interval until the returned function is called. */
export function watchTree(rootPid: number, intervalMs: number, look: (size: TreeSize) => void): () => void {
  const timer = setInterval(() => look(measureTree(rootPid)), intervalMs);
  timer.unref();
  return () => clearInterval(timer);
}

/** State, parent pid and the rest of `/proc/PID/stat` after the command's name; null when there is no such process. */
export function statFields(pid: number): string[] | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return null;
  }
}
