import { createHash } from 'node:crypto';
import { chmodSync, lstatSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { CoreFile } from '../../contract/host-api.ts';

/** Longest path of a Unix socket that every supported system takes, in bytes. */
const longestSocket = 100;

/** Where a workspace's core keeps what its doors need. All paths are absolute. */
export interface Place {
  workspace: string;
  /** `.atrium/`, mode 0700. */
  state: string;
  /** The operator's socket, mode 0600. */
  socket: string;
  /** `.atrium/core.json`, there while a core runs. */
  coreFile: string;
  /** The file whose lock says who owns the workspace. */
  lock: string;
  /** The port that the browser door keeps for this workspace. */
  port: string;
  /** What the core logs. */
  log: string;
}

/**
 * Names the places of a workspace's core; makes nothing.
 * @param workspace absolute path of the workspace
 * @param environment `XDG_RUNTIME_DIR` is where a socket goes whose path would be too long
 */
export function placeOf(workspace: string, environment: NodeJS.ProcessEnv): Place {
  const state = path.join(workspace, '.atrium');
  let socket = path.join(state, 'core.sock');
  if (Buffer.byteLength(socket) > longestSocket) {
    const key = createHash('sha256').update(workspace).digest('hex').slice(0, 16);
    const folder = `atrium-${process.getuid?.() ?? 0}-${key}`;
    const bases = [environment['XDG_RUNTIME_DIR'] ?? '', tmpdir(), '/tmp'].filter((base) =>
      path.isAbsolute(base),
    );
    const fitting = bases.map((base) => path.join(base, folder, 'core.sock'));
    socket =
      fitting.find((candidate) => Buffer.byteLength(candidate) <= longestSocket) ??
      path.join('/tmp', folder, 'core.sock');
  }
  return {
    workspace,
    state,
    socket,
    coreFile: path.join(state, 'core.json'),
    lock: path.join(state, 'lock.db'),
    port: path.join(state, 'port'),
    log: path.join(state, 'core.log'),
  };
}

/**
 * Makes the state folder and the socket's folder, each for its owner only.
 * @throws when the socket's folder outside the workspace belongs to somebody else
 */
export function preparePlace(place: Place): void {
  mkdirSync(place.state, { recursive: true, mode: 0o700 });
  chmodSync(place.state, 0o700);
  const folder = path.dirname(place.socket);
  if (folder === place.state) return;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const found = lstatSync(folder);
  if (!found.isDirectory() || (process.getuid !== undefined && found.uid !== process.getuid())) {
    throw new Error(`${folder} is not a folder of this user: remove it`);
  }
  chmodSync(folder, 0o700);
}

/** Writes `core.json` in one step, readable by its owner only. */
export function writeCoreFile(place: Place, core: CoreFile): void {
  const next = `${place.coreFile}.${process.pid}`;
  writeFileSync(next, `${JSON.stringify(core)}\n`, { mode: 0o600 });
  renameSync(next, place.coreFile);
}

/** The core that `core.json` names, if its process is there. A file that a dead core left behind counts as none. */
export function readCoreFile(place: Place): CoreFile | undefined {
  try {
    const core = CoreFile.parse(JSON.parse(readFileSync(place.coreFile, 'utf8')));
    process.kill(core.pid, 0);
    return core;
  } catch {
    return undefined;
  }
}

/** Lets nobody connect any more; `core.json` goes on saying whose process is not gone yet. */
export function closePlace(place: Place): void {
  rmSync(place.socket, { force: true });
}

/** Removes what says that a core is there: `core.json`, the socket, and the socket's own folder. */
export function clearPlace(place: Place): void {
  rmSync(place.coreFile, { force: true });
  rmSync(place.socket, { force: true });
  const folder = path.dirname(place.socket);
  if (folder !== place.state) rmSync(folder, { force: true, recursive: true });
}
