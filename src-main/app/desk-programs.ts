import { chmodSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { INSIDE } from '../domain/inside.ts';
import type { Runtime } from '../services/runtimes/index.ts';
import { layHome } from './agent-homes.ts';

/** Where the desk finds agent programs by name. */
export const PROGRAMS_INSIDE = '/opt/agent/bin';

/** What puts a brand's agents on the PATH of its desk: programs to read, homes to write. */
export interface DeskPrograms {
  mounts: { source: string; target: string; access: 'read' }[];
  homes: { source: string; target: string }[];
  names: string[];
}

/**
 * Lays out the agent programs that are here, each with a lasting home of its own in the brand (`homes/<brand>/<runtime>`): a
 * login made at the desk is there the next time, and none of the operator's is.
 *
 * @param homes the folder of the brand's homes
 */
export function layDeskPrograms(
  homes: string,
  runtimes: readonly Runtime[],
  owner: { uid: number; gid: number } | null,
): DeskPrograms {
  const folder = join(homes, '.programs');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  const mounts: DeskPrograms['mounts'] = [];
  const homesOf: DeskPrograms['homes'] = [];
  const names: string[] = [];
  for (const runtime of runtimes) {
    const program = runtime.desk?.(INSIDE.gateway) ?? null;
    if (program === null) continue;
    const home = join(homes, runtime.name);
    if (!existsSync(home)) layHome(home, program.homeFiles, owner);
    const homeInside = `/home/${runtime.name}`;
    const set = Object.entries({ ...program.environment, HOME: homeInside }).map(
      ([name, value]) => `${name}=${quoted(value)}\nexport ${name}\n`,
    );
    const file = join(folder, runtime.name);
    writeFileSync(file, `#!/bin/sh\n${set.join('')}exec ${program.command.map(quoted).join(' ')} "$@"\n`);
    chmodSync(file, 0o755);
    for (const { source, target } of program.mounts)
      if (!mounts.some((mount) => mount.target === target)) mounts.push({ source, target, access: 'read' });
    homesOf.push({ source: home, target: homeInside });
    names.push(runtime.name);
  }
  mounts.push({ source: folder, target: PROGRAMS_INSIDE, access: 'read' });
  return { mounts, homes: homesOf, names };
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
