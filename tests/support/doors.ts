import { spawn } from 'node:child_process';
import { existsSync, watch } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';

/** The clone whose built programs are tested. */
export const appRoot = path.resolve(import.meta.dirname, '../..');
const node = path.join(appRoot, 'node_modules/node/bin/node');
const cli = path.join(appRoot, 'out/main/cli.js');
const coreEntry = path.join(appRoot, 'out/main/core.js');

/** What a command that ended gave. */
export interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

export interface CommandOptions {
  /** The folder that the person stands in. */
  cwd?: string;
  env?: Record<string, string>;
  stdin?: string;
}

/** A workspace of its own for a test, in a folder that goes with it. */
export interface TestWorkspace {
  path: string;
  /** The folder around it, for whatever else a test needs. */
  around: string;
  /** Runs the built CLI on this workspace. */
  run(args: string[], options?: CommandOptions): Promise<Ended>;
  /** The same with `--json`: the exit code and the one JSON value of stdout. */
  json<T>(
    args: string[],
    options?: CommandOptions,
  ): Promise<{ code: number | null; value: T; stderr: string }>;
  /** Starts `serve` and waits for its line. */
  serve(args?: string[]): Promise<Served>;
  /** Starts a core's entry by hand and waits for its line. */
  startCore(): Promise<StartedCore>;
  /** What `.atrium/core.json` says, where it is. */
  coreFile(): Promise<{ pid: number; socket: string; url?: string } | undefined>;
  /** Ends the core and removes the folder. */
  remove(): Promise<void>;
}

export interface Served {
  url: string;
  origin: string;
  token: string;
  socket: string;
  pid: number;
  /** Sends Ctrl-C and waits. */
  interrupt(): Promise<Ended>;
  ended: Promise<Ended>;
}

export interface StartedCore {
  line: Record<string, unknown>;
  kill(signal: NodeJS.Signals): void;
  ended: Promise<number | null>;
}

function environment(extra: Record<string, string> = {}): NodeJS.ProcessEnv {
  const {
    ATRIUM_WORKSPACE: _workspace,
    ATRIUM_NOW: _now,
    INIT_CWD: _folder,
    DISPLAY: _display,
    ...rest
  } = process.env;
  return { ...rest, ...extra };
}

/** Runs the built CLI to its end. */
export function atrium(args: string[], options: CommandOptions = {}): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(node, [cli, ...args], {
      cwd: options.cwd ?? tmpdir(),
      env: environment(options.env),
    });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (data: Buffer) => (stdout += data.toString()));
    child.stderr.on('data', (data: Buffer) => (stderr += data.toString()));
    child.stdin.on('error', () => undefined);
    child.stdin.end(options.stdin ?? '');
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, stdout, stderr }));
  });
}

/** Settles when a file is not there. */
export function whenGone(file: string): Promise<void> {
  return new Promise((resolve) => {
    const look = (): void => {
      if (existsSync(file)) return;
      watcher.close();
      resolve();
    };
    const watcher = watch(path.dirname(file), look);
    look();
  });
}

/** The first line of a program's stdout, or what it said instead. */
function firstLine(child: ReturnType<typeof spawn>, ended: Promise<Ended>): Promise<string> {
  return new Promise((resolve, reject) => {
    if (child.stdout) createInterface({ input: child.stdout }).once('line', resolve);
    void ended.then(({ code, stderr }) =>
      reject(new Error(`it ended with ${code} before its line: ${stderr}`)),
    );
  });
}

function watchEnd(child: ReturnType<typeof spawn>): Promise<Ended> {
  let stdout = '';
  let stderr = '';
  child.stdout?.on('data', (data: Buffer) => (stdout += data.toString()));
  child.stderr?.on('data', (data: Buffer) => (stderr += data.toString()));
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, stdout, stderr })));
}

/** Makes an empty workspace with the CLI. */
export async function makeWorkspace(name = 'workspace'): Promise<TestWorkspace> {
  const around = await mkdtemp(path.join(tmpdir(), 'doors-'));
  const workspace = path.join(around, name);
  const made = await atrium(['init', workspace]);
  if (made.code !== 0) throw new Error(`init failed: ${made.stderr}`);
  const started: ReturnType<typeof spawn>[] = [];
  const run: TestWorkspace['run'] = (args, options) => atrium(['--workspace', workspace, ...args], options);
  const coreFile: TestWorkspace['coreFile'] = async () => {
    try {
      return JSON.parse(await readFile(path.join(workspace, '.atrium/core.json'), 'utf8')) as {
        pid: number;
        socket: string;
      };
    } catch {
      return undefined;
    }
  };

  return {
    path: workspace,
    around,
    run,
    coreFile,
    async json<T>(args: string[], options?: CommandOptions) {
      const { code, stdout, stderr } = await run([...args, '--json'], options);
      return { code, value: JSON.parse(stdout) as T, stderr };
    },
    async serve(args = []) {
      const child = spawn(node, [cli, 'serve', '--json', '--no-open', '--workspace', workspace, ...args], {
        cwd: around,
        env: environment(),
      });
      started.push(child);
      const ended = watchEnd(child);
      const line = JSON.parse(await firstLine(child, ended)) as { url: string; socket: string; pid: number };
      const url = new URL(line.url);
      return {
        ...line,
        origin: url.origin,
        token: new URLSearchParams(url.hash.slice(1)).get('token') ?? '',
        ended,
        interrupt: () => {
          child.kill('SIGINT');
          return ended;
        },
      };
    },
    async startCore() {
      const child = spawn(node, [coreEntry, '--workspace', workspace], { cwd: around, env: environment() });
      started.push(child);
      const ended = watchEnd(child);
      const line = JSON.parse(await firstLine(child, ended)) as Record<string, unknown>;
      return { line, kill: (signal) => void child.kill(signal), ended: ended.then(({ code }) => code) };
    },
    async remove() {
      for (const child of started) child.kill('SIGTERM');
      if ((await run(['core', 'stop'])).code !== 0) {
        const core = await coreFile();
        if (core !== undefined) process.kill(core.pid, 'SIGKILL');
      }
      await rm(around, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}
