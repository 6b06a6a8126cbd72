import { closeSync, existsSync, openSync, readFileSync, readSync, realpathSync, statSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';

/** The file of that name in the first folder of a PATH that has it and lets it be run, without links; undefined where none has. */
export function findOnPath(path: string, name: string): string | undefined {
  for (const folder of path.split(delimiter)) {
    if (!folder.startsWith('/')) continue;
    const found = fileAt(join(folder, name));
    if (found !== undefined && (statSync(found).mode & 0o111) !== 0) return found;
  }
  return undefined;
}

/** The file behind a path, links followed; undefined where there is none. */
export function fileAt(path: string): string | undefined {
  try {
    const real = realpathSync(path);
    return statSync(real).isFile() ? real : undefined;
  } catch {
    return undefined;
  }
}

/** The package of that name that a file belongs to: its folder and version; undefined where the file is in none. */
export function packageOf(file: string, name: string): { folder: string; version: string } | undefined {
  for (let folder = dirname(file); folder !== dirname(folder); folder = dirname(folder)) {
    const manifest = readManifest(folder);
    if (manifest?.name === name) return { folder, version: manifest.version ?? '' };
  }
  return undefined;
}

/** The `name` and `version` of the package in a folder; undefined where its manifest is absent or cannot be read. */
export function readManifest(
  folder: string,
  manifest = 'package.json',
): { name?: string; version?: string } | undefined {
  const file = join(folder, manifest);
  if (!existsSync(file)) return undefined;
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as { name?: string; version?: string };
  } catch {
    return undefined;
  }
}

/** True for a native program of Linux, by its first bytes. */
function isNativeProgram(file: string): boolean {
  const start = Buffer.alloc(4);
  let descriptor: number | undefined;
  try {
    descriptor = openSync(file, 'r');
    return readSync(descriptor, start, 0, 4, 0) === 4 && start.equals(Buffer.from([0x7f, 0x45, 0x4c, 0x46]));
  } catch {
    return false;
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

/**
 * The native program behind a name: the file itself, or the one in the package of this system that npm laid beside the script of
 * that name; undefined where neither is native.
 *
 * @param packaged its path under `node_modules`
 */
export function nativeProgram(named: string | undefined, packaged: string): string | undefined {
  const file = named === undefined ? undefined : fileAt(named);
  if (file === undefined || isNativeProgram(file)) return file;
  for (let folder = dirname(file); folder !== dirname(folder); folder = dirname(folder)) {
    const beside = fileAt(join(folder, 'node_modules', packaged));
    if (beside !== undefined && isNativeProgram(beside)) return beside;
  }
  return undefined;
}
