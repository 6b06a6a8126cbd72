import { execFile } from 'node:child_process';
import { lstatSync, realpathSync } from 'node:fs';
import { dirname, isAbsolute } from 'node:path';
import { SandboxError } from './failure.ts';

/** Older ones lack `--disable-userns`. */
const OLDEST_LAUNCHER = [0, 8, 0] as const;
const INSTALL_HINT =
  'Install bubblewrap from your distribution (on Debian and Ubuntu: sudo apt install bubblewrap).';
const OTHERS_MAY_WRITE = 0o022;
const STICKY = 0o1000;

/**
 * Looks at the launcher file and the folders above it: whoever could replace it could switch every wall off.
 * @returns its real path
 * @throws SandboxError `launcher-missing` or `launcher-untrusted`
 */
export function checkLauncherFile(path: string): string {
  const untrusted = (message: string): SandboxError =>
    new SandboxError(
      'launcher-untrusted',
      message,
      `Make the launcher owned by root and writable by root only. ${INSTALL_HINT}`,
    );
  if (!isAbsolute(path)) throw untrusted(`The launcher must be named by an absolute path, not "${path}".`);
  let real: string;
  try {
    real = realpathSync(path);
  } catch {
    throw new SandboxError('launcher-missing', `There is no launcher at ${path}.`, INSTALL_HINT);
  }
  const file = lstatSync(real);
  if (!file.isFile() || (file.mode & 0o111) === 0) throw untrusted(`${real} is not an executable file.`);
  if (file.uid !== 0) throw untrusted(`The launcher ${real} belongs to user ${file.uid}, not to root.`);
  if ((file.mode & OTHERS_MAY_WRITE) !== 0)
    throw untrusted(`The launcher ${real} is writable by others than root.`);
  for (let folder = dirname(real); ; folder = dirname(folder)) {
    const stats = lstatSync(folder);
    const replaceable = (stats.mode & OTHERS_MAY_WRITE) !== 0 && (stats.mode & STICKY) === 0;
    if (stats.uid !== 0 || replaceable)
      throw untrusted(`The launcher's folder ${folder} can be changed by others than root.`);
    if (folder === dirname(folder)) return real;
  }
}

/**
 * Asks the launcher for its version.
 * @throws SandboxError `launcher-too-old` or `launch-failed`
 */
export async function readLauncherVersion(path: string): Promise<string> {
  const output = await new Promise<string>((resolve, reject) => {
    execFile(path, ['--version'], { env: {}, timeout: 10_000 }, (error, stdout) => {
      if (error === null) resolve(stdout);
      else
        reject(
          new SandboxError(
            'launch-failed',
            `${path} --version failed: ${error.message.trim()}.`,
            INSTALL_HINT,
          ),
        );
    });
  });
  const match = /(\d+)\.(\d+)\.(\d+)/.exec(output);
  if (match === null) {
    throw new SandboxError('launch-failed', `${path} did not say which version it is.`, INSTALL_HINT);
  }
  const version = match.slice(1, 4).map(Number);
  const firstDifference = OLDEST_LAUNCHER.findIndex((part, index) => part !== version[index]);
  const isOld =
    firstDifference >= 0 && (version[firstDifference] ?? 0) < (OLDEST_LAUNCHER[firstDifference] ?? 0);
  if (isOld) {
    throw new SandboxError(
      'launcher-too-old',
      `The launcher ${path} is version ${match[0]}; ${OLDEST_LAUNCHER.join('.')} or newer is needed.`,
      INSTALL_HINT,
    );
  }
  return match[0];
}
