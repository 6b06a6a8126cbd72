import { existsSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { fail } from '../../contract/errors.ts';
import type { Failure } from '../../contract/errors.ts';
import { startCore } from './core.ts';
import type { LogLine } from './core.ts';
import { awaitWindows } from './window-door.ts';
import type { ParentPort } from './window-door.ts';

const appRoot = path.resolve(import.meta.dirname, '../..');

/** One line of JSON on stdout, for whoever started this process and still listens. */
function say(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

function log(line: LogLine): void {
  process.stderr.write(`${JSON.stringify({ at: new Date().toISOString(), ...line })}\n`);
}

function endWith(failure: Failure): never {
  say({ error: failure });
  process.exit(3);
}

/** The node that Atrium brings along; Electron's own binary is not one that others could run. */
function nodePath(): string {
  const packaged = path.join(appRoot, 'node_modules', 'node', 'bin', 'node');
  return existsSync(packaged) ? packaged : process.execPath;
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { workspace: { type: 'string' } } });
  if (values.workspace === undefined) {
    endWith(fail('usage', 'The core was started without a workspace.', 'Give --workspace DIR.').failure);
  }
  const parent = (process as { parentPort?: ParentPort }).parentPort;
  const serveWindows = parent === undefined ? undefined : awaitWindows(parent);
  const outcome = await startCore({
    workspace: path.resolve(values.workspace),
    appRoot,
    nodePath: nodePath(),
    environment: process.env,
    log,
  });
  if (!outcome.ok) endWith(outcome.failure);
  const core = outcome.value;
  serveWindows?.(core);
  const { pid, socket } = core.file;
  if (core.kind === 'joined') {
    say({ joined: true, pid, socket });
    if (parent === undefined) process.exit(0);
    return;
  }
  process.on('SIGTERM', () => core.stop());
  process.on('SIGINT', () => core.stop());
  say({ ready: true, pid, socket });
  log({ level: 'info', message: `The core of ${values.workspace} runs.` });
  await core.ended;
  process.exit(0);
}

// Whoever read the ready line closes the pipe; that must not end the core.
process.stdout.on('error', () => undefined);
process.on('SIGHUP', () => undefined);
process.on('uncaughtException', (error) => {
  log({ level: 'error', message: `Uncaught: ${error.stack ?? error.message}` });
  process.exit(70);
});
process.on('unhandledRejection', (reason) => {
  log({
    level: 'error',
    message: `Unhandled: ${reason instanceof Error ? (reason.stack ?? reason.message) : String(reason)}`,
  });
  process.exit(70);
});

await main();
