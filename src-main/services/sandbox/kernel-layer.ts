import { execFileSync } from 'node:child_process';
import { lstatSync, realpathSync, type Stats } from 'node:fs';
import type { KernelWall } from '../../domain/kernel-wall.ts';
import { SandboxError } from './failure.ts';

/** Where the kernel layer's launcher is, inside. */
export const LANDLOCK_INSIDE = '/opt/atrium/landlock';

/**
 * The least that a sealed brand is content with: the first Landlock that holds every change of a file, shortening included.
 * Ports are held from 4 on, abstract sockets and signals from 6.
 */
export const SEALED_ABI = 3;
/** From which Landlock on TCP, and abstract sockets and signals, are held. */
export const PORTS_ABI = 4;
export const SCOPES_ABI = 6;

/** The second wall round a run: a launcher of our own that applies Landlock inside the room. */
export interface KernelLayer {
  /** Host path of the launcher. */
  launcher: string;
  /** Which Landlock the running kernel has; 0 for none. */
  abi: number;
}

const BUILD_HINT =
  'It is built at set-up: install gcc and the C library’s headers (on Debian "sudo apt-get install gcc libc6-dev"), then start Atrium again.';
const OTHERS_MAY_WRITE = 0o022;

/**
 * Gives the kernel layer of this machine. The launcher is looked at each time, and asked once which Landlock there is.
 * What it gives throws SandboxError `kernel-launcher-missing` or `kernel-launcher-untrusted`.
 */
export function kernelLayerAt(path: string): () => KernelLayer {
  let abi: number | undefined;
  return () => {
    const launcher = checkedLauncher(path);
    return { launcher, abi: (abi ??= askAbi(launcher)) };
  };
}

const untrusted = (launcher: string, reason: string): SandboxError =>
  new SandboxError(
    'kernel-launcher-untrusted',
    `The launcher of the kernel layer, ${launcher}, ${reason}.`,
    `Remove it. ${BUILD_HINT}`,
  );

function checkedLauncher(path: string): string {
  let launcher: string;
  let file: Stats;
  try {
    launcher = realpathSync(path);
    file = lstatSync(launcher);
  } catch {
    throw new SandboxError(
      'kernel-launcher-missing',
      `The launcher of the kernel layer is not at ${path}.`,
      BUILD_HINT,
    );
  }
  if (!file.isFile() || (file.mode & 0o111) === 0) throw untrusted(launcher, 'is not an executable file');
  if ((file.mode & OTHERS_MAY_WRITE) !== 0) throw untrusted(launcher, 'is writable by others than its owner');
  if (file.uid !== 0 && file.uid !== process.getuid?.())
    throw untrusted(launcher, `belongs to user ${file.uid}`);
  return launcher;
}

function askAbi(launcher: string): number {
  let said: string;
  try {
    said = execFileSync(launcher, ['--abi'], { env: {}, timeout: 10_000, encoding: 'utf8', stdio: 'pipe' });
  } catch (error) {
    throw untrusted(launcher, `did not say which Landlock there is (${(error as Error).message.trim()})`);
  }
  if (!/^\d+\n$/.test(said)) throw untrusted(launcher, 'did not say which Landlock there is');
  return Number(said);
}

/** Where programs find their system; each is a folder in every room. */
const SYSTEM_READ = ['/usr', '/etc', '/proc', '/opt/node', '/dev'];
const SYSTEM_WRITE = ['/tmp', '/dev/shm', '/dev/pts'];
const DEVICES = ['null', 'zero', 'full', 'random', 'urandom', 'tty'].map((name) => `/dev/${name}`);

/**
 * What the launcher is told. Pure.
 * @param folders top-level folders of the system beside `/usr`, such as `/lib` where it is no link
 * @param gatewayPort the port that leads to the run's socket; null where it has none
 */
export function landlockArguments(
  wall: KernelWall,
  folders: readonly string[],
  gatewayPort: number | null,
): string[] {
  const each = (option: string, values: readonly (string | number)[]): string[] =>
    values.flatMap((value) => [option, String(value)]);
  const reached = [...(wall.ports ?? []), ...(gatewayPort === null ? [] : [gatewayPort])];
  return [
    ...['--at-least', String(wall.required ? SEALED_ABI : 0)],
    ...each('--read', [...SYSTEM_READ, ...folders, ...wall.read]),
    ...each('--write', [...SYSTEM_WRITE, ...DEVICES, ...wall.write]),
    ...(wall.ports === null
      ? ['--any-port']
      : [...each('--bind', wall.ports), ...each('--connect', reached)]),
  ];
}
