import { existsSync, lchownSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { INSIDE } from '../domain/inside.ts';
import type { Sandbox, SandboxProfile } from '../services/sandbox/index.ts';

/** A file of a home, by its path relative to it. */
export interface HomeFile {
  path: string;
  content: string;
}

type Owner = { uid: number; gid: number } | null;

/** Lays a home that did not exist before: nothing in it can have been planted. */
export function layHome(home: string, files: readonly HomeFile[], owner: Owner): void {
  mkdirSync(home, { recursive: true, mode: 0o700 });
  const own = (path: string) => {
    if (owner) lchownSync(path, owner.uid, owner.gid);
  };
  for (const { path, content } of files) {
    const file = join(home, path);
    const folders: string[] = [];
    for (let folder = dirname(file); folder !== home && folder !== dirname(folder); folder = dirname(folder))
      folders.unshift(folder);
    for (const folder of folders) {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      own(folder);
    }
    writeFileSync(file, content, { mode: 0o600 });
    own(file);
  }
  own(home);
}

/** Longest file that is a login, in bytes. */
const LONGEST_LOGIN = 256 * 1024;

/**
 * Reads files out of a lasting home that agents can write, inside the walls, where no link leads out. What is missing, no
 * plain file or too long is left out.
 */
export async function readLogins(
  sandbox: Sandbox,
  home: string,
  paths: readonly string[],
  room: Pick<SandboxProfile, 'name' | 'limits' | 'identity'>,
): Promise<HomeFile[]> {
  if (paths.length === 0 || !existsSync(home)) return [];
  const ended = await sandbox.run(
    {
      ...room,
      mounts: [{ kind: 'bind', source: home, target: INSIDE.home, access: 'read' }],
      workdir: INSIDE.home,
      environment: {},
      socket: null,
      kernel: { read: [INSIDE.home], write: [], ports: [], required: false },
    },
    ['/bin/sh', '-c', READ_LOGINS, 'sh', String(LONGEST_LOGIN), ...paths],
    { timeoutMs: 30_000, maxOutputBytes: 2 * paths.length * LONGEST_LOGIN + 65_536 },
  );
  if (ended.outcome !== 'exited' || ended.code !== 0) return [];
  return ended.stdout
    .toString('latin1')
    .split('\n')
    .flatMap((line) => {
      const [number, encoded] = line.split(' ');
      const path = paths[Number(number)];
      return path === undefined || encoded === undefined
        ? []
        : [{ path, content: Buffer.from(encoded, 'base64').toString('utf8') }];
    });
}

const READ_LOGINS = `most=$1; shift; n=0
for path in "$@"; do
  if [ -f "$path" ] && [ ! -L "$path" ] && [ "$(wc -c < "$path")" -le "$most" ]; then
    printf '%s ' "$n"; base64 -w 0 < "$path"; echo
  fi
  n=$((n + 1))
done
`;
