import { chmodSync, existsSync, mkdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import {
  buildArguments,
  confinement,
  type LaunchInput,
  type LaunchPlan,
  SETPRIV,
  USER_INSIDE,
} from './arguments.ts';
import { SandboxError } from './failure.ts';
import { type KernelLayer, kernelLayerAt, SEALED_ABI } from './kernel-layer.ts';
import { checkLauncherFile, readLauncherVersion } from './launcher.ts';
import { chooseLimitKeeper, type LimitGroup, type LimitKeeper } from './limits.ts';
import { inspectMounts } from './mounts.ts';
import { spawnByNode } from './node-spawn.ts';
import { collect, startTree } from './process-tree.ts';
import type {
  LaunchOptions,
  RunOptions,
  RunResult,
  Sandbox,
  SandboxExit,
  SandboxMode,
  SandboxOptions,
  KeptLimits,
  SandboxProbe,
  SandboxProcess,
  SandboxProfile,
  TerminalLaunch,
} from './profile.ts';
import { clearBait, proveProfile } from './prove.ts';
import { isFilterArchitecture, seccompFilter } from './seccomp.ts';
import { findStrays } from './strays.ts';
import { readSystemBase, type SystemBase, writeEtc } from './system-base.ts';
import { clearTerminalFolder, planTerminal } from './terminal-launch.ts';

const DEFAULT_LAUNCHER = '/usr/bin/bwrap';
const DEFAULT_WATCH_INTERVAL_MS = 250;

/** What a sandbox is made of. Only tests put other parts in: to show that a canary sees a wall that is gone. */
export interface SandboxParts {
  buildArguments(input: LaunchInput): LaunchPlan;
  inspectMounts(profile: SandboxProfile, protectedPaths: readonly string[]): void;
  chooseLimitKeeper(): LimitKeeper;
  /** Null only in tests: a sandbox of one layer less. */
  kernelLayer(): KernelLayer | null;
}

/** A launch that may begin. */
interface Prepared {
  launcher: string;
  plan: LaunchPlan;
  group: LimitGroup;
}

/** See {@link Sandbox}. Starts nothing until it is asked to. */
export function createSandbox(options: SandboxOptions): Sandbox {
  return composeSandbox(options, {
    buildArguments,
    inspectMounts,
    chooseLimitKeeper: () =>
      chooseLimitKeeper({
        mountinfo: readFileSync('/proc/self/mountinfo', 'utf8'),
        membership: readFileSync('/proc/self/cgroup', 'utf8'),
        watchIntervalMs: options.watchIntervalMs ?? DEFAULT_WATCH_INTERVAL_MS,
      }),
    kernelLayer: kernelLayerAt(options.landlockPath),
  });
}

/** `createSandbox` with its parts named. */
export function composeSandbox(options: SandboxOptions, parts: SandboxParts): Sandbox {
  const launcherPath = options.launcherPath ?? DEFAULT_LAUNCHER;
  const spawn = options.spawn ?? spawnByNode;
  const mode: SandboxMode = process.getuid?.() === 0 ? 'root-drop' : 'user-namespace';
  const running = new Set<SandboxProcess>();
  const terminals = new Set<{ stop(): void; gone: Promise<void> }>();
  let terminalFolder: string | undefined;
  let closed = false;
  let cachedBase: SystemBase | undefined;
  let cachedKeeper: LimitKeeper | undefined;
  const etcOfUser = new Map<string, string>();

  const base = (): SystemBase => (cachedBase ??= readSystemBase(options.nodePath, options.forwarderPath));
  const keeper = (): LimitKeeper => (cachedKeeper ??= parts.chooseLimitKeeper());
  const stateDir = (): string => {
    mkdirSync(options.stateDir, { recursive: true, mode: 0o700 });
    chmodSync(options.stateDir, 0o700);
    return realpathSync(options.stateDir);
  };

  const etcFor = (state: string, user: { uid: number; gid: number }): string => {
    const key = `${user.uid}:${user.gid}`;
    const etc = etcOfUser.get(key) ?? writeEtc(state, user, base());
    etcOfUser.set(key, etc);
    return etc;
  };

  /** What every launch goes through: the launcher looked at, the profile and its mounts checked, its limits set up. */
  function prepare(profile: SandboxProfile, command: string[], bait: string | null = null): Prepared {
    if (closed)
      throw new SandboxError(
        'closed',
        'The sandbox is closed: nothing is started any more.',
        'Start the core again.',
      );
    const launcher = checkLauncherFile(launcherPath);
    checkProfile(profile, command, mode);
    const state = stateDir();
    parts.inspectMounts(profile, [state]);
    const { arch } = process;
    if (!isFilterArchitecture(arch)) throw unsupportedArchitecture();
    const kernel = parts.kernelLayer();
    if (kernel !== null) checkKernelLayer(profile, kernel);
    const plan = parts.buildArguments({
      profile,
      command,
      mode,
      base: base(),
      etc: etcFor(state, profile.identity ?? USER_INSIDE),
      filter: seccompFilter(arch),
      // A prober is not an agent: it goes behind the kernel layer by itself, after what it tries without.
      kernel: kernel && { launcher: kernel.launcher, confines: bait === null },
      bait,
    });
    return { launcher, plan, group: keeper().open(profile.limits) };
  }

  function start(
    profile: SandboxProfile,
    command: string[],
    launchOptions: LaunchOptions,
    bait: string | null = null,
  ): SandboxProcess {
    const prepared = prepare(profile, command, bait);
    let tree: SandboxProcess;
    try {
      tree = startTree({ ...prepared, spawn, identity: profile.identity }, launchOptions);
    } catch (error) {
      prepared.group.finish();
      throw error;
    }
    running.add(tree);
    void tree.exited.then(() => running.delete(tree));
    return tree;
  }

  function terminal(profile: SandboxProfile, command: string[]): TerminalLaunch {
    const { launcher, plan, group } = prepare(profile, command);
    try {
      terminalFolder ??= clearTerminalFolder(stateDir());
      const { gone, ...launch } = planTerminal(launcher, plan, group, terminalFolder, profile.identity);
      const held = { stop: launch.stop, gone };
      terminals.add(held);
      void gone.then(() => terminals.delete(held));
      return launch;
    } catch (error) {
      group.finish();
      throw error;
    }
  }

  async function run(
    profile: SandboxProfile,
    command: string[],
    runOptions: RunOptions,
    bait: string | null = null,
  ): Promise<RunResult> {
    const startedAt = performance.now();
    const stdin = runOptions.stdin === undefined ? 'ignore' : 'pipe';
    const tree = start(profile, command, { stdin }, bait);
    const chunks = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
    let size = 0;
    let cut: 'timeout' | 'output-limit' | null = null;
    const endFor = (reason: 'timeout' | 'output-limit'): void => {
      cut ??= reason;
      void tree.stop();
    };
    const timer = setTimeout(() => endFor('timeout'), runOptions.timeoutMs);
    const keep = (stream: 'stdout' | 'stderr') => (chunk: Buffer) => {
      const room = runOptions.maxOutputBytes - size;
      if (room < chunk.length) endFor('output-limit');
      const kept = chunk.subarray(0, Math.max(room, 0));
      size += kept.length;
      if (kept.length === 0) return;
      chunks[stream].push(kept);
      runOptions.onOutput?.(stream, kept);
    };
    const outputs = [collect(tree.stdout, keep('stdout')), collect(tree.stderr, keep('stderr'))];
    if (runOptions.stdin !== undefined) tree.stdin.end(runOptions.stdin);
    let exit: SandboxExit;
    try {
      [exit] = await Promise.all([tree.exited, ...outputs]);
    } finally {
      clearTimeout(timer);
    }
    const stdout = Buffer.concat(chunks.stdout);
    const stderr = Buffer.concat(chunks.stderr);
    if (!exit.started && cut === null) throw launchFailure(profile, exit, stderr);
    return {
      outcome: cut ?? (exit.signal !== null || exit.outOfMemory ? 'killed' : 'exited'),
      code: exit.code,
      signal: exit.signal,
      stdout,
      stderr,
      durationMs: performance.now() - startedAt,
      outOfMemory: exit.outOfMemory,
    };
  }

  function limits(): KeptLimits {
    const { kind, detail } = keeper();
    return { limits: kind === 'watch' ? 'not-enforced' : 'enforced', limitsDetail: detail };
  }

  async function probe(): Promise<SandboxProbe> {
    try {
      const path = checkLauncherFile(launcherPath);
      const version = await readLauncherVersion(path);
      if (!isFilterArchitecture(process.arch)) throw unsupportedArchitecture();
      await run(trialProfile(mode), ['/bin/true'], { timeoutMs: 20_000, maxOutputBytes: 65_536 }).then(
        (result) => {
          if (result.code !== 0)
            throw launchFailure(trialProfile(mode), { ...result, started: true }, result.stderr);
        },
      );
      const landlock = parts.kernelLayer()?.abi ?? 0;
      return { available: true, launcher: { path, version }, mode, ...limits(), landlock };
    } catch (error) {
      if (!(error instanceof SandboxError)) throw error;
      return { available: false, ...explainProbeFailure(error, mode) };
    }
  }

  return {
    probe,
    limits,
    run: (profile, command, runOptions) => run(profile, command, runOptions),
    prove: (profile) => {
      const layer = parts.kernelLayer();
      return proveProfile(
        {
          run,
          stateDir,
          proberPath: options.proberPath,
          landlock: layer?.abi ?? 0,
          confinement: layer === null ? [] : confinement(profile, base()),
        },
        profile,
      );
    },
    stamp: () =>
      [launcherPath, options.landlockPath, options.nodePath, options.forwarderPath].map(stampOf).join('\n'),
    strays: (identity) => (identity === null ? [] : findStrays(identity.uid)),
    clearBait: () => clearBait(stateDir()),
    launch: (profile, command, launchOptions = {}) =>
      Promise.resolve().then(() => start(profile, command, launchOptions)),
    planTerminal: (profile, command) => Promise.resolve().then(() => terminal(profile, command)),
    async close() {
      closed = true;
      for (const { stop } of terminals) stop();
      await Promise.all([
        ...[...running].map((tree) => tree.stop()),
        ...[...terminals].map(({ gone }) => gone),
      ]);
    },
  };
}

/** Which file stands at a path, and as of when. */
function stampOf(path: string): string {
  const found = statSync(path, { bigint: true, throwIfNoEntry: false });
  return found === undefined
    ? `${path} missing`
    : [path, found.dev, found.ino, found.size, found.mtimeNs, found.mode, found.uid].join(' ');
}

function checkProfile(profile: SandboxProfile, command: string[], mode: SandboxMode): void {
  const refuse = (reason: string): SandboxError =>
    new SandboxError(
      'profile-refused',
      `The sandbox "${profile.name}" was not launched: ${reason}.`,
      'Correct the profile.',
    );
  if (command[0] === undefined || command[0] === '') throw refuse('there is no command');
  const strings = [...command, profile.workdir, ...Object.entries(profile.environment).flat()];
  if (strings.some((text) => text.includes('\0'))) throw refuse('a string in it holds a NUL');
  if (!isAbsolute(profile.workdir)) throw refuse(`its workdir ${profile.workdir} is not absolute`);
  for (const name of Object.keys(profile.environment)) {
    if (name === '' || name.includes('=')) throw refuse(`"${name}" is not the name of a variable`);
    // The loader would act on these in the step that still has root's privilege.
    if (name.startsWith('LD_') || name === 'GLIBC_TUNABLES')
      throw refuse(`the variable ${name} steers the loader`);
  }
  const { together, ...own } = profile.limits;
  const sums = {
    'together.memoryMb': together?.memoryMb ?? 1,
    'together.processes': together?.processes ?? 1,
  };
  for (const [name, value] of Object.entries({ ...own, ...sums })) {
    if (!Number.isInteger(value) || value < 1)
      throw refuse(`its limit ${name} is ${value}, not a whole number above 0`);
  }
  checkIdentity(profile, mode);
}

function checkKernelLayer(profile: SandboxProfile, { abi }: KernelLayer): void {
  if (!profile.kernel.required || abi >= SEALED_ABI) return;
  throw new SandboxError(
    'kernel-layer-missing',
    `The sandbox "${profile.name}" was not launched: ${abi === 0 ? 'this kernel has no Landlock' : `this kernel has Landlock ${abi}, and a sealed brand needs ${SEALED_ABI}`}.`,
    'Start a kernel 6.2 or newer with Landlock among its security modules (the boot parameter "lsm="), or unseal the brand.',
  );
}

function checkIdentity(profile: SandboxProfile, mode: SandboxMode): void {
  const { identity } = profile;
  const refuse = (reason: string, hint: string): SandboxError =>
    new SandboxError('identity-refused', `The sandbox "${profile.name}" was not launched: ${reason}.`, hint);
  if (mode === 'user-namespace') {
    if (identity === null) return;
    throw refuse('a run can only become another user when the core is root', 'Give no identity.');
  }
  if (identity === null) {
    throw refuse(
      'the core is root, and a run must not be',
      'Name an ordinary user for runs, or start the core as one.',
    );
  }
  const isOrdinary = [identity.uid, identity.gid].every(
    (id) => Number.isInteger(id) && id > 0 && id < 4_294_967_295,
  );
  if (!isOrdinary)
    throw refuse(
      `user ${identity.uid}:${identity.gid} is not an ordinary one`,
      'Name an ordinary user for runs.',
    );
  if (!existsSync(SETPRIV)) {
    throw new SandboxError(
      'setpriv-missing',
      `${SETPRIV} is missing, which a core that is root needs.`,
      'Install util-linux.',
    );
  }
}

/** The least that can be launched. */
function trialProfile(mode: SandboxMode): SandboxProfile {
  return {
    name: 'trial',
    mounts: [],
    workdir: '/tmp',
    environment: {},
    socket: null,
    limits: { memoryMb: 128, processes: 32, temporaryMb: 8 },
    identity: mode === 'root-drop' ? { uid: 65_533, gid: 65_533 } : null,
    kernel: { read: [], write: [], ports: [], required: false },
  };
}

function unsupportedArchitecture(): SandboxError {
  return new SandboxError(
    'architecture-unsupported',
    `There is no system call filter for ${process.arch}.`,
    'Run the core on x64 or arm64.',
  );
}

function launchFailure(profile: SandboxProfile, exit: SandboxExit, stderr: Buffer): SandboxError {
  const said = stderr.toString('utf8').trim().split('\n').at(-1) ?? '';
  return new SandboxError(
    'launch-failed',
    `The sandbox "${profile.name}" could not be set up (${exit.signal ?? `code ${exit.code}`}): ${said === '' ? 'the launcher said nothing' : said}.`,
    'Look at the profile’s mounts and at the doctor’s report on the sandbox.',
  );
}

const NAMESPACE_TROUBLE = /namespace|uid map|gid map|Operation not permitted|Permission denied/i;

function explainProbeFailure(
  error: SandboxError,
  mode: SandboxMode,
): { code: ProbeCode; message: string; hint: string } {
  const { code, message, hint } = error;
  if (code === 'launch-failed' && NAMESPACE_TROUBLE.test(message)) {
    return mode === 'user-namespace'
      ? {
          code: 'user-namespaces-off',
          message: `User namespaces are switched off for this user: ${message}`,
          hint: 'Allow them: sysctl user.max_user_namespaces above 0, kernel.unprivileged_userns_clone=1 (Debian), or an AppArmor profile for bwrap (Ubuntu).',
        }
      : {
          code: 'privilege-missing',
          message: `The core is root but may not make namespaces and mounts: ${message}`,
          hint: 'Start the core as an ordinary user, or give its container CAP_SYS_ADMIN and CAP_NET_ADMIN.',
        };
  }
  if (
    code === 'profile-refused' ||
    code === 'mount-refused' ||
    code === 'identity-refused' ||
    code === 'kernel-layer-missing' ||
    code === 'bash-missing' ||
    code === 'closed'
  ) {
    return { code: 'launch-failed', message, hint };
  }
  return { code, message, hint };
}

type ProbeCode = Extract<SandboxProbe, { available: false }>['code'];
