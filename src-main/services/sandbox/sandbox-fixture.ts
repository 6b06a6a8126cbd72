import { chownSync, constants, mkdirSync, mkdtempSync, openSync, readSync, rmSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildArguments, type LaunchPlan } from './arguments.ts';
import { type KernelLayer, kernelLayerAt } from './kernel-layer.ts';
import { chooseLimitKeeper, type LimitKeeper } from './limits.ts';
import { inspectMounts } from './mounts.ts';
import type { Mount, RunResult, Sandbox, SandboxOptions, SandboxProfile } from './profile.ts';
import { composeSandbox, type SandboxParts } from './sandbox.ts';

/** For this folder's tests only: a sandbox in a temporary folder, as root or as an ordinary user. */

/** Who runs become when the tests run as root. */
export const RUN_USER = process.getuid?.() === 0 ? { uid: 51_234, gid: 51_234 } : null;

/** Absolute path of something in the repository. */
export function inRepository(path: string): string {
  return fileURLToPath(new URL(`../../../${path}`, import.meta.url));
}

/** What may differ from what is shipped. */
export interface FixtureChanges {
  launcherPath?: string;
  plan?: (plan: LaunchPlan) => LaunchPlan;
  mountsUnchecked?: boolean;
  keeper?: LimitKeeper;
  /** The layer that there is; null: the room alone. */
  kernel?: KernelLayer | null;
}

/** A sandbox with a writable `/work`. */
export interface Fixture {
  /** Temporary folder on the host. */
  root: string;
  /** Host side of `/work`. */
  work: string;
  sandbox: Sandbox;
  options: SandboxOptions;
  profile(changes?: Partial<SandboxProfile>): SandboxProfile;
  run(script: string, changes?: Partial<SandboxProfile>): Promise<RunResult>;
  /** Folder that a run may write to. */
  folder(name: string): string;
  dispose(): Promise<void>;
}

export function openFixture(changes: FixtureChanges = {}): Fixture {
  const root = mkdtempSync(join(tmpdir(), 'atrium-sandbox-'));
  const options: SandboxOptions = {
    nodePath: inRepository('node_modules/node/bin/node'),
    forwarderPath: inRepository('out/native/forwarder'),
    proberPath: inRepository('resources/run/prober.mjs'),
    landlockPath: inRepository('out/native/landlock'),
    stateDir: join(root, 'state'),
    ...(changes.launcherPath === undefined ? {} : { launcherPath: changes.launcherPath }),
  };
  const sandbox = composeSandbox(options, fixtureParts(options, changes));
  const folder = (name: string): string => {
    const path = join(root, name);
    mkdirSync(path, { recursive: true });
    if (RUN_USER !== null) chownSync(path, RUN_USER.uid, RUN_USER.gid);
    return path;
  };
  const work = folder('work');
  const workMount: Mount = { kind: 'bind', source: work, target: '/work', access: 'write' };
  const profile = (more: Partial<SandboxProfile> = {}): SandboxProfile => ({
    name: 'test',
    mounts: [workMount],
    workdir: '/work',
    environment: {},
    socket: null,
    limits: { memoryMb: 512, processes: 128, temporaryMb: 32 },
    identity: RUN_USER,
    kernel: wallOf(more.mounts ?? [workMount]),
    ...more,
  });
  return {
    root,
    work,
    sandbox,
    options,
    profile,
    folder,
    run: (script, more) =>
      sandbox.run(profile(more), ['/bin/sh', '-c', script], {
        timeoutMs: 60_000,
        maxOutputBytes: 4 * 1024 * 1024,
      }),
    async dispose() {
      await sandbox.close();
      rmSync(root, { recursive: true, force: true });
    },
  };
}

/** The kernel layer that goes with mounts. */
export function wallOf(mounts: readonly Mount[]): SandboxProfile['kernel'] {
  const isRead = (mount: Mount): boolean => mount.kind === 'bind' && mount.access === 'read';
  return {
    read: mounts.filter(isRead).map((mount) => mount.target),
    write: [...mounts.filter((mount) => !isRead(mount)).map((mount) => mount.target), '/home/agent'],
    ports: null,
    required: false,
  };
}

function fixtureParts(options: SandboxOptions, changes: FixtureChanges): SandboxParts {
  const { keeper, kernel, plan } = changes;
  return {
    buildArguments: (input) => (plan === undefined ? buildArguments(input) : plan(buildArguments(input))),
    inspectMounts: changes.mountsUnchecked === true ? () => undefined : inspectMounts,
    chooseLimitKeeper: () =>
      keeper ?? chooseLimitKeeper({ mountinfo: '', membership: '', watchIntervalMs: 20 }),
    kernelLayer: kernel === undefined ? kernelLayerAt(options.landlockPath) : () => kernel,
  };
}

/** Takes options with their values out of a plan, each given as the words it consists of. */
export function without(plan: LaunchPlan, ...walls: string[][]): LaunchPlan {
  const options = [...plan.options];
  for (const words of walls) {
    const at = options.findIndex((_, index) =>
      words.every((word, offset) => options[index + offset] === word),
    );
    if (at < 0) throw new Error(`The plan has no ${words.join(' ')}.`);
    options.splice(at, words.length);
  }
  return { ...plan, options };
}

/** A pipe in the file system: whoever inside holds it open for writing is still there. */
export function makeTether(path: string): { allGone(): boolean } {
  execFileSync('mkfifo', ['-m', '666', path]);
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  return {
    allGone() {
      try {
        return readSync(reader, Buffer.alloc(1)) === 0;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return false;
        throw error;
      }
    },
  };
}

/** An HTTP server on a Unix socket, as a run's socket is one. */
export async function serveOnSocket(path: string, body: string): Promise<Server> {
  const server = createServer((request, response) => response.end(`${body} ${request.url ?? ''}`));
  await new Promise<void>((resolve) => server.listen(path, resolve));
  if (RUN_USER !== null) chownSync(path, RUN_USER.uid, RUN_USER.gid);
  return server;
}
