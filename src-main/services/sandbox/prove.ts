import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:net';
import { homedir } from 'node:os';
import { join, relative } from 'node:path';
import { BAIT_INSIDE, FORWARDER_PORT, NODE_INSIDE, USER_INSIDE } from './arguments.ts';
import { PORTS_ABI, SCOPES_ABI, SEALED_ABI } from './kernel-layer.ts';
import { HOME_INSIDE, isWithin } from './mounts.ts';
import type { Canary, CanaryReport, RunOptions, RunResult, SandboxProfile } from './profile.ts';
import { isFilterArchitecture } from './seccomp.ts';
import { socketBase } from './socket-base.ts';
import { syscallProgram } from './syscall-program.ts';
import { statFields } from './tree-watcher.ts';

/** What proving needs from the sandbox that it proves. */
export interface ProvingHost {
  /** Runs the prober: not confined by the kernel layer yet, and with `bait` at `BAIT_INSIDE`. */
  run(profile: SandboxProfile, command: string[], options: RunOptions, bait: string): Promise<RunResult>;
  stateDir(): string;
  proberPath: string;
  /** Which Landlock there is; 0 where the layer is missing. */
  landlock: number;
  /** The command line inside that leads behind the kernel layer; empty where there is none to be had. */
  confinement: string[];
}

/** One attempt for `prober.mjs`, which knows these kinds. */
type Attempt = Pick<Canary, 'layer' | 'name' | 'expected'> &
  (
    | { kind: 'create'; folder: string; file: string }
    | { kind: 'open-for-writing'; path: string }
    | { kind: 'read'; paths: string[]; token: string }
    | { kind: 'find-folder'; paths: string[]; device: string; inode: string }
    | { kind: 'connect-tcp'; port: number }
    | { kind: 'connect-unix'; path: string }
    | { kind: 'interfaces' }
    | { kind: 'system-call'; program: string; control: string }
    | { kind: 'see-process'; pid: number; startTime: string }
    | { kind: 'kill-process'; pid: number; startTime: string }
    | { kind: 'keep-privilege'; uid: number; gid: number }
    | { kind: 'list' | 'shorten' | 'remove' | 'execute' | 'move'; path: string; to?: string }
    /** At the prober that is not confined and lies in wait: its port, its abstract socket, itself. */
    | { kind: 'lure-tcp' | 'lure-datagram' | 'lure-abstract' | 'lure-signal' | 'lure-environment' }
    | { kind: 'listen'; port: number }
  );

interface Finding {
  layer: Canary['layer'];
  name: string;
  state: 'denied' | 'succeeded' | 'not-run';
  detail: string;
}

/** Without the proxy variable, which doubles Node's start and no attempt of the prober heeds. */
const PROBER = ['/usr/bin/env', '-u', 'NODE_USE_ENV_PROXY', NODE_INSIDE, '--input-type=module'];
const PROBER_LIMITS = { timeoutMs: 30_000, maxOutputBytes: 1024 * 1024 };
const PTRACE_TRACEME = 0;

/** Lays out bait on the host, lets a prober inside the profile go for it, and takes the bait away. */
export async function proveProfile(host: ProvingHost, profile: SandboxProfile): Promise<CanaryReport> {
  const bait = await layBait(host.stateDir(), profile);
  try {
    const room = planAttempts(profile, bait, host.stateDir());
    const needed = host.landlock > 0 || profile.kernel.required;
    const kernel = needed ? planKernelAttempts(profile, host.landlock) : [];
    const program = readFileSync(host.proberPath, 'utf8');
    const plan = {
      attempts: room,
      confined: needed ? { attempts: kernel, command: [...host.confinement, ...PROBER, '-'], program } : null,
    };
    const result = await host.run(
      profile,
      [...PROBER, '-'],
      { ...PROBER_LIMITS, stdin: `const plan = ${JSON.stringify(plan)};\n${program}` },
      bait.kernelFolder,
    );
    const findings = readFindings(result);
    const canaries = [...room, ...kernel].map((attempt) =>
      judge(attempt, findings.get(keyOf(attempt)), bait, result),
    );
    return {
      ok: canaries.every((canary) => canary.denied === (canary.expected === 'denied')),
      landlock: host.landlock,
      canaries,
    };
  } finally {
    await bait.remove();
  }
}

interface Bait {
  id: string;
  secret: { path: string; token: string };
  tcpPort: number;
  unixPath: string;
  abstractPath: string;
  victim: { pid: number; startTime: string };
  /** A folder that the room lets through, and that the kernel layer must not. */
  kernelFolder: string;
  /** What the host itself saw, by the name of the attempt: it counts more than what the prober says. */
  taken(name: string): boolean;
  remove(): Promise<void>;
}

/** Takes away what provers laid out that died before they could; gives back what it took, by path. */
export function clearBait(stateDir: string): string[] {
  return [...removeBaitOfTheDead(socketBase(), 'atrium-bait-'), ...removeBaitOfTheDead(stateDir, 'canary-')];
}

/** The names hold the id of the process that laid it out. */
function removeBaitOfTheDead(folder: string, prefix: string): string[] {
  const taken: string[] = [];
  for (const name of readdirSync(folder)) {
    const pid = name.startsWith(prefix) ? /^(\d+)-/.exec(name.slice(prefix.length))?.[1] : undefined;
    if (pid === undefined || isAlive(Number(pid))) continue;
    try {
      rmSync(join(folder, name), { recursive: true, force: true });
      taken.push(join(folder, name));
    } catch {
      // It is somebody else's: a temporary folder is shared.
    }
  }
  return taken;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

async function layBait(stateDir: string, profile: SandboxProfile): Promise<Bait> {
  const id = randomUUID().slice(0, 8);
  clearBait(stateDir);
  const folder = mkdtempSync(join(socketBase(), `atrium-bait-${process.pid}-`));
  const secret = { path: join(stateDir, `canary-${process.pid}-${id}`), token: randomUUID() };
  const servers: Server[] = [];
  const taken = new Set<string>();
  const victim = spawn('/bin/cat', [], {
    env: {},
    stdio: ['pipe', 'ignore', 'ignore'],
    ...(profile.identity ?? {}),
  });
  let isRemoved = false;
  const remove = async (): Promise<void> => {
    isRemoved = true;
    victim.stdin.end();
    await Promise.all([ended(victim), ...servers.map((server) => new Promise((done) => server.close(done)))]);
    rmSync(folder, { recursive: true, force: true });
    rmSync(secret.path, { force: true });
  };
  victim.once('exit', () => {
    if (!isRemoved) taken.add('kill a process of the host');
  });
  const listen = async (
    name: string,
    where: { port: number; host: string } | { path: string },
  ): Promise<Server> => {
    const server = createServer((socket) => {
      taken.add(name);
      socket.on('error', () => undefined);
      socket.destroy();
    });
    servers.push(server);
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(where, resolve);
    });
    return server;
  };
  try {
    // The run's own user could read and reach all of it: what stops the prober are walls, not permissions.
    chmodSync(folder, 0o755);
    writeFileSync(secret.path, secret.token, { mode: 0o600 });
    if (profile.identity !== null) chownSync(secret.path, profile.identity.uid, profile.identity.gid);
    const kernelFolder = layKernelBait(folder, profile);
    const tcp = await listen('reach a port of the host', { port: 0, host: '127.0.0.1' });
    const unixPath = join(folder, 'bait.sock');
    await listen('reach a socket of the host', { path: unixPath });
    chmodSync(unixPath, 0o666);
    const abstractPath = `\0atrium-bait-${id}`;
    await listen('reach an abstract socket of the host', { path: abstractPath });
    const address = tcp.address();
    if (address === null || typeof address === 'string' || victim.pid === undefined)
      throw new Error('No bait could be laid.');
    return {
      id,
      secret,
      tcpPort: address.port,
      unixPath,
      abstractPath,
      victim: { pid: victim.pid, startTime: startTimeOf(victim.pid) },
      kernelFolder,
      taken: (name) => taken.has(name),
      remove,
    };
  } catch (error) {
    await remove();
    throw error;
  }
}

/** Files that the run's own user could read, change and execute. */
function layKernelBait(folder: string, profile: SandboxProfile): string {
  const bait = join(realpathSync(folder), 'kernel');
  mkdirSync(bait, { mode: 0o777 });
  for (const [name, text] of [
    ['secret', 'foreign'],
    ['tool', '#!/bin/sh\nexit 0\n'],
  ] as const)
    writeFileSync(join(bait, name), text);
  mkdirSync(join(bait, 'spare'));
  for (const path of [bait, ...['secret', 'tool', 'spare'].map((name) => join(bait, name))]) {
    chmodSync(path, 0o777);
    if (profile.identity !== null) chownSync(path, profile.identity.uid, profile.identity.gid);
  }
  return bait;
}

function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined)
    return Promise.resolve();
  return new Promise((resolve) => child.once('exit', () => resolve()));
}

const startTimeOf = (pid: number): string => statFields(pid)?.[19] ?? '';

/** Where a host path would be inside: at the same place, or through a mount of something above it. */
function placesInside(hostPath: string, profile: SandboxProfile): string[] {
  const mapped = profile.mounts.flatMap((mount) =>
    mount.kind === 'bind' && isWithin(hostPath, mount.source)
      ? [join(mount.target, relative(mount.source, hostPath))]
      : [],
  );
  return [hostPath, ...mapped];
}

function planAttempts(profile: SandboxProfile, bait: Bait, stateDir: string): Attempt[] {
  const file = `.atrium-canary-${bait.id}`;
  const denied = { layer: 'room', expected: 'denied' } as const;
  const allowed = { layer: 'room', expected: 'allowed' } as const;
  const folderAt = (name: string, path: string): Attempt => {
    const { dev, ino } = statSync(path, { bigint: true });
    return {
      name,
      ...denied,
      kind: 'find-folder',
      paths: placesInside(path, profile),
      device: `${dev}`,
      inode: `${ino}`,
    };
  };
  const { uid, gid } = profile.identity ?? USER_INSIDE;
  const core = { pid: process.pid, startTime: startTimeOf(process.pid) };
  return [
    { name: 'write to /usr', ...denied, kind: 'create', folder: '/usr', file },
    { name: 'write to /etc', ...denied, kind: 'create', folder: '/etc', file },
    { name: 'write to /', ...denied, kind: 'create', folder: '/', file },
    {
      name: 'change /proc/sys/kernel/core_pattern',
      ...denied,
      kind: 'open-for-writing',
      path: '/proc/sys/kernel/core_pattern',
    },
    {
      name: 'change /proc/sys/kernel/hostname',
      ...denied,
      kind: 'open-for-writing',
      path: '/proc/sys/kernel/hostname',
    },
    ...profile.mounts.map((mount): Attempt => writeAttempt(mount, file)),
    { name: 'write to /tmp', ...allowed, kind: 'create', folder: '/tmp', file },
    {
      name: 'write to the home inside',
      layer: 'room',
      ...homeExpectation(profile),
      kind: 'create',
      folder: HOME_INSIDE,
      file,
    },
    {
      name: 'read a secret in the core’s state',
      ...denied,
      kind: 'read',
      paths: placesInside(bait.secret.path, profile),
      token: bait.secret.token,
    },
    folderAt('find the core’s state', stateDir),
    folderAt('find the operator’s home', homedir()),
    { name: 'reach a port of the host', ...denied, kind: 'connect-tcp', port: bait.tcpPort },
    { name: 'reach a socket of the host', ...denied, kind: 'connect-unix', path: bait.unixPath },
    {
      name: 'reach an abstract socket of the host',
      ...denied,
      kind: 'connect-unix',
      path: bait.abstractPath,
    },
    { name: 'see a network interface of the host', ...denied, kind: 'interfaces' },
    { name: 'see a process of the host', ...denied, kind: 'see-process', ...core },
    { name: 'kill a process of the host', ...denied, kind: 'kill-process', ...bait.victim },
    { name: 'keep privilege', ...denied, kind: 'keep-privilege', uid, gid },
    ...systemCallAttempts(),
  ];
}

function writeAttempt(mount: SandboxProfile['mounts'][number], file: string): Attempt {
  const isWritable = mount.kind === 'tmpfs' || mount.access === 'write';
  const common = {
    layer: 'room',
    name: `write to the ${isWritable ? 'writable' : 'read-only'} mount ${mount.target}`,
    expected: isWritable ? 'allowed' : 'denied',
  } as const;
  return mount.kind === 'tmpfs' || lstatSync(mount.source).isDirectory()
    ? { ...common, kind: 'create', folder: mount.target, file }
    : { ...common, kind: 'open-for-writing', path: mount.target };
}

function homeExpectation(profile: SandboxProfile): { expected: Canary['expected'] } {
  const home = profile.mounts.find((mount) => mount.target === HOME_INSIDE);
  return { expected: home?.kind === 'bind' && home.access === 'read' ? 'denied' : 'allowed' };
}

/**
 * What the kernel layer alone must stop: the room lets all of it through to the prober, who has tried it before without the
 * layer. What it must not stop is tried as well: the run's own trees.
 */
function planKernelAttempts(profile: SandboxProfile, landlock: number): Attempt[] {
  const denied = { layer: 'kernel', expected: 'denied' } as const;
  const allowed = { layer: 'kernel', expected: 'allowed' } as const;
  const secret = join(BAIT_INSIDE, 'secret');
  const { kernel } = profile;
  const shown = new Set(profile.mounts.map((mount) => mount.target));
  return [
    { name: 'read a file that is shown', ...denied, kind: 'read', paths: [secret], token: 'foreign' },
    { name: 'list a folder that is shown', ...denied, kind: 'list', path: BAIT_INSIDE },
    { name: 'change a file that is shown', ...denied, kind: 'open-for-writing', path: secret },
    ...(landlock >= SEALED_ABI || kernel.required
      ? [{ name: 'shorten a file that is shown', ...denied, kind: 'shorten', path: secret } as const]
      : []),
    { name: 'make a file where it is shown', ...denied, kind: 'create', folder: BAIT_INSIDE, file: 'made' },
    { name: 'remove a folder that is shown', ...denied, kind: 'remove', path: join(BAIT_INSIDE, 'spare') },
    { name: 'move a file out', ...denied, kind: 'move', path: secret, to: join(BAIT_INSIDE, 'moved') },
    { name: 'execute a file that is shown', ...denied, kind: 'execute', path: join(BAIT_INSIDE, 'tool') },
    { name: 'read another’s environment', ...denied, kind: 'lure-environment' },
    ...(landlock >= SCOPES_ABI
      ? ([
          { name: 'reach an abstract socket', ...denied, kind: 'lure-abstract' },
          { name: 'signal a process that is not its own', ...denied, kind: 'lure-signal' },
        ] as const)
      : []),
    ...(kernel.ports === null ? [] : portAttempts(profile, landlock)),
    ...kernel.write
      .filter((path) => shown.has(path) || path === HOME_INSIDE)
      .map((path): Attempt => {
        const { expected } = path === HOME_INSIDE ? homeExpectation(profile) : allowed;
        return {
          ...{ name: `write to ${path}`, layer: 'kernel', expected },
          ...{ kind: 'create', folder: path, file: '.atrium-canary' },
        };
      }),
  ];
}

function portAttempts(profile: SandboxProfile, landlock: number): Attempt[] {
  const denied = { layer: 'kernel', expected: 'denied' } as const;
  const tcp: Attempt[] = [
    { name: 'reach a port', ...denied, kind: 'lure-tcp' },
    { name: 'listen on a port', ...denied, kind: 'listen', port: 0 },
  ];
  return [
    ...(landlock >= PORTS_ABI ? tcp : []),
    { name: 'send a datagram', ...denied, kind: 'lure-datagram' },
    ...(profile.socket === null
      ? []
      : [
          {
            ...({ name: 'reach the gateway', layer: 'kernel', expected: 'allowed' } as const),
            ...({ kind: 'connect-tcp', port: FORWARDER_PORT } as const),
          },
        ]),
  ];
}

function systemCallAttempts(): Attempt[] {
  const { arch } = process;
  if (!isFilterArchitecture(arch)) throw new Error(`There is no system call filter for ${arch}.`);
  const control = syscallProgram(arch, 'getpid').toString('base64');
  const attempt = (name: string, program: Buffer): Attempt => ({
    layer: 'room',
    name,
    expected: 'denied',
    kind: 'system-call',
    program: program.toString('base64'),
    control,
  });
  return [
    attempt('mount a file system', syscallProgram(arch, 'mount', ['none', '/tmp', 'tmpfs', 0, 0])),
    attempt('trace a process', syscallProgram(arch, 'ptrace', [PTRACE_TRACEME])),
  ];
}

/** Each layer has attempts of its own, some by the same name. */
const keyOf = ({ layer, name }: Pick<Canary, 'layer' | 'name'>): string => `${layer} ${name}`;

function readFindings(result: RunResult): Map<string, Finding> {
  const findings = new Map<string, Finding>();
  const line = result.stdout
    .toString('utf8')
    .split('\n')
    .find((text) => text.startsWith('{"findings":'));
  if (result.outcome !== 'exited' || result.code !== 0 || line === undefined) return findings;
  const parsed = JSON.parse(line) as { findings: Finding[] };
  for (const finding of parsed.findings) findings.set(keyOf(finding), finding);
  return findings;
}

/** What did not run counts against the profile, whatever was expected. */
function judge(attempt: Attempt, finding: Finding | undefined, bait: Bait, result: RunResult): Canary {
  const { layer, name, expected } = attempt;
  if (finding === undefined || finding.state === 'not-run') {
    const said = result.stderr.toString('utf8').trim().slice(-300);
    const detail =
      finding?.detail ?? `the prober did not report (${result.outcome}, code ${result.code}): ${said}`;
    return { layer, name, expected, denied: expected !== 'denied', detail: `did not run: ${detail}` };
  }
  if (layer === 'room' && bait.taken(name))
    return { layer, name, expected, denied: false, detail: `seen by the host; ${finding.detail}` };
  return { layer, name, expected, denied: finding.state === 'denied', detail: finding.detail };
}
