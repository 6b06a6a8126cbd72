import { readdirSync, readFileSync } from 'node:fs';

/** A process of a run's user that this process does not hold. */
export interface Stray {
  pid: number;
  /** What it is called. */
  command: string;
}

interface Entry {
  pid: number;
  parent: number;
  uid: number;
  state: string;
  command: string;
}

/**
 * Finds what outlived its tree: processes of the user that runs are which do not descend from this process, as every tree's
 * launcher does. Where runs have the core's own user there is none to tell them by; their pid namespace ended with its first
 * process.
 */
export function findStrays(uid: number): Stray[] {
  const all = new Map<number, Entry>();
  for (const name of readdirSync('/proc')) {
    const entry = /^\d+$/.test(name) ? read(Number(name)) : null;
    if (entry) all.set(entry.pid, entry);
  }
  const isHeld = (from: Entry): boolean => {
    for (let at: Entry | undefined = from; at !== undefined; at = all.get(at.parent))
      if (at.pid === process.pid) return true;
    return false;
  };
  return [...all.values()].flatMap((entry) =>
    entry.uid === uid && entry.state !== 'Z' && !isHeld(entry)
      ? [{ pid: entry.pid, command: entry.command }]
      : [],
  );
}

function read(pid: number): Entry | null {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/status`, 'utf8');
  } catch {
    return null;
  }
  const value = (key: string): string => new RegExp(`^${key}:\\s*(\\S+)`, 'm').exec(text)?.[1] ?? '';
  return {
    pid,
    parent: Number(value('PPid')),
    uid: Number(value('Uid')),
    state: value('State'),
    command: value('Name'),
  };
}
