import { readdirSync, readFileSync } from 'node:fs';

/** What a tree of processes uses at one moment. Shared pages count once for each process: an upper bound. */
export interface TreeSize {
  memoryBytes: number;
  tasks: number;
}

/** Sums up a process and all below it. Processes that end meanwhile are left out. */
export function measureTree(rootPid: number): TreeSize {
  const children = new Map<number, number[]>();
  const sizes = new Map<number, TreeSize>();
  for (const name of readdirSync('/proc')) {
    const pid = Number(name);
    if (!Number.isInteger(pid)) continue;
    const status = statusOf(pid);
    if (status === null) continue;
    const { parent, ...size } = status;
    children.set(parent, [...(children.get(parent) ?? []), pid]);
    sizes.set(pid, size);
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

function statusOf(pid: number): (TreeSize & { parent: number }) | null {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/status`, 'utf8');
  } catch {
    return null;
  }
  const value = (key: string): number => Number(new RegExp(`^${key}:\\s*(\\d+)`, 'm').exec(text)?.[1] ?? 0);
  return { parent: value('PPid'), memoryBytes: value('VmRSS') * 1024, tasks: value('Threads') };
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
