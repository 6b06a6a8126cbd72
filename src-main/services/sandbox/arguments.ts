import { dirname } from 'node:path';
import { LANDLOCK_INSIDE, landlockArguments } from './kernel-layer.ts';
import { HOME_INSIDE, isWithin } from './mounts.ts';
import type { Mount, SandboxMode, SandboxProfile } from './profile.ts';
import type { SystemBase } from './system-base.ts';

/** Where the run's socket is, inside. */
export const SOCKET_INSIDE = '/run/atrium/core.sock';
/** Where Node is, inside. */
export const NODE_INSIDE = '/opt/node/bin/node';
/** Where the forwarder is, inside. */
export const FORWARDER_INSIDE = '/opt/atrium/forwarder';
/** The port inside that leads to the run's socket. */
export const FORWARDER_PORT = 8790;
const NPM_INSIDE = '/opt/node/lib/node_modules/npm';
const MEGABYTE = 1024 * 1024;
/** Where the bait of a proof is, inside: the room lets it through and the kernel layer does not. */
export const BAIT_INSIDE = '/opt/atrium/bait';
/** Who the run is inside when the core is an ordinary user. */
export const USER_INSIDE = { uid: 1000, gid: 1000 } as const;
/** Where setpriv is, outside and inside. */
export const SETPRIV = '/usr/bin/setpriv';

/** Descriptors that the launcher reads its options and the filter from, and writes its status to. */
export const DESCRIPTORS = { options: 3, filter: 4, status: 5 } as const;

/** Everything that decides what the launcher is told. */
export interface LaunchInput {
  profile: SandboxProfile;
  command: string[];
  mode: SandboxMode;
  base: SystemBase;
  /** Host path of the made-up `/etc`. */
  etc: string;
  filter: Buffer;
  /** Host path of the kernel layer's launcher, and whether the command is started by it; null: there is no such layer. */
  kernel: { launcher: string; confines: boolean } | null;
  /** Host folder that the prober finds at `BAIT_INSIDE`; no run has one. */
  bait: string | null;
}

/** What the launcher is told: options on a descriptor (so that no host path shows in an argv), the command in its argv. */
export interface LaunchPlan {
  options: string[];
  command: string[];
  filter: Buffer;
}

/** Turns a profile into a launch. Pure. */
export function buildArguments(input: LaunchInput): LaunchPlan {
  const { profile, mode, base } = input;
  const temporary = String(profile.limits.temporaryMb * MEGABYTE);
  const hasOwnHome = profile.mounts.some((mount) => mount.target === HOME_INSIDE);
  const options = [
    ...namespaces(mode),
    ...['--die-with-parent', '--hostname', 'atrium', '--clearenv'],
    ...['--ro-bind', '/usr', '/usr'],
    ...base.topLevel.flatMap(({ name, link }) =>
      link === null ? ['--ro-bind', `/${name}`, `/${name}`] : ['--symlink', link, `/${name}`],
    ),
    ...['--ro-bind', input.etc, '/etc'],
    ...base.etcFromHost.flatMap((path) => ['--ro-bind', path, path]),
    ...['--proc', '/proc', '--ro-bind', '/proc/sys', '/proc/sys'],
    ...['--dev', '/dev', ...tmpfs(temporary, '/dev/shm'), '--remount-ro', '/dev'],
    ...tmpfs(temporary, '/tmp'),
    ...['--dir', '/run', '--dir', '/var', '--symlink', '/tmp', '/var/tmp'],
    ...foldersAbove(NODE_INSIDE),
    ...['--ro-bind', base.nodePath, NODE_INSIDE],
    ...npm(base),
    ...(hasOwnHome ? [] : [...foldersAbove(HOME_INSIDE), ...tmpfs(temporary, HOME_INSIDE)]),
    ...profile.mounts.flatMap((mount, index) => [
      ...foldersAbove(mount.target, profile.mounts.slice(0, index)),
      ...(mount.kind === 'tmpfs'
        ? tmpfs(String(mount.sizeMb * MEGABYTE), mount.target)
        : [mount.access === 'write' ? '--bind' : '--ro-bind', mount.source, mount.target]),
    ]),
    ...(profile.socket === null
      ? []
      : [
          ...[...foldersAbove(FORWARDER_INSIDE), '--ro-bind', base.forwarderPath, FORWARDER_INSIDE],
          ...[...foldersAbove(SOCKET_INSIDE), '--bind', profile.socket.source, SOCKET_INSIDE],
        ]),
    ...(input.kernel === null
      ? []
      : [...foldersAbove(LANDLOCK_INSIDE), '--ro-bind', input.kernel.launcher, LANDLOCK_INSIDE]),
    ...(input.bait === null ? [] : [...foldersAbove(BAIT_INSIDE), '--bind', input.bait, BAIT_INSIDE]),
    ...['--remount-ro', '/'],
    ...Object.entries(environment(profile)).flatMap(([name, value]) => ['--setenv', name, value]),
    ...['--seccomp', String(DESCRIPTORS.filter), '--json-status-fd', String(DESCRIPTORS.status)],
    ...['--setenv', 'PWD', profile.workdir, '--chdir', profile.identity === null ? profile.workdir : '/'],
  ];
  const confined =
    input.kernel?.confines === true ? [...confinement(profile, base), ...input.command] : input.command;
  const forwarded =
    profile.socket === null
      ? confined
      : [FORWARDER_INSIDE, String(FORWARDER_PORT), SOCKET_INSIDE, '--', ...confined];
  return { options, command: [...dropTo(profile), ...forwarded], filter: input.filter };
}

/** The command line inside that puts what follows it behind the kernel layer. */
export function confinement(profile: SandboxProfile, base: SystemBase): string[] {
  const folders = base.topLevel.flatMap(({ name, link }) => (link === null ? [`/${name}`] : []));
  const port = profile.socket === null ? null : FORWARDER_PORT;
  return [LANDLOCK_INSIDE, ...landlockArguments(profile.kernel, folders, port), '--'];
}

/** As root no user namespace is made: inside one, any uid would still be the host's root. */
function namespaces(mode: SandboxMode): string[] {
  if (mode === 'user-namespace') {
    const { uid, gid } = USER_INSIDE;
    const user = ['--unshare-user', '--disable-userns', '--uid', String(uid), '--gid', String(gid)];
    return ['--unshare-all', ...user, '--cap-drop', 'ALL'];
  }
  const kept = ['CAP_SETUID', 'CAP_SETGID', 'CAP_SETPCAP'].flatMap((name) => ['--cap-add', name]);
  const unshared = [
    '--unshare-ipc',
    '--unshare-pid',
    '--unshare-net',
    '--unshare-uts',
    '--unshare-cgroup-try',
  ];
  return [...unshared, '--cap-drop', 'ALL', ...kept];
}

/** The launcher has no rights on what belongs to the run's user, so the workdir is entered after the drop. */
function dropTo({ identity, workdir }: SandboxProfile): string[] {
  if (identity === null) return [];
  const user = ['--reuid', String(identity.uid), '--regid', String(identity.gid), '--clear-groups'];
  const drop = [SETPRIV, ...user, '--inh-caps=-all', '--bounding-set=-all', '--no-new-privs', '--'];
  return [...drop, '/bin/sh', '-c', 'cd "$1" && shift && exec "$@"', 'sh', workdir];
}

/** Open to all inside: the launcher makes it root's, and only the run and its init are here. */
function tmpfs(bytes: string, target: string): string[] {
  return ['--perms', '1777', '--size', bytes, '--tmpfs', target];
}

/**
 * Folders above a target, which the launcher would make root's alone. Beside a mount in the home or the temp the run
 * must be able to write. What lies in an earlier bind is there already.
 */
function foldersAbove(target: string, earlier: readonly Mount[] = []): string[] {
  const folders: string[] = [];
  for (let folder = dirname(target); folder !== '/'; folder = dirname(folder)) folders.unshift(folder);
  const isInBind = (folder: string): boolean =>
    earlier.some(({ kind, target: at }) => kind === 'bind' && isWithin(folder, at));
  const isShared = (folder: string): boolean => [HOME_INSIDE, '/tmp'].some((tree) => isWithin(folder, tree));
  return folders
    .filter((folder) => !isInBind(folder))
    .flatMap((folder) => ['--perms', isShared(folder) ? '1777' : '0755', '--dir', folder]);
}

function npm(base: SystemBase): string[] {
  if (base.npmPackage === null) return [];
  const link = (name: string): string[] => [
    '--symlink',
    `../lib/node_modules/npm/bin/${name}-cli.js`,
    `/opt/node/bin/${name}`,
  ];
  return [
    ...foldersAbove(NPM_INSIDE),
    '--ro-bind',
    base.npmPackage,
    NPM_INSIDE,
    ...link('npm'),
    ...link('npx'),
  ];
}

/** The forwarder adds NODE_USE_ENV_PROXY for its command: with it, Node's own start takes more than twice as long. */
function environment(profile: SandboxProfile): Record<string, string> {
  const proxy = `http://127.0.0.1:${FORWARDER_PORT}`;
  const direct = '127.0.0.1,localhost';
  return {
    PATH: '/opt/node/bin:/usr/local/bin:/usr/bin:/bin',
    HOME: HOME_INSIDE,
    USER: 'agent',
    LOGNAME: 'agent',
    LANG: 'C.UTF-8',
    TMPDIR: '/tmp',
    npm_config_cache: '/tmp/.npm',
    ...profile.environment,
    ...(profile.socket === null
      ? {}
      : {
          HTTP_PROXY: proxy,
          HTTPS_PROXY: proxy,
          http_proxy: proxy,
          https_proxy: proxy,
          NO_PROXY: direct,
          no_proxy: direct,
          ATRIUM_SOCKET: SOCKET_INSIDE,
        }),
  };
}
