import {
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { HOME_INSIDE } from './mounts.ts';

/** Bound read-only from the host's `/etc` where they exist: linking and certificates, nothing that tells who is here. */
const ETC_FROM_HOST = [
  'ld.so.cache',
  'alternatives',
  'ssl/certs',
  'ssl/openssl.cnf',
  'ca-certificates',
  'pki/tls',
  'pki/ca-trust/extracted',
  'crypto-policies',
];
const TOP_LEVEL_NAMES = ['bin', 'sbin', 'lib', 'lib32', 'lib64', 'libx32'];

/** What of the host's system goes into every sandbox. */
export interface SystemBase {
  nodePath: string;
  forwarderPath: string;
  /** The npm package's folder when it lies outside `/usr`, else null. */
  npmPackage: string | null;
  /** `/bin` and the like: a link as on the host, or a folder to bind. */
  topLevel: ({ name: string; link: string } | { name: string; link: null })[];
  /** Absolute paths in `/etc` that are bound over the made-up one. */
  etcFromHost: string[];
}

/** Looks at the host once. @throws when Node or the forwarder is not where it was said to be */
export function readSystemBase(nodePath: string, forwarderPath: string): SystemBase {
  const realNode = realpathSync(nodePath);
  return {
    nodePath: realNode,
    forwarderPath: realpathSync(forwarderPath),
    npmPackage: findNpmOutsideUsr(realNode),
    topLevel: TOP_LEVEL_NAMES.filter((name) => existsSync(`/${name}`)).map((name) =>
      lstatSync(`/${name}`).isSymbolicLink()
        ? { name, link: readlinkSync(`/${name}`) }
        : { name, link: null },
    ),
    etcFromHost: ETC_FROM_HOST.map((name) => `/etc/${name}`).filter((path) => existsSync(path)),
  };
}

function findNpmOutsideUsr(realNode: string): string | null {
  const candidate = join(dirname(dirname(realNode)), 'lib', 'node_modules', 'npm');
  if (realNode.startsWith('/usr/') || !existsSync(join(candidate, 'bin', 'npm-cli.js'))) return null;
  return realpathSync(candidate);
}

/**
 * Writes the made-up `/etc` of a user into `stateDir` and returns its path. Mount points for what comes from the host
 * are made in it, since it is bound read-only.
 */
export function writeEtc(stateDir: string, user: { uid: number; gid: number }, base: SystemBase): string {
  const etc = join(stateDir, `etc-${user.uid}-${user.gid}`);
  mkdirSync(etc, { recursive: true, mode: 0o755 });
  const files: Record<string, string> = {
    passwd: [
      'root:x:0:0:root:/nonexistent:/usr/sbin/nologin',
      `agent:x:${user.uid}:${user.gid}:Agent:${HOME_INSIDE}:/bin/sh`,
      'nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin',
    ].join('\n'),
    group: ['root:x:0:', `agent:x:${user.gid}:`, 'nogroup:x:65534:'].join('\n'),
    hosts: ['127.0.0.1 localhost atrium', '::1 localhost'].join('\n'),
    hostname: 'atrium',
    'nsswitch.conf': ['passwd: files', 'group: files', 'hosts: files'].join('\n'),
    'resolv.conf': '',
    ...(existsSync('/usr/lib/os-release')
      ? { 'os-release': readFileSync('/usr/lib/os-release', 'utf8').trimEnd() }
      : {}),
    gitconfig: [
      '[user]',
      '\tname = Atrium agent',
      '\temail = agent@atrium.invalid',
      '[init]',
      '\tdefaultBranch = main',
      '[safe]',
      '\tdirectory = *',
    ].join('\n'),
  };
  for (const [name, text] of Object.entries(files)) {
    writeFileSync(join(etc, name), text === '' ? '' : `${text}\n`, { mode: 0o644 });
  }
  for (const path of base.etcFromHost) {
    const mountPoint = join(etc, path.slice('/etc/'.length));
    mkdirSync(dirname(mountPoint), { recursive: true, mode: 0o755 });
    if (lstatSync(realpathSync(path)).isDirectory()) mkdirSync(mountPoint, { recursive: true, mode: 0o755 });
    else writeFileSync(mountPoint, '', { mode: 0o644 });
  }
  return etc;
}
