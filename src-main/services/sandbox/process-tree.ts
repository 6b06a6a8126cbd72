import { type Readable, Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { isMainThread } from 'node:worker_threads';
import { DESCRIPTORS, type LaunchPlan } from './arguments.ts';
import type { LimitGroup } from './limits.ts';
import type {
  LaunchedProcess,
  LaunchOptions,
  SandboxExit,
  SandboxProcess,
  SandboxProfile,
  SpawnPort,
} from './profile.ts';
import { statFields } from './tree-watcher.ts';

/** Joins the groups, then becomes the launcher: everything it makes is in them from its first page on. */
const JOIN_THEN_BECOME =
  'n=$1; shift; while [ "$n" -gt 0 ]; do echo 0 >"$1" || exit 125; shift; n=$((n-1)); done; exec "$@"';
const SHELL = '/bin/sh';
const CODE_OF_KILLED = 128 + 9;

/** What a launch is started with. */
export interface TreeParts {
  spawn: SpawnPort;
  launcher: string;
  plan: LaunchPlan;
  group: LimitGroup;
  identity: SandboxProfile['identity'];
}

/**
 * Starts a planned launch. The caller has checked the launcher and the mounts.
 * @throws Error off the main thread: the kernel ties a tree's life to the thread that started it
 */
export function startTree(
  { spawn, launcher, plan, group, identity }: TreeParts,
  options: LaunchOptions,
): SandboxProcess {
  if (!isMainThread) throw new Error('A sandbox can only be started from the main thread.');
  const launch = [launcher, '--args', String(DESCRIPTORS.options), '--', ...plan.command];
  const [file, args] =
    group.joinFiles.length === 0
      ? [launcher, launch.slice(1)]
      : [
          SHELL,
          ['-c', JOIN_THEN_BECOME, 'sh', String(group.joinFiles.length), ...group.joinFiles, ...launch],
        ];
  const child = spawn(file, args, {
    env: {},
    cwd: '/',
    stdio: [options.stdin ?? 'pipe', 'pipe', 'pipe', 'pipe', 'pipe', 'pipe'],
    // In a process group of its own, so that one signal reaches all of it.
    detached: true,
    owner: identity,
  });
  const status = readStatus(child);
  for (const [descriptor, data] of [
    [DESCRIPTORS.options, plan.options.map((option) => `${option}\0`).join('')],
    [DESCRIPTORS.filter, plan.filter],
  ] as const) {
    const pipe = child.stdio[descriptor] as Writable;
    // A launcher that ends early breaks these pipes; its exit tells more.
    pipe.on('error', () => undefined);
    pipe.end(data);
  }
  const stdin = child.stdin;
  const { stdout, stderr } = child;
  if (stdout === null || stderr === null)
    throw new Error('The launcher was started without its output pipes.');
  stdin?.on('error', () => undefined);
  if (child.pid !== undefined) {
    options.onSpawn?.(child.pid);
    group.attend(child.pid, () => kill());
  }

  let ended = false;
  let killed = false;
  const kill = (): void => {
    if (ended) return;
    killed = true;
    const init = status.initPid();
    // Its parent is the launcher, which has not been reaped yet: the pid cannot be somebody else's.
    if (init !== null && child.pid !== undefined && Number(statFields(init)?.[1]) === child.pid)
      sendKill(init);
    // The whole group: right after the start the init has not bound its life to the launcher's yet.
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) sendKill(-child.pid);
  };
  const exited = waitForEnd(child, status, group)
    .then(
      // Of the init that was killed first, the launcher may tell as of a command that ended with this code.
      (exit): SandboxExit =>
        killed && exit.code === CODE_OF_KILLED ? { ...exit, code: null, signal: 'SIGKILL' } : exit,
    )
    .finally(() => {
      ended = true;
    });
  return {
    pid: child.pid ?? -1,
    stdin: stdin ?? closedInput(),
    stdout,
    stderr,
    exited,
    async stop() {
      kill();
      await exited;
    },
  };
}

function closedInput(): Writable {
  const nothing = new Writable();
  nothing.end();
  return nothing;
}

interface LauncherStatus {
  /** The sandbox's first process, by its pid on the host. */
  initPid(): number | null;
  /** Whether the command was executed; known once `ended`. */
  reportedExit(): boolean;
  ended: Promise<void>;
}

function readStatus(child: LaunchedProcess): LauncherStatus {
  const pipe = child.stdio[DESCRIPTORS.status] as Readable | null | undefined;
  let text = '';
  if (pipe === undefined || pipe === null)
    throw new Error('The launcher was started without its status pipe.');
  pipe.setEncoding('utf8');
  pipe.on('data', (chunk: string) => {
    text += chunk;
  });
  const ended = new Promise<void>((resolve) => {
    pipe.once('close', () => resolve());
    pipe.once('error', () => resolve());
  });
  const numberOf = (key: string): number | null => {
    const value = new RegExp(`"${key}"\\s*:\\s*(\\d+)`).exec(text)?.[1];
    return value === undefined ? null : Number(value);
  };
  return { initPid: () => numberOf('child-pid'), reportedExit: () => numberOf('exit-code') !== null, ended };
}

async function waitForEnd(
  child: LaunchedProcess,
  status: LauncherStatus,
  group: LimitGroup,
): Promise<SandboxExit> {
  const { code, signal } = await new Promise<{ code: number | null; signal: string | null }>((resolve) => {
    child.once('exit', (exitCode, exitSignal) => resolve({ code: exitCode, signal: exitSignal }));
    child.once('error', () => resolve({ code: null, signal: null }));
  });
  await status.ended;
  const init = status.initPid();
  if (init !== null) await waitUntilGone(init);
  const { outOfMemory } = group.finish();
  return { code, signal, outOfMemory, started: status.reportedExit() || (signal !== null && init !== null) };
}

/**
 * The launcher ends with its command; the namespace's init follows by its death signal and takes all that is left along.
 * The kernel lets it become a zombie only when every process in its namespace is gone.
 */
export async function waitUntilGone(init: number): Promise<void> {
  const startedAt = statFields(init)?.[19];
  for (let pause = 1; ; pause = Math.min(pause * 2, 20)) {
    const fields = statFields(init);
    if (fields === null || fields[0] === 'Z' || fields[0] === 'X' || fields[19] !== startedAt) return;
    await delay(pause);
  }
}

/** Kills a process that may be gone already. */
export function sendKill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Collects a stream; `onChunk` sees each piece first. Resolves when the stream has ended. */
export function collect(stream: Readable, onChunk: (chunk: Buffer) => void): Promise<void> {
  return new Promise((resolve) => {
    stream.on('data', onChunk);
    stream.once('close', () => resolve());
  });
}
