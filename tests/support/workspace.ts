import type { ContractRouterClient } from '@orpc/contract';
import { createRouterClient } from '@orpc/server';
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { stringify } from 'yaml';
import { createApp, initWorkspace } from '../../src-main/app/index.ts';
import type { AppOptions, CallContext, TerminalLine } from '../../src-main/app/index.ts';
import type { LayerParts } from '../../src-main/app/layers/layer-parts.ts';
import type { WorkspaceConfig } from '../../src-main/contract/config.ts';
import type { Result } from '../../src-main/contract/errors.ts';
import type { operatorApi } from '../../src-main/contract/operator-api.ts';
import { connectCore } from '../../src-main/hosts/core/client.ts';
import { placeOf } from '../../src-main/hosts/core/place.ts';

/** The clone whose programs are tested. */
export const appRoot = path.resolve(import.meta.dirname, '../..');
export const nodePath = path.join(appRoot, 'node_modules', 'node', 'bin', 'node');

/** What a door of the operator's offers. */
export type OperatorClient = ContractRouterClient<typeof operatorApi>;

/** A repository of the operator's. */
export interface TestRepository {
  path: string;
  /** Runs plain git as the operator; gives back its trimmed output. */
  git(...args: string[]): string;
  /** Writes files and commits them; gives back the commit. */
  commit(files: Record<string, string>, message?: string): string;
}

/** A workspace in a folder of its own, with nothing running. */
export interface TestPlace {
  /** The folder around everything, removed at the end. */
  around: string;
  workspace: string;
  /** What a core of this workspace is started with: its own home and its own temporary folder. */
  environment: NodeJS.ProcessEnv;
  /** Makes a git repository beside the workspace, branch main, with one commit. */
  repository(name: string, files: Record<string, string>): TestRepository;
  /** Opens the core inside this process, of other layers where a test takes one away. Its door answers like the CLI's. */
  open(made?: LayerParts): Promise<InProcessCore>;
  /** Starts a core process from `out/`, and connects to its socket. */
  start(options?: { root?: string; need?: 'serve' | 'window' }): Promise<CoreProcess>;
  remove(): void;
}

export interface InProcessCore {
  client: OperatorClient;
  /** The same contract as another door serves it. */
  door(door: CallContext['door']): OperatorClient;
  /** A viewer's line to a terminal, as a door would have one. */
  viewTerminal(line: TerminalLine): void;
  /** What the core logged as an error. */
  faults: string[];
  close(): Promise<void>;
}

export interface CoreProcess {
  pid: number;
  client: OperatorClient;
  /** What it wrote on stderr, complete once it has ended. */
  log(): string;
  /** Ends it at once, as a power cut would; settles when it is gone. */
  kill(): Promise<void>;
  /** Asks it to end and waits. */
  stop(): Promise<void>;
  /** Settles with the exit code, null after a signal. */
  ended: Promise<number | null>;
}

/**
 * Makes an empty workspace.
 *
 * @param config what `workspace.yaml` says beside its defaults
 */
export function makePlace(config: Partial<WorkspaceConfig> = {}): TestPlace {
  const around = realpathSync(mkdtempSync(path.join(tmpdir(), 'atrium-test-')));
  const workspace = path.join(around, 'workspace');
  const home = path.join(around, 'home');
  const temporary = path.join(around, 't');
  mkdirSync(home);
  mkdirSync(temporary, { mode: 0o755 });
  writeFileSync(
    path.join(home, '.gitconfig'),
    '[user]\n\tname = Olga Operator\n\temail = olga@example.org\n',
  );
  const made = initWorkspace(workspace, { sample: false, appRoot });
  if (!made.ok) throw new Error(made.failure.message);
  writeFileSync(
    path.join(workspace, 'workspace.yaml'),
    stringify({ name: 'Test', dispatch: 'on-approval', ...config }),
  );
  const {
    ATRIUM_WORKSPACE: _workspace,
    ATRIUM_NOW: _now,
    DISPLAY: _display,
    XDG_RUNTIME_DIR: _runtime,
    ...inherited
  } = process.env;
  const environment = { ...inherited, HOME: home, TMPDIR: temporary, GIT_CONFIG_NOSYSTEM: '1' };

  return {
    around,
    workspace,
    environment,
    repository: (name, files) => makeRepository(path.join(around, name), home, files),
    open: (made) => openInProcess(workspace, environment, made),
    start: (options = {}) =>
      startProcess(workspace, environment, options.root ?? appRoot, options.need ?? 'serve'),
    remove: () => rmSync(around, { recursive: true, force: true, maxRetries: 5 }),
  };
}

function makeRepository(folder: string, home: string, files: Record<string, string>): TestRepository {
  mkdirSync(folder, { recursive: true });
  const git = (...args: string[]): string =>
    execFileSync('git', args, {
      cwd: folder,
      env: { PATH: process.env['PATH'] ?? '', HOME: home, LC_ALL: 'C', GIT_CONFIG_NOSYSTEM: '1' },
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    }).trimEnd();
  const commit: TestRepository['commit'] = (changed, message = 'a change') => {
    for (const [name, text] of Object.entries(changed)) {
      const file = path.join(folder, name);
      mkdirSync(path.dirname(file), { recursive: true });
      writeFileSync(file, text);
    }
    git('add', '-A');
    git('commit', '-q', '--allow-empty', '-m', message);
    return git('rev-parse', 'HEAD');
  };
  git('init', '-q', '-b', 'main');
  commit(files, 'the beginning');
  return { path: folder, git, commit };
}

async function openInProcess(
  workspace: string,
  environment: NodeJS.ProcessEnv,
  made: LayerParts | undefined,
): Promise<InProcessCore> {
  const faults: string[] = [];
  const options: AppOptions = {
    workspace,
    appRoot,
    nodePath,
    version: '0.0.0-test',
    environment,
    log: ({ level, message }) => {
      if (level === 'error') faults.push(message);
    },
  };
  const app = await createApp(options, made);
  if (!app.ok) throw new Error(`${app.failure.code}: ${app.failure.message}`);
  const door = (name: CallContext['door']): OperatorClient =>
    createRouterClient(app.value.router(name), { context: { door: name } }) as OperatorClient;
  return {
    client: door('cli'),
    door,
    viewTerminal: (line) => app.value.serveTerminal(line),
    faults,
    close: () => app.value.close(),
  };
}

async function startProcess(
  workspace: string,
  environment: NodeJS.ProcessEnv,
  root: string,
  need: 'serve' | 'window',
): Promise<CoreProcess> {
  const child = spawn(nodePath, [path.join(root, 'out', 'main', 'core.js'), '--workspace', workspace], {
    cwd: workspace,
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stderr = '';
  child.stderr.on('data', (data: Buffer) => (stderr += data.toString()));
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  await new Promise<void>((resolve, reject) => {
    createInterface({ input: child.stdout }).once('line', (line) => {
      const said = JSON.parse(line) as { ready?: boolean };
      if (said.ready === true) resolve();
      else reject(new Error(`the core did not become ready: ${line}`));
    });
    void ended.then((code) => reject(new Error(`the core ended with ${code} before its line: ${stderr}`)));
  });
  const connection = await connectCore(placeOf(workspace, environment), { need, now: undefined });
  if (connection === undefined) throw new Error(`the core does not answer: ${stderr}`);
  return {
    pid: child.pid ?? 0,
    client: connection.client,
    log: () => stderr,
    async kill() {
      child.kill('SIGKILL');
      await ended;
      connection.close();
    },
    async stop() {
      child.kill('SIGTERM');
      await ended;
      connection.close();
    },
    ended,
  };
}

/** The value of an answer that must hold. */
export function held<T>(answer: Result<T>): T {
  if (!answer.ok) throw new Error(`${answer.failure.code}: ${answer.failure.message}`);
  return answer.value;
}

/** Adds a brand with a repository or more and no checks but what is given. */
export async function addBrand(
  client: OperatorClient,
  id: string,
  repository: string | string[],
  checks: {
    setup?: string;
    test?: string;
    lint?: string;
    count?: 'tap' | 'junit' | 'exit';
    sealed?: boolean;
  } = {},
): Promise<void> {
  held(
    await client.brand.add({
      id: id,
      name: id,
      repositories: [repository].flat(),
      sealed: false,
      confirmed: true,
      setup: 'none',
      test: 'none',
      lint: 'none',
      count: 'exit',
      ...checks,
    }),
  );
}
