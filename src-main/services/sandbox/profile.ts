import type { Readable, Writable } from 'node:stream';
import type { SandboxProfile } from '../../domain/sandbox-profile.ts';
import type { Stray } from './strays.ts';

/**
 * What a process tree may see, write, reach and use; what is not named does not exist inside. Sources are real host paths
 * (a symbolic link in one is refused); a later mount may sit inside an earlier one if its mount point exists there.
 * `environment` comes on top of PATH, HOME, LANG, TMPDIR and the like (`LD_*` is refused). `memoryMb` covers the whole
 * tree with its tmpfs; `processes` counts tasks, threads included (Node alone has about 11); `together` is the sum over every
 * tree of its group. `identity` is the real user
 * that the run becomes: required when the core is root, `null` otherwise.
 */
export type { Mount, SandboxProfile } from '../../domain/sandbox-profile.ts';

/** How a sandboxed tree ended. `started` is false when the launcher failed before the command was executed. */
export interface SandboxExit {
  /** Exit code of the command (128+n when a signal ended it); null when the launcher itself was killed. */
  code: number | null;
  signal: string | null;
  outOfMemory: boolean;
  started: boolean;
}

/** A running tree. Its streams are the command's own. */
export interface SandboxProcess {
  /** The launcher's pid on the host. */
  pid: number;
  stdin: Writable;
  stdout: Readable;
  stderr: Readable;
  /** Resolves when every process inside is gone, never rejects. */
  exited: Promise<SandboxExit>;
  /** Kills the whole tree; resolves when every process inside is gone. */
  stop(): Promise<void>;
}

/** Why no sandbox can be had. */
export type ProbeFailureCode =
  | 'launcher-missing'
  | 'launcher-untrusted'
  | 'launcher-too-old'
  | 'architecture-unsupported'
  | 'setpriv-missing'
  | 'kernel-launcher-missing'
  | 'kernel-launcher-untrusted'
  | 'user-namespaces-off'
  | 'privilege-missing'
  | 'launch-failed';

/** `root-drop`: mounts made with root's privilege, then the run becomes an ordinary user. */
export type SandboxMode = 'root-drop' | 'user-namespace';

/** How the limits of a profile are kept on this machine, and by what. */
export interface KeptLimits {
  limits: 'enforced' | 'not-enforced';
  limitsDetail: string;
}

/** Whether agents can be walled in on this machine, and how well limits hold. */
export type SandboxProbe =
  | (KeptLimits & {
      available: true;
      launcher: { path: string; version: string };
      mode: SandboxMode;
      /** Which Landlock the kernel layer has; 0 where the kernel has none. */
      landlock: number;
    })
  | { available: false; code: ProbeFailureCode; message: string; hint: string };

/** One attempt that was made inside. `denied` says what happened; `expected` what should have. */
export interface Canary {
  /** The layer that is proved: each is tried where the other lets it through. */
  layer: 'room' | 'kernel';
  name: string;
  expected: 'denied' | 'allowed';
  denied: boolean;
  detail: string;
}

/** `ok` only when the prober ran to its end and every canary went as expected. */
export interface CanaryReport {
  ok: boolean;
  /** Which Landlock the kernel layer was proved with; 0: it is missing, and the profile does without it. */
  landlock: number;
  canaries: Canary[];
}

/** What `run` needs to know beyond the command. */
export interface RunOptions {
  timeoutMs: number;
  /** Sum of both streams; beyond it the tree is killed. */
  maxOutputBytes: number;
  stdin?: string | Buffer;
  onOutput?(stream: 'stdout' | 'stderr', chunk: Buffer): void;
}

/** Outcome of a finite command. `killed`: somebody else stopped it, or it went over its memory limit. */
export interface RunResult {
  outcome: 'exited' | 'timeout' | 'output-limit' | 'killed';
  code: number | null;
  signal: string | null;
  stdout: Buffer;
  stderr: Buffer;
  durationMs: number;
  outOfMemory: boolean;
}

/** `stdin` defaults to `pipe`; `onSpawn` gets the launcher's pid before anything is awaited. */
export interface LaunchOptions {
  stdin?: 'pipe' | 'ignore';
  onSpawn?(pid: number): void;
}

/**
 * How a tree is started behind a PTY. Whoever asked for it starts `file` with `args`, in `/` and with no environment, says the
 * pid at once, and says when it ended; where it could not be started, `ended` is said too.
 */
export interface TerminalLaunch {
  file: string;
  args: string[];
  started(pid: number): void;
  /** Kills the whole tree. */
  stop(): void;
  /** @param code null where it ended by a signal or was not started. Resolves when every process inside is gone. */
  ended(code: number | null): Promise<SandboxExit>;
}

/** The only way to start anything that an agent steers. */
export interface Sandbox {
  probe(): Promise<SandboxProbe>;
  /** Launches a prober in the very same profile and reports what it could do. */
  prove(profile: SandboxProfile): Promise<CanaryReport>;
  /** @throws SandboxError when the profile or the launcher is refused: nothing was started then. */
  launch(profile: SandboxProfile, command: string[], options?: LaunchOptions): Promise<SandboxProcess>;
  /** @throws SandboxError as `launch`, and `launch-failed` when the launcher ended before the command was executed. */
  run(profile: SandboxProfile, command: string[], options: RunOptions): Promise<RunResult>;
  /** Plans a launch behind a PTY. @throws SandboxError as `launch`, and `bash-missing` */
  planTerminal(profile: SandboxProfile, command: string[]): Promise<TerminalLaunch>;
  /** How the limits of what it starts are kept. */
  limits(): KeptLimits;
  /** A text that changes when one of the programs that it is made from does: what was proved of another does not hold for it. */
  stamp(): string;
  /** Processes of a run's user that outlived their tree; none can be told where runs have no user of their own. */
  strays(identity: SandboxProfile['identity']): Stray[];
  /** Takes away the bait of provers that died; gives back what it took. */
  clearBait(): string[];
  /** Ends everything it started; later launches are refused. */
  close(): Promise<void>;
}

/** What the sandbox needs from its host. All paths absolute. */
export interface SandboxOptions {
  /** Defaults to `/usr/bin/bwrap`. PATH is never searched. */
  launcherPath?: string;
  /** The Node binary that exists inside as `/opt/node/bin/node`. */
  nodePath: string;
  /** The built forwarder to a run's socket. */
  forwarderPath: string;
  /** `resources/run/prober.mjs`. */
  proberPath: string;
  /** The built launcher of the kernel layer. */
  landlockPath: string;
  /** Private folder (made 0700) for the made-up `/etc`; no profile may expose it. */
  stateDir: string;
  /** How often the watcher looks at a tree, in milliseconds (default 250). */
  watchIntervalMs?: number;
  /** How the launcher is started; Node's own `spawn` by default. */
  spawn?: SpawnPort | undefined;
}

/** Starts a program by its absolute path as the first of a session; it inherits nothing but `stdio`. */
export type SpawnPort = (
  file: string,
  args: string[],
  options: {
    env: Record<string, string>;
    cwd: string;
    stdio: ('pipe' | 'ignore' | number)[];
    detached: true;
    /** Who may open its pipes again by their path. */
    owner: SandboxProfile['identity'];
  },
) => LaunchedProcess;

/** What is used of a child process, with the names of node:child_process. */
export interface LaunchedProcess {
  readonly pid?: number | undefined;
  readonly stdin: Writable | null;
  readonly stdout: Readable | null;
  readonly stderr: Readable | null;
  /** By descriptor. */
  readonly stdio: readonly (Writable | Readable | null | undefined)[];
  readonly exitCode: number | null;
  readonly signalCode: NodeJS.Signals | null;
  once(event: 'exit', listener: (code: number | null, signal: NodeJS.Signals | null) => void): unknown;
  once(event: 'error', listener: (error: Error) => void): unknown;
}
