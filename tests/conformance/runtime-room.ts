import { spawn, spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:net';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { json } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { RunCall } from '../../src-main/contract/config.ts';
import type { LaunchedProcess, RuntimeNeeds, ToolServer } from '../../src-main/services/runtimes/index.ts';

/** A checkout, a home and a launcher for one run, with real walls of the process kind and the network of the host. */
export interface Room {
  ticket: string;
  base: string;
  launch(needs: RuntimeNeeds): Promise<LaunchedProcess>;
  git(...parameters: string[]): string;
  read(path: string): Promise<string>;
  home(path: string): Promise<string>;
  /** What the run posted to its socket. */
  submitted: { path: string; body: unknown }[];
  /** `atrium mcp` on that socket, every verb allowed; the build must have bundled it. */
  tools: ToolServer;
  /** Has the socket refuse what is posted from now on. */
  refuse(message: string): void;
  /** A shell command that leaves a process behind which holds a connection to `lingerer`. */
  lingering: string;
  /** Resolves when that process is there, and its `gone` when it is not any more. */
  lingerer: Promise<{ gone: Promise<void> }>;
  dispose(): Promise<void>;
}

const toolsFolder = fileURLToPath(new URL('../../out/run', import.meta.url));
const clientFolder = fileURLToPath(new URL('../../resources/run', import.meta.url));

/** Makes a room with a repository of one commit; bubblewrap must be there. */
export async function makeRoom(): Promise<Room> {
  const root = await mkdtemp(join(tmpdir(), 'atrium-runtime-'));
  const folder = (name: string): string => join(root, name);
  for (const name of ['work', 'home', 'out']) await mkdir(folder(name));
  await writeFile(join(folder('work'), 'README.md'), 'A repository.\n');
  const git = (...parameters: string[]): string => {
    const done = spawnSync('git', ['-C', folder('work'), ...parameters], { encoding: 'utf8' });
    if (done.status !== 0) throw new Error(`git ${parameters.join(' ')}: ${done.stderr}`);
    return done.stdout.trim();
  };
  git('init', '-q', '-b', 'main');
  git('config', 'user.name', 'Agent');
  git('config', 'user.email', 'agent@example.invalid');
  git('add', '-A');
  git('commit', '-q', '-m', 'Base');
  const base = git('rev-parse', 'HEAD');

  const submitted: { path: string; body: unknown }[] = [];
  let refusal = '';
  const core = createHttpServer((request, response) => {
    if (request.method === 'GET') {
      response.end(JSON.stringify({ brief: '', calls: RunCall.options }));
      return;
    }
    void json(request).then((body) => {
      submitted.push({ path: request.url ?? '', body });
      response.writeHead(refusal === '' ? 200 : 400, { 'content-type': 'application/json' });
      const error = { code: 'refused', message: refusal, hint: '' };
      response.end(JSON.stringify(refusal === '' ? { ok: true, message: 'taken' } : { error }));
    });
  });
  await new Promise<void>((listening) => core.listen(join(folder('out'), 'core.sock'), listening));

  const sockets = new Set<Socket>();
  const server = createServer();
  const lingerer = new Promise<{ gone: Promise<void> }>((there) => {
    server.on('connection', (socket) => {
      sockets.add(socket);
      socket.on('error', () => undefined);
      there({ gone: new Promise((gone) => socket.on('close', () => gone())) });
    });
  });
  await new Promise<void>((listening) => server.listen(join(folder('out'), 'alive.sock'), listening));
  const program = `require("net").connect("/out/alive.sock").resume()`;

  return {
    ticket: 'T-label-1',
    base,
    git,
    read: (path) => readFile(join(folder('work'), path), 'utf8'),
    home: (path) => readFile(join(folder('home'), path), 'utf8'),
    submitted,
    tools: {
      name: 'atrium',
      command: '/opt/atrium/run/bin/atrium',
      args: ['mcp'],
      environment: { ATRIUM_SOCKET: '/out/core.sock', ATRIUM_TICKET: 'T-label-1' },
    },
    refuse: (message) => {
      refusal = message;
    },
    lingering: `setsid /opt/node/bin/node -e '${program}' >/dev/null 2>&1 &`,
    lingerer,
    launch: async (needs) => {
      for (const file of needs.homeFiles) {
        const path = join(folder('home'), file.path);
        await mkdir(dirname(path), { recursive: true });
        await writeFile(path, file.content);
      }
      return launch(needs, folder, {
        ATRIUM_TICKET: 'T-label-1',
        ATRIUM_BASE: base,
        ATRIUM_SOCKET: '/out/core.sock',
      });
    },
    dispose: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((closed) => server.close(closed));
      core.closeAllConnections();
      await new Promise((closed) => core.close(closed));
      await rm(root, { recursive: true, force: true });
    },
  };
}

function launch(
  needs: RuntimeNeeds,
  folder: (name: string) => string,
  environment: Record<string, string>,
): LaunchedProcess {
  const variables = {
    HOME: '/home/agent',
    PATH: '/opt/node/bin:/usr/bin:/bin',
    LANG: 'C.UTF-8',
    NO_PROXY: '127.0.0.1,localhost',
    ...environment,
    ...needs.environment,
  };
  const mounts = needs.mounts.flatMap(({ source, target, access }) => [
    access === 'read' ? '--ro-bind' : '--bind',
    source,
    target,
  ]);
  const parameters = [
    ...['--unshare-user', '--unshare-pid', '--unshare-ipc', '--die-with-parent', '--clearenv'],
    ...['--ro-bind', '/usr', '/usr', '--ro-bind', '/etc', '/etc'],
    ...['bin', 'sbin', 'lib', 'lib64'].flatMap((name) => ['--symlink', `usr/${name}`, `/${name}`]),
    ...['--proc', '/proc', '--dev', '/dev', '--tmpfs', '/tmp', '--tmpfs', '/run'],
    ...['--ro-bind', process.execPath, '/opt/node/bin/node', '--ro-bind', clientFolder, '/opt/atrium/run'],
    ...['--ro-bind-try', toolsFolder, '/opt/atrium/mcp'],
    ...[
      '--bind',
      folder('work'),
      '/work',
      '--bind',
      folder('home'),
      '/home/agent',
      '--bind',
      folder('out'),
      '/out',
    ],
    ...mounts,
    ...Object.entries(variables).flatMap(([name, value]) => ['--setenv', name, value]),
    ...['--chdir', '/work', '--', ...needs.command],
  ];
  const child = spawn('/usr/bin/bwrap', parameters, { stdio: ['pipe', 'pipe', 'pipe'], detached: true });
  const exited = new Promise<{ code: number | null; signal: string | null }>((resolve) => {
    child.on('exit', (code, signal) => resolve({ code, signal }));
  });
  return {
    stdin: child.stdin,
    stdout: child.stdout,
    stderr: child.stderr,
    exited,
    stop: async () => {
      // The whole group: a launcher that is killed while it starts would leave its first process inside without a parent to die with.
      if (child.pid !== undefined && child.exitCode === null && child.signalCode === null)
        process.kill(-child.pid, 'SIGKILL');
      await exited;
    },
  };
}
