import { lstatSync, type Stats } from 'node:fs';
import { isAbsolute, join, normalize, sep } from 'node:path';
import { SandboxError } from './failure.ts';
import type { Mount, SandboxProfile } from './profile.ts';

/** Private home inside; a sized tmpfs unless a mount has this target. */
export const HOME_INSIDE = '/home/agent';

/** Targets that belong to the system base: neither they nor anything below them can be replaced. */
const RESERVED_TREES = [
  '/usr',
  '/etc',
  '/bin',
  '/sbin',
  '/lib',
  '/lib32',
  '/lib64',
  '/libx32',
  '/proc',
  '/dev',
  '/sys',
];
const RESERVED_FOR_CORE = [
  '/run/atrium',
  '/opt/node',
  '/opt/atrium/forwarder',
  '/opt/atrium/landlock',
  '/opt/atrium/bait',
];
/** Replacing these would hide the base that lies below them. */
const RESERVED_EXACTLY = ['/', '/opt', '/opt/atrium', '/run', '/home', '/var'];

const refused = (profile: SandboxProfile, reason: string): SandboxError =>
  new SandboxError(
    'mount-refused',
    `The sandbox "${profile.name}" was not launched: ${reason}.`,
    'Give real paths without symbolic links, and make every mount point before the launch.',
  );

/** Whether `path` is `ancestor` or lies below it. */
export function isWithin(path: string, ancestor: string): boolean {
  return path === ancestor || path.startsWith(ancestor === '/' ? '/' : ancestor + sep);
}

function isPlainAbsolute(path: string): boolean {
  return (
    isAbsolute(path) &&
    !path.includes('\0') &&
    normalize(path) === path &&
    (path === '/' || !path.endsWith('/'))
  );
}

/** Looks at each component without following links. The launcher would follow one, with the core's rights. */
function lookWithoutFollowing(profile: SandboxProfile, path: string): Stats {
  let stats: Stats | undefined;
  let seen = '/';
  for (const part of path.split(sep).slice(1)) {
    seen = join(seen, part);
    try {
      stats = lstatSync(seen);
    } catch {
      throw refused(profile, `${seen} does not exist or cannot be looked at`);
    }
    if (stats.isSymbolicLink())
      throw refused(profile, `${seen} is a symbolic link, which could lead a mount elsewhere`);
  }
  return stats ?? lstatSync('/');
}

/**
 * Looks at every host path of a profile just before a launch.
 * @param protectedPaths host paths that no mount may expose, from above or from below
 * @throws SandboxError `mount-refused`
 */
export function inspectMounts(profile: SandboxProfile, protectedPaths: readonly string[]): void {
  const placed: Mount[] = [];
  for (const mount of profile.mounts) {
    inspectTarget(profile, mount.target);
    if (placed.some((other) => isWithin(other.target, mount.target))) {
      throw refused(profile, `the mount at ${mount.target} comes after one that it would hide`);
    }
    const isDirectory = mount.kind === 'tmpfs' || inspectSource(profile, mount.source, protectedPaths);
    if (mount.kind === 'tmpfs') inspectSize(profile, mount.sizeMb);
    inspectMountPoint(profile, mount.target, isDirectory, placed);
    placed.push(mount);
  }
  if (profile.socket !== null) {
    const { source } = profile.socket;
    if (!isPlainAbsolute(source))
      throw refused(profile, `the socket's path ${source} is not a plain absolute path`);
    const stats = lookWithoutFollowing(profile, source);
    if (!stats.isSocket()) throw refused(profile, `${source} is not a socket`);
    if (profile.identity !== null && !mayWrite(stats, profile.identity)) {
      throw refused(
        profile,
        `the socket ${source} is not writable for user ${profile.identity.uid}, who the run becomes`,
      );
    }
  }
}

function inspectTarget(profile: SandboxProfile, target: string): void {
  if (!isPlainAbsolute(target)) throw refused(profile, `the target ${target} is not a plain absolute path`);
  const reserved =
    RESERVED_EXACTLY.includes(target) ||
    RESERVED_TREES.some((tree) => isWithin(target, tree)) ||
    RESERVED_FOR_CORE.some((tree) => isWithin(target, tree));
  if (reserved) throw refused(profile, `the target ${target} belongs to the sandbox itself`);
}

function inspectSource(profile: SandboxProfile, source: string, protectedPaths: readonly string[]): boolean {
  if (!isPlainAbsolute(source)) throw refused(profile, `the source ${source} is not a plain absolute path`);
  const exposed = protectedPaths.find((path) => isWithin(path, source) || isWithin(source, path));
  if (exposed !== undefined) throw refused(profile, `the source ${source} would expose ${exposed}`);
  const stats = lookWithoutFollowing(profile, source);
  if (!stats.isDirectory() && !stats.isFile())
    throw refused(profile, `${source} is neither a folder nor a file`);
  return stats.isDirectory();
}

function inspectSize(profile: SandboxProfile, sizeMb: number): void {
  if (!Number.isInteger(sizeMb) || sizeMb < 1)
    throw refused(profile, `a tmpfs of ${sizeMb} MB cannot be made`);
}

/** A mount point inside an earlier bind lies on the host, where an agent may have been before. */
function inspectMountPoint(
  profile: SandboxProfile,
  target: string,
  isDirectory: boolean,
  placed: Mount[],
): void {
  const enclosing = placed
    .filter((other) => isWithin(target, other.target))
    .sort((a, b) => b.target.length - a.target.length)[0];
  if (enclosing?.kind !== 'bind') return;
  const onHost = join(enclosing.source, target.slice(enclosing.target.length));
  const stats = lookWithoutFollowing(profile, onHost);
  if (stats.isDirectory() !== isDirectory) {
    throw refused(profile, `the mount point ${onHost} should be a ${isDirectory ? 'folder' : 'file'}`);
  }
}

function mayWrite(stats: Stats, identity: { uid: number; gid: number }): boolean {
  if (stats.uid === identity.uid) return (stats.mode & 0o200) !== 0;
  if (stats.gid === identity.gid) return (stats.mode & 0o020) !== 0;
  return (stats.mode & 0o002) !== 0;
}
