import { createORPCClient } from '@orpc/client';
import { RPCLink } from '@orpc/client/websocket';
import type { ContractRouterClient } from '@orpc/contract';
import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, statSync } from 'node:fs';
import { connect as connectSocket } from 'node:net';
import path from 'node:path';
import WebSocket from 'ws';
import { Failure, fail } from '../../contract/errors.ts';
import type { Result } from '../../contract/errors.ts';
import type { DoorNeed, operatorSocketApi } from '../../contract/host-api.ts';
import { readCoreFile } from './place.ts';
import type { Place } from './place.ts';

/** How long a core may take from its start to its ready line, in milliseconds. */
const readyWithin = 60_000;
/** A log longer than this is begun anew, in bytes. */
const longestLog = 4 * 1024 * 1024;

/**
 * Each call of git and each sandbox is a process, and to start one the kernel copies the page tables of the core: with a young
 * generation of 4 MB at most it is a quarter smaller, and a ticket a tenth quicker.
 */
const nodeFlags = ['--max-semi-space-size=4'];

export type CoreClient = ContractRouterClient<typeof operatorSocketApi>;

/** A door's connection to a running core. */
export interface CoreConnection {
  client: CoreClient;
  /** Settles when the connection has ended, from whichever side. */
  ended: Promise<void>;
  close(): void;
}

/** Who connects, and why. */
export interface Caller {
  need: DoorNeed;
  /** `ATRIUM_NOW`, where it is set. */
  now: string | undefined;
}

/** How a core is started. */
export interface CoreProgram {
  /** Absolute path of Node 24. */
  node: string;
  /** Absolute path of the core's entry file. */
  entry: string;
  environment: NodeJS.ProcessEnv;
}

/** A raw WebSocket on a core's socket, open; a failure when nobody answers there. */
export async function openSocket(socket: string, caller: Caller, path = '/'): Promise<WebSocket | undefined> {
  const query = new URLSearchParams({ need: caller.need, ...(caller.now ? { now: caller.now } : {}) });
  const opening = new WebSocket(`ws://core${path}?${query.toString()}`, {
    createConnection: () => connectSocket(socket),
    perMessageDeflate: false,
    maxPayload: 64 * 1024 * 1024,
  });
  return new Promise((resolve) => {
    opening.once('open', () => resolve(opening));
    opening.once('close', () => resolve(undefined));
    opening.on('error', () => undefined);
  });
}

/** Connects to a running core; undefined when none answers. Starts nothing. */
export async function connectCore(place: Place, caller: Caller): Promise<CoreConnection | undefined> {
  const core = readCoreFile(place);
  if (core === undefined) return undefined;
  const socket = await openSocket(core.socket, caller);
  if (socket === undefined) return undefined;
  const link = new RPCLink({ websocket: socket as unknown as globalThis.WebSocket });
  return {
    client: createORPCClient(link),
    ended: new Promise((resolve) => socket.once('close', () => resolve())),
    close: () => socket.close(),
  };
}

/** Connects to the workspace's core, and starts one where none runs. Two callers at once share one core. */
export async function ensureCore(
  place: Place,
  caller: Caller,
  program: CoreProgram,
): Promise<Result<CoreConnection>> {
  // A core may end between its being found and its being spoken to; the next one is then started.
  for (let attempt = 0; attempt < 4; attempt += 1) {
    const connection = await connectCore(place, caller);
    if (connection !== undefined) return { ok: true, value: connection };
    const started = await startCore(place, program);
    if (!started.ok) return started;
  }
  return fail(
    'core-unreachable',
    `The core of ${place.workspace} started but does not answer on its socket.`,
    `See ${place.log}.`,
  );
}

async function startCore(place: Place, program: CoreProgram): Promise<Result<null>> {
  let log: number;
  try {
    mkdirSync(place.state, { recursive: true, mode: 0o700 });
    log = openSync(place.log, logIsLong(place.log) ? 'w' : 'a', 0o600);
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    return fail(
      'workspace-unusable',
      `The workspace ${place.workspace} cannot be opened: ${detail}.`,
      'See that the folder exists, that you may write to it, and that the disk has room.',
    );
  }
  const child = spawn(program.node, [...nodeFlags, program.entry, '--workspace', place.workspace], {
    cwd: path.dirname(program.entry),
    detached: true,
    env: program.environment,
    stdio: ['ignore', 'pipe', log],
  });
  closeSync(log);
  child.unref();
  return new Promise((resolve) => {
    let output = '';
    let settled = false;
    const settle = (result: Result<null>): void => {
      if (settled) return;
      settled = true;
      clearTimeout(timer);
      child.stdout?.destroy();
      resolve(result);
    };
    const unreachable = (what: string): void =>
      settle(fail('core-unreachable', `The core of ${place.workspace} ${what}.`, `See ${place.log}.`));
    const timer = setTimeout(() => unreachable('did not become ready within a minute'), readyWithin);
    child.once('error', (error) => unreachable(`could not be started: ${error.message}`));
    child.once('close', () => unreachable('ended before it was ready'));
    child.stdout?.setEncoding('utf8');
    child.stdout?.on('data', (text: string) => {
      output += text;
      const end = output.indexOf('\n');
      if (end >= 0) settle(readReadyLine(output.slice(0, end), place));
    });
  });
}

function readReadyLine(line: string, place: Place): Result<null> {
  const said = parse(line) as { ready?: boolean; joined?: boolean; error?: unknown } | undefined;
  if (said?.ready === true || said?.joined === true) return { ok: true, value: null };
  const failure = Failure.safeParse(said?.error);
  if (failure.success) return { ok: false, failure: failure.data };
  return fail(
    'core-unreachable',
    `The core of ${place.workspace} said what is not understood.`,
    `See ${place.log}.`,
  );
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function logIsLong(file: string): boolean {
  return (statSync(file, { throwIfNoEntry: false })?.size ?? 0) > longestLog;
}
