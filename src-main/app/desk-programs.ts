import { chmodSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { INSIDE } from '../domain/inside.ts';
import { isListed } from '../services/gateway/index.ts';
import type { DeskProgram, Runtime } from '../services/runtimes/index.ts';
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
 * login made at the desk (`login NAME`) is there the next time, and none of the operator's is. A program that is logged in reaches
 * its provider by itself; before, it reaches models by the gateway.
 *
 * @param homes the folder of the brand's homes
 * @param network the hosts that the desk may reach
 */
export function layDeskPrograms(
  homes: string,
  runtimes: readonly Runtime[],
  owner: { uid: number; gid: number } | null,
  network: readonly string[],
): DeskPrograms {
  const folder = join(homes, '.programs');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  const mounts: DeskPrograms['mounts'] = [];
  const homesOf: DeskPrograms['homes'] = [];
  const names: string[] = [];
  const logins: string[] = [];
  for (const runtime of runtimes) {
    const program = runtime.desk?.(INSIDE.gateway) ?? null;
    if (program === null) continue;
    const home = join(homes, runtime.name);
    if (!existsSync(home)) layHome(home, program.homeFiles, owner);
    const homeInside = `/home/${runtime.name}`;
    const { login } = program;
    const isLoggedIn = (runtime.logins ?? []).map((path) => `[ -s ${quoted(`${homeInside}/${path}`)} ]`);
    lay(folder, runtime.name, [
      ...(isLoggedIn.length > 0
        ? [`if ${isLoggedIn.join(' || ')}; then`, started(homeInside, login.then), 'fi']
        : []),
      started(homeInside, program),
    ]);
    const { title } = runtime;
    const missing = login.hosts.filter((host) => !isListed(network, host));
    logins.push(
      `${quoted(runtime.name)})`,
      ...(missing.length > 0
        ? said(
            `${title} needs hosts that this desk may not reach: ${missing.join(', ')}.`,
            'Name them in brand.yaml under desk.network, and open a new terminal.',
          ).concat('exit 1')
        : [
            ...said(
              `${title}: ${login.steps}`,
              'The login stays in this brand’s own home of it. From then on it reaches its provider by itself: Atrium does not count what it spends.',
            ),
            started(homeInside, login),
          ]),
      ';;',
    );
    for (const { source, target } of program.mounts)
      if (!mounts.some((mount) => mount.target === target)) mounts.push({ source, target, access: 'read' });
    homesOf.push({ source: home, target: homeInside });
    names.push(runtime.name);
  }
  lay(folder, 'login', [
    'case "${1-}" in',
    ...logins,
    '*)',
    ...said(
      names.length === 0
        ? 'No agent program was found for this desk.'
        : `Logs an agent program in by your browser, for this brand alone: login ${names.join(' | ')}`,
    ),
    'exit 2;;',
    'esac',
  ]);
  mounts.push({ source: folder, target: PROGRAMS_INSIDE, access: 'read' });
  return { mounts, homes: homesOf, names };
}

function lay(folder: string, name: string, lines: readonly string[]): void {
  const file = join(folder, name);
  writeFileSync(file, `#!/bin/sh\n${lines.join('\n')}\n`);
  chmodSync(file, 0o755);
}

/** What becomes the program, in a home. */
function started(
  home: string,
  { command, environment }: Pick<DeskProgram, 'command' | 'environment'>,
): string {
  const set = Object.entries({ ...environment, HOME: home }).map(
    ([name, value]) => `${name}=${quoted(value)}\nexport ${name}\n`,
  );
  return `${set.join('')}exec ${command.map(quoted).join(' ')} "$@"`;
}

/** Sentences for the person. */
function said(...sentences: string[]): string[] {
  return sentences.map((sentence) => `echo ${quoted(sentence)}`);
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
