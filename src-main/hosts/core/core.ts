import { readFileSync, watch } from 'node:fs';
import path from 'node:path';
import type { AnyRouter } from '@orpc/server';
import { createApp } from '../../app/index.ts';
import type { App, TerminalLine } from '../../app/index.ts';
import { fail } from '../../contract/errors.ts';
import type { Failure, Result } from '../../contract/errors.ts';
import type { CoreFile } from '../../contract/host-api.ts';
import { createBrowserDoor } from '../browser/index.ts';
import { openSocket } from './client.ts';
import { createLifetime } from './lifetime.ts';
import type { Lifetime } from './lifetime.ts';
import { takeLock } from './lock.ts';
import type { WorkspaceLock } from './lock.ts';
import { listenForOperator } from './operator-socket.ts';
import { clearPlace, closePlace, placeOf, preparePlace, readCoreFile, writeCoreFile } from './place.ts';
import type { Place } from './place.ts';
import { hostRouter, operatorRouter } from './routers.ts';
import type { Host } from './routers.ts';

/** How long a second core waits for the first to be reachable or gone, in milliseconds. */
const joinWithin = 45_000;

/** A line of the core's log. */
export interface LogLine {
  level: 'info' | 'warn' | 'error';
  message: string;
}

export interface CoreOptions {
  /** Absolute path. */
  workspace: string;
  /** The folder that holds `out/` and `resources/`. */
  appRoot: string;
  /** Node 24, for what the core starts. */
  nodePath: string;
  environment: NodeJS.ProcessEnv;
  log(line: LogLine): void;
}

/** The core that this process owns. */
export interface OwnedCore {
  kind: 'owned';
  file: CoreFile;
  lifetime: Lifetime;
  /** The operator's contract, for a door that is no socket. */
  windowRouter: AnyRouter;
  /** Serves a viewer of a terminal, for a door that is no socket. */
  serveTerminal(line: TerminalLine): void;
  /** Begins the orderly end. */
  stop(): void;
  /** Settles when everything is closed and nothing is left behind. */
  ended: Promise<void>;
}

/** What came of asking for a core: this process owns it, or another one does already. */
export type CoreOutcome = OwnedCore | { kind: 'joined'; file: CoreFile };

/** Starts the core of a workspace, or finds the one that runs. One core owns a workspace. */
export async function startCore(options: CoreOptions): Promise<Result<CoreOutcome>> {
  const place = placeOf(options.workspace, options.environment);
  try {
    preparePlace(place);
  } catch (error) {
    return unusable(place, error);
  }
  const taken = await takeOrJoin(place);
  if (!taken.ok) return taken;
  if ('pid' in taken.value) return { ok: true, value: { kind: 'joined', file: taken.value } };
  const lock = taken.value;
  clearPlace(place);
  try {
    preparePlace(place);
    const version = versionOf(options.appRoot);
    const app = await createApp({ ...options, version });
    if (!app.ok) {
      lock.release();
      return app;
    }
    return { ok: true, value: await own(options, place, lock, app.value, version) };
  } catch (error) {
    clearPlace(place);
    lock.release();
    throw error;
  }
}

async function own(
  options: CoreOptions,
  place: Place,
  lock: WorkspaceLock,
  app: App,
  version: string,
): Promise<OwnedCore> {
  let file: CoreFile = {
    pid: process.pid,
    socket: place.socket,
    startedAt: new Date().toISOString(),
    version,
  };
  let end: { resolve(): void; reject(error: unknown): void };
  const ended = new Promise<void>((resolve, reject) => {
    end = { resolve, reject };
  });
  let stopping = false;

  const host: Host = {
    workspace: place.workspace,
    core: () => file,
    async openBrowserDoor(port) {
      const opened = await door.open(port);
      if (opened.ok) {
        file = { ...file, url: `http://127.0.0.1:${opened.value.port}/` };
        writeCoreFile(place, file);
      }
      return opened;
    },
    stop: () => {
      if (stopping) return;
      stopping = true;
      // The answer to whoever asked leaves first.
      setImmediate(
        () =>
          void shutDown().then(
            () => end.resolve(),
            (error: unknown) => end.reject(error),
          ),
      );
    },
  };
  const door = createBrowserDoor({
    portFile: place.port,
    pages: path.join(options.appRoot, 'out', 'renderer'),
    router: operatorRouter(app.router('browser'), host),
    serveTerminal: (line) => app.serveTerminal(line),
    enter: () => lifetime.enter('command'),
  });
  const lifetime = createLifetime({
    busy: () => app.busy(),
    onUnneeded: () => host.stop(),
    onLast: (need) => {
      if (need !== 'serve' || stopping) return;
      const { url: _closed, ...rest } = file;
      file = rest;
      writeCoreFile(place, file);
      void door.close();
    },
  });
  const forgetIdle = app.onIdle(() => lifetime.settle());
  const socket = await listenForOperator({
    path: place.socket,
    router: { ...operatorRouter(app.router('cli'), host), host: hostRouter(host) },
    serveTerminal: (line) => app.serveTerminal(line),
    accepting: () => !stopping,
    enter: (need) => lifetime.enter(need),
  });
  writeCoreFile(place, file);

  const shutDown = async (): Promise<void> => {
    lifetime.stop();
    forgetIdle();
    closePlace(place);
    await door.close();
    await app.close();
    await socket.close();
    clearPlace(place);
    lock.release();
  };
  return {
    kind: 'owned',
    file,
    lifetime,
    windowRouter: operatorRouter(app.router('window'), host),
    serveTerminal: (line) => app.serveTerminal(line),
    stop: () => host.stop(),
    ended,
  };
}

/** The lock, or the core that holds it once it can be spoken to. */
async function takeOrJoin(place: Place): Promise<Result<WorkspaceLock | CoreFile>> {
  const deadline = Date.now() + joinWithin;
  for (;;) {
    try {
      const lock = takeLock(place.lock);
      if (lock !== undefined) return { ok: true, value: lock };
    } catch (error) {
      return unusable(place, error);
    }
    const core = readCoreFile(place);
    if (core !== undefined) {
      const socket = await openSocket(core.socket, { need: 'command', now: undefined });
      if (socket !== undefined) {
        socket.close();
        return { ok: true, value: core };
      }
    }
    if (Date.now() > deadline) {
      return fail(
        'core-unreachable',
        `Another core holds ${place.workspace} and does not answer.`,
        `End the process that holds ${place.lock}.`,
      );
    }
    await changeIn(place.state);
  }
}

/** Settles when something in a folder changes, or after a moment: the end of a lock is no change of a file. */
function changeIn(folder: string): Promise<void> {
  return new Promise((resolve) => {
    const settle = (): void => {
      watcher.close();
      clearTimeout(timer);
      resolve();
    };
    const watcher = watch(folder, settle);
    watcher.on('error', settle);
    const timer = setTimeout(settle, 200);
  });
}

function versionOf(appRoot: string): string {
  const manifest: unknown = JSON.parse(readFileSync(path.join(appRoot, 'package.json'), 'utf8'));
  const version = (manifest as { version?: unknown }).version;
  return typeof version === 'string' ? version : '0.0.0';
}

function unusable(place: Place, error: unknown): { ok: false; failure: Failure } {
  const detail = error instanceof Error ? error.message : String(error);
  return fail(
    'workspace-unusable',
    `The workspace ${place.workspace} cannot be opened: ${detail}.`,
    'See that the folder exists and that you may write to it.',
  );
}
