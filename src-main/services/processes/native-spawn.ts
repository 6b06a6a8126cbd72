import { EventEmitter } from 'node:events';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Socket } from 'node:net';
import { constants } from 'node:os';
import { type Duplex, PassThrough } from 'node:stream';
import { getSystemErrorName } from 'node:util';
import { isMainThread } from 'node:worker_threads';

/** What `src-native/spawn.c` gives. */
interface Addon {
  supported: boolean;
  spawn(
    file: string,
    args: string[],
    environment: string[],
    folder: string,
    stdio: number[],
    owner: [uid: number, gid: number] | null,
  ): [pid: number, ...descriptors: number[]] | number;
  reap(pid: number): [code: number | null, signal: number | null] | null;
}

/** The kinds of `stdio` that `src-native/spawn.c` makes itself. */
const KIND = { ignore: -1, read: -2, write: -3, both: -4 } as const;

export interface SpawnOptions {
  /** The whole environment. */
  env: Record<string, string>;
  cwd: string;
  /** An entry for each descriptor of the child, at least three; a number is a descriptor of this process. */
  stdio: readonly ('pipe' | 'ignore' | number)[];
  /** Who may open the pipes again by their path (`/dev/stderr`): the user that the child becomes. This process's by default. */
  owner?: { uid: number; gid: number } | null;
}

/** A child process: what is used here of Node's own, with its events `exit`, `close` and `error`. */
export class NativeChild extends EventEmitter {
  /** Undefined where it could not be started: `error` tells why. */
  readonly pid: number | undefined;
  /** This process's ends, by the child's descriptors. */
  readonly stdio: readonly (Duplex | null)[];
  exitCode: number | null = null;
  signalCode: NodeJS.Signals | null = null;
  #ended = false;

  constructor(pid: number | undefined, stdio: readonly (Duplex | null)[]) {
    super();
    this.pid = pid;
    this.stdio = stdio;
  }

  get stdin(): Duplex | null {
    return this.stdio[0] ?? null;
  }

  get stdout(): Duplex | null {
    return this.stdio[1] ?? null;
  }

  get stderr(): Duplex | null {
    return this.stdio[2] ?? null;
  }

  /** Whether the signal was sent; never to a child that has ended. */
  kill(signal: NodeJS.Signals): boolean {
    return this.pid !== undefined && !this.#ended && process.kill(this.pid, signal);
  }

  /** It was reaped: from here on its pid may be another's. */
  end(code: number | null, signal: NodeJS.Signals | null): void {
    this.#ended = true;
    this.exitCode = code;
    this.signalCode = signal;
  }
}

/** Starts a program, by its absolute path, in a session of its own; it inherits nothing but `stdio`. */
export type NativeSpawn = (file: string, args: readonly string[], options: SpawnOptions) => NativeChild;

/**
 * Loads what starts children without copying this process first (`src-native/spawn.c`): with a heap of a hundred megabytes
 * Node's own takes six milliseconds for each, in which the core does nothing else. Null where it was not built, the kernel is
 * older than 5.9, or this is not the main thread, which alone hears of children that ended.
 *
 * @throws Error where the file that is there cannot be loaded
 */
export function loadNativeSpawn(path: string): NativeSpawn | null {
  if (!isMainThread || !existsSync(path)) return null;
  const known = loaded.get(path);
  if (known !== undefined) return known;
  const addon = createRequire(import.meta.url)(path) as Addon;
  const spawn = addon.supported ? spawnOf(addon) : null;
  loaded.set(path, spawn);
  return spawn;
}

/** One a process: all children are asked by one listener. */
const loaded = new Map<string, NativeSpawn | null>();

function spawnOf(addon: Addon): NativeSpawn {
  const living = livingChildren(addon);
  return (file, args, { env, cwd, stdio, owner }) => {
    const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
    const kinds = stdio.map((entry, descriptor) =>
      typeof entry === 'number' ? entry : kindOf(entry, descriptor),
    );
    const owned = owner ? ([owner.uid, owner.gid] as [number, number]) : null;
    living.listen();
    const started = addon.spawn(file, [file, ...args], variables, cwd, kinds, owned);
    if (typeof started === 'number') return notStarted(file, started, kinds);
    const [pid, ...descriptors] = started;
    const child = new NativeChild(
      pid,
      descriptors.map((fd, at) => (fd < 0 ? null : endOf(fd, kinds[at]))),
    );
    living.add(pid, child);
    return child;
  };
}

function kindOf(entry: 'pipe' | 'ignore', descriptor: number): number {
  if (entry === 'ignore') return KIND.ignore;
  if (descriptor === 0) return KIND.read;
  return descriptor <= 2 ? KIND.write : KIND.both;
}

function endOf(fd: number, kind: number | undefined): Socket {
  return new Socket({ fd, readable: kind !== KIND.read, writable: kind !== KIND.write });
}

/** As Node does it: a child with streams that are closed, and the error when whoever asked can listen. */
function notStarted(file: string, errno: number, kinds: readonly number[]): NativeChild {
  const code = getSystemErrorName(-errno);
  const child = new NativeChild(
    undefined,
    kinds.map((kind) => (kind < KIND.ignore ? new PassThrough().destroy() : null)),
  );
  const error = Object.assign(new Error(`spawn ${file} ${code}`), { code, errno: -errno, path: file });
  process.nextTick(() => child.emit('error', error));
  return child;
}

const signalNames = new Map(Object.entries(constants.signals).map(([name, number]) => [number, name]));
/** Longer than any child: the timer only says that somebody waits. */
const NEVER_MS = 2 ** 30;

/** The children that have not been reaped. Each signal of the kernel's that some child ended has all of them asked. */
function livingChildren(addon: Addon) {
  const living = new Map<number, NativeChild>();
  let listening = false;
  let hold: NodeJS.Timeout | undefined;
  const reap = (): void => {
    for (const [pid, child] of living) {
      const ended = addon.reap(pid);
      if (ended === null) continue;
      living.delete(pid);
      const [code, signal] = ended;
      child.end(code, signal === null ? null : (signalNames.get(signal) as NodeJS.Signals));
      // Each in a turn of its own: a listener that throws keeps no other child from being told of.
      process.nextTick(settle, child);
    }
    if (living.size > 0) return;
    clearInterval(hold);
    hold = undefined;
  };
  return {
    listen(): void {
      if (!listening) process.on('SIGCHLD', reap);
      listening = true;
    },
    add(pid: number, child: NativeChild): void {
      living.set(pid, child);
      hold ??= setInterval(() => undefined, NEVER_MS);
    },
  };
}

/** `exit` now, `close` when all that it said was read; what nobody reads flows away. */
function settle(child: NativeChild): void {
  const { exitCode: code, signalCode: signal } = child;
  child.stdin?.destroy();
  const open = child.stdio.filter((stream) => stream !== null).filter((stream) => !stream.closed);
  const closed = Promise.all(open.map((stream) => new Promise((done) => stream.once('close', done))));
  child.emit('exit', code, signal);
  for (const stream of open) if (stream.readable) stream.resume();
  void closed.then(() => child.emit('close', code, signal));
}
