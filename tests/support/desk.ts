import { randomUUID } from 'node:crypto';
import { readFile, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parse, stringify } from 'yaml';
import type { FeedItem } from '../../src-main/contract/feed.ts';
import { TicketDraft } from '../../src-main/contract/tickets.ts';
import type { TicketDetail, TicketDraftInput, TicketSummary } from '../../src-main/contract/tickets.ts';
import { BrandId, CommandId, TicketId } from '../../src-main/contract/ids.ts';
import { connectCore } from '../../src-main/hosts/core/client.ts';
import type { CoreConnection } from '../../src-main/hosts/core/client.ts';
import { placeOf } from '../../src-main/hosts/core/place.ts';
import { makeWorkspace } from './doors.ts';
import type { Ended, TestWorkspace } from './doors.ts';
import { held } from './workspace.ts';

const commandId = (): CommandId => CommandId.parse(randomUUID());

/** What `start --json` gives. */
export interface Started {
  run: string;
  phases: { number: number; name: string; outcome: string; reason: string; ms: number; runs: number }[];
  waiting: { questions: number; approvals: number };
  merged: string[];
  blocked: { id: string; reason: string }[];
}

/** A failure as the CLI tells it with `--json`. */
export interface Told {
  error: { code: string; message: string; hint: string };
}

/**
 * The operator at work on a workspace, by the CLI. What a test only needs on its way, to order work and to wait for it, goes over
 * the operator's socket, the CLI's own door, without a process each time.
 */
export interface Desk {
  workspace: TestWorkspace;
  /** A command that must end with exit code 0: its JSON value. */
  ask<T>(args: string[], stdin?: string): Promise<T>;
  /** A command that must not end with exit code 0: its exit code and what it told. */
  refused(args: string[], stdin?: string): Promise<{ code: number | null; error: Told['error'] }>;
  run(args: string[]): Promise<Ended>;
  draft(brand: string, draft: TicketDraftInput): Promise<TicketDetail>;
  /** Drafts and approves. */
  order(brand: string, draft: TicketDraftInput): Promise<TicketDetail>;
  approve(ticket: { id: string; hash: string }): Promise<TicketSummary>;
  show(id: string): Promise<TicketDetail>;
  start(...args: string[]): Promise<Started>;
  /** The day's dispatch alone: without the doctor and what else a day begins with. */
  dispatch(): Promise<Started>;
  addBrand(id: string, repository: string, ...args: string[]): Promise<AddedBrand>;
  /** Settles with the first item of the feed that is accepted; the snapshot's tickets and runs count as items. */
  until(accept: (item: FeedItem) => boolean): Promise<void>;
  /** Settles when a ticket is in this state, or in one that nothing leads out of. */
  untilState(id: string, state: string): Promise<TicketDetail>;
  /** Settles when a ticket's first attempt has failed, and blocks it, so that nothing is tried again: why it failed. */
  firstFailure(id: string): Promise<string>;
  /** Ends the core, and gives back when it is gone. */
  stopCore(): Promise<void>;
  /** Changes a file of YAML of the workspace while no core runs. */
  configure(file: string, change: (value: Record<string, unknown>) => void): Promise<void>;
  remove(): Promise<void>;
}

export interface AddedBrand {
  id: string;
  repositories: {
    path: string;
    branch: string;
    checks: Record<string, string>;
    baseline: string;
    detail: string;
  }[];
}

/** Checks of a repository that was made with `makeShellRepository`. */
export const SHELL_CHECKS = ['--setup', 'none', '--test', 'sh check.sh', '--lint', 'none', '--count', 'exit'];

/** Makes a workspace and sits down at it. `env` goes to every command, and so to the core that it starts. */
export async function openDesk(options: {
  env?: Record<string, string>;
  config?: Record<string, unknown>;
  name?: string;
}): Promise<Desk> {
  const workspace = await makeWorkspace(options.name);
  const env = options.env ?? {};
  const run: Desk['run'] = (args) => workspace.run(args, { env });

  const ask: Desk['ask'] = async <T>(args: string[], stdin?: string) => {
    const ended = await workspace.run([...args, '--json'], {
      env,
      ...(stdin === undefined ? {} : { stdin }),
    });
    if (ended.code !== 0)
      throw new Error(`atrium ${args.join(' ')} ended with ${ended.code}: ${ended.stdout}${ended.stderr}`);
    return JSON.parse(ended.stdout) as T;
  };

  /** On a connection to the core that runs, as a command has one; undefined where none runs. */
  const atSocket = async <T>(
    use: (client: CoreConnection['client']) => Promise<T>,
  ): Promise<T | undefined> => {
    const connection = await connectCore(placeOf(workspace.path, process.env), {
      need: 'command',
      now: undefined,
    });
    if (connection === undefined) return undefined;
    try {
      return await use(connection.client);
    } finally {
      connection.close();
    }
  };

  const follow = async (
    client: CoreConnection['client'],
    accept: (item: FeedItem) => boolean,
  ): Promise<true> => {
    for await (const item of await client.feed({})) {
      if (item.kind !== 'snapshot') {
        if (accept(item)) return true;
        continue;
      }
      const { tickets, runs } = item.snapshot;
      if (tickets.some((ticket) => accept({ kind: 'ticket', ticket }))) return true;
      if (runs.some((each) => accept({ kind: 'run', run: each }))) return true;
    }
    throw new Error('the feed ended before it came');
  };

  const until: Desk['until'] = async (accept) => {
    if ((await atSocket((client) => follow(client, accept))) === undefined)
      throw new Error('no core runs, so nothing will come');
  };

  const desk: Desk = {
    workspace,
    ask,
    run,
    until,
    async refused(args, stdin) {
      const ended = await workspace.run([...args, '--json'], {
        env,
        ...(stdin === undefined ? {} : { stdin }),
      });
      if (ended.code === 0) throw new Error(`atrium ${args.join(' ')} was not refused: ${ended.stdout}`);
      return { code: ended.code, error: (JSON.parse(ended.stdout) as Told).error };
    },
    draft: (brand, draft) => ask(['ticket', 'draft', '--brand', brand, '--file', '-'], JSON.stringify(draft)),
    approve: (ticket) => ask(['ticket', 'approve', ticket.id, '--hash', ticket.hash]),
    async order(brand, draft) {
      const ordered = await atSocket(async (client) => {
        const given = {
          commandId: commandId(),
          brand: BrandId.parse(brand),
          draft: TicketDraft.parse(draft),
        };
        const drafted = held(await client.ticket.draft(given));
        held(await client.ticket.approve({ commandId: commandId(), id: drafted.id, hash: drafted.hash }));
        return drafted;
      });
      if (ordered !== undefined) return ordered;
      const drafted = await desk.draft(brand, draft);
      await desk.approve(drafted);
      return drafted;
    },
    show: (id) => ask(['ticket', 'show', id]),
    start: (...args) => ask(['start', ...args]),
    dispatch: () => ask(['start', '--phase', '7']),
    addBrand: (id, repository, ...args) =>
      ask(['brand', 'add', id, '--name', id, '--repository', repository, ...args, '--yes']),
    async untilState(id, state) {
      const ends = new Set([state, 'merged', 'blocked']);
      const reached = await atSocket(async (client) => {
        await follow(
          client,
          (item) => item.kind === 'ticket' && item.ticket.id === id && ends.has(item.ticket.state),
        );
        return held(await client.ticket.show({ id: TicketId.parse(id) }));
      });
      if (reached === undefined) throw new Error('no core runs, so nothing will come');
      return reached;
    },
    async firstFailure(id) {
      const failed = await atSocket(async (client) => {
        await follow(
          client,
          (item) =>
            item.kind === 'ticket' &&
            item.ticket.id === id &&
            (item.ticket.attempts > 1 || (item.ticket.attempts === 1 && item.ticket.state === 'ready')),
        );
        const ticket = TicketId.parse(id);
        held(await client.ticket.block({ commandId: commandId(), id: ticket, reason: 'seen once' }));
        return held(await client.ticket.show({ id: ticket })).attemptList[0];
      });
      if (failed?.state !== 'failed') throw new Error(`${id} did not fail: ${JSON.stringify(failed)}`);
      return failed.reason;
    },
    async stopCore() {
      await ask(['core', 'stop']);
    },
    async configure(file, change) {
      const whole = path.join(workspace.path, file);
      const value = parse(await readFile(whole, 'utf8')) as Record<string, unknown>;
      change(value);
      await writeFile(whole, stringify(value));
    },
    remove: () => workspace.remove(),
  };
  if (options.config !== undefined)
    await desk.configure('workspace.yaml', (value) => Object.assign(value, options.config));
  return desk;
}

/** Processes whose command line or folder names this path. */
export async function processesAt(folder: string): Promise<string[]> {
  const found: string[] = [];
  for (const pid of await readdir('/proc')) {
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid) continue;
    const commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (commandLine.includes(folder)) found.push(`${pid} ${commandLine.replaceAll('\0', ' ')}`);
  }
  return found;
}

/** Every file below a folder, by absolute path. */
export async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name));
}
