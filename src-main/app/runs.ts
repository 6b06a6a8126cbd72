import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { AgentContract } from '../contract/config.ts';
import type { Result } from '../contract/errors.ts';
import type { Actor } from '../contract/events.ts';
import type { AttemptId, BrandId, RunId, TicketId } from '../contract/ids.ts';
import { RUN_TOOLS_SERVER } from '../contract/run-api.ts';
import { SessionId } from '../contract/runs.ts';
import { isPriced } from '../domain/cost.ts';
import type { Run } from '../domain/run.ts';
import { INSIDE } from '../domain/inside.ts';
import { sandboxProfile, type ProfileFacts, type SandboxProfile } from '../domain/sandbox-profile.ts';
import type { EventStore } from '../services/event-store/index.ts';
import { openRunGateway, type ModelUpstream, type RunReports } from '../services/gateway/index.ts';
import type { Runtime, RuntimeEvent, RuntimeOutcome, Task, ToolServer } from '../services/runtimes/index.ts';
import { SandboxError, type Sandbox } from '../services/sandbox/index.ts';
import { layHome, readLogins } from './agent-homes.ts';
import type { BrandGuard } from './brand-guard.ts';
import type { Grants } from './grants.ts';
import { watchedReports, type Leaving } from './exits/leaving.ts';
import { createHeartbeats } from './heartbeat.ts';
import type { RunGuard } from './run-guard.ts';
import type { RecordOfRun } from './run-recorder.ts';
import type { RunSessions } from './run-sessions.ts';
import { createSpending } from './spending.ts';
import type { Timer } from './timer.ts';
import type { OutputLine, Transcript, Transcripts } from './transcripts.ts';

/** How a run ended; `launched` is false where its walls or its program could not be had. */
export interface RunEnd extends RuntimeOutcome {
  launched: boolean;
}

/** What starts one agent process. */
export interface RunRequest {
  id: RunId;
  contract: AgentContract;
  runtime: Runtime;
  ticket: TicketId;
  /** Null for a run that is no attempt: it plans, or reviews a plan. */
  attempt: AttemptId | null;
  /** What it is there for, as `ATRIUM_STAGE` says inside. */
  stage: NonNullable<ProfileFacts['stage']>;
  task: Omit<Task, 'gatewayUrl' | 'session' | 'tools'>;
  /** The ended run whose session it goes on with, where its program can; null to begin anew. */
  resumes: RunId | null;
  room: Pick<ProfileFacts, 'checkout' | 'baseObjects' | 'prepared' | 'base'>;
  network: string[];
  /** Names of secrets of the brand that the run finds in its environment. */
  grants: string[];
  costCapUsd: number;
  /** Spent on the ticket before this run. */
  spentUsd: number;
  /** Whether a path of the repository is among the ticket's. */
  inTicket(path: string): boolean;
  reports: Omit<RunReports, 'progress' | 'guard'>;
  totalMs: number;
  /** Called when the agent program is gone and before its socket closes: nothing waits for the operator on its behalf. */
  onGone?(): void;
}

/** The runs of one brand: the only way in which an agent process comes to be. */
export interface Runs {
  newId(): RunId;
  carryOut(request: RunRequest): Promise<RunEnd>;
  /**
   * Takes in a run that somebody else carries out: it is among the live ones, and can be stopped, until what comes back is
   * called. `onStop` gets the reason.
   */
  adopt(run: RunId, onStop: (reason: string) => void): () => void;
  /** Interrupts a live run; resolves when nothing of it is left. False where it is not alive. */
  stop(run: RunId, reason: string): Promise<boolean>;
  get(run: RunId): Run | null;
  list(ticket?: TicketId): Run[];
  live(): RunId[];
  contextUsed(run: RunId): number | null;
  /** Live runs that have shown no sign of life for a minute. */
  silent(): RunId[];
  /** Records events of a run's stream. */
  record: RecordOfRun;
}

const core: Actor = { kind: 'core', part: 'runs' };
const QUIET_MS = 15 * 60_000;
/** A transient call is retried so often inside an attempt, after 2, 4 and 8 seconds; it counts against nothing. */
const RETRIES = 3;
const RETRY_MS = 2_000;
const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;

export function createRuns(options: {
  brand: BrandId;
  store: EventStore;
  sandbox: Sandbox;
  transcripts: Transcripts;
  sockets: string;
  homes: string;
  sessions: RunSessions;
  /** Reads the secrets that a run was granted. */
  secrets(names: readonly string[]): Result<Grants>;
  /** Why a text of a run must not go where it is about to; what stopped one is recorded. */
  leaving: Leaving;
  /** Reads anew what other brands' words are known by. */
  refreshExits(): Promise<void>;
  tools: string;
  /** Host folder of the bundled `atrium mcp`; null where it is not built. */
  protocol: string | null;
  identity: { uid: number; gid: number } | null;
  limits: ProfileFacts['limits'];
  trust: Record<string, string>;
  sealed: boolean;
  ports: readonly number[];
  models: readonly ModelUpstream[];
  timer: Timer;
  guard: BrandGuard;
  record: RecordOfRun;
  /** The operator's local day. */
  today(): string;
}): Runs {
  const { brand, store, sandbox, transcripts, identity, timer, record } = options;
  const live = new Map<
    RunId,
    {
      abort: AbortController;
      reason: string;
      ended: Promise<unknown>;
      context: number | null;
    }
  >();

  const heartbeats = createHeartbeats(timer);
  const parse = (rows: { record: string }[]) => rows.map((row) => JSON.parse(row.record) as Run);

  const carryOut = async (request: RunRequest): Promise<RunEnd> => {
    const { id, contract, runtime } = request;
    const abort = new AbortController();
    let finished: () => void = () => undefined;
    const entry = {
      abort,
      reason: 'stopped',
      ended: new Promise<void>((done) => (finished = done)),
      context: null,
    };
    live.set(id, entry);
    heartbeats.beat(id);
    record(
      id,
      [
        {
          type: 'run.started',
          data: {
            run: id,
            role: contract.name,
            ticket: request.ticket,
            attempt: request.attempt,
            runtime: runtime.name,
            contract: contract.digest,
          },
        },
      ],
      core,
    );
    const transcript = transcripts.begin(id);
    const granted = options.secrets(request.grants);
    const output = keptClean(transcript, granted.ok ? granted.value : null);
    let end = notLaunched('it did not start');
    try {
      end = granted.ok
        ? await inRoom(request, granted.value, abort, entry, output.write)
        : notLaunched(`${granted.failure.message} ${granted.failure.hint}`.trim());
      if (granted.ok) end = granted.value.scrubAll(end);
      if (end.outcome === 'stopped') end.reason = entry.reason;
    } catch (error) {
      const reason =
        error instanceof SandboxError
          ? `${error.message} ${error.hint}`
          : `${error instanceof Error ? error.message : String(error)}`;
      end = notLaunched(granted.ok ? granted.value.scrub(reason) : reason);
    } finally {
      output.flush();
      transcript.write({ kind: 'end', text: `${end.outcome}: ${end.reason}` });
      await transcript.end();
      const outcome = end.outcome === 'timeout' ? 'failed' : end.outcome;
      record(id, [{ type: 'run.ended', data: { run: id, outcome, reason: end.reason } }], core);
      live.delete(id);
      heartbeats.forget(id);
      finished();
    }
    return end;
  };

  const inRoom = async (
    request: RunRequest,
    grants: Grants,
    abort: AbortController,
    entry: { context: number | null },
    write: (line: OutputLine) => void,
  ): Promise<RunEnd> => {
    const { id, contract, runtime } = request;
    await options.refreshExits();
    const foreign = options.leaving('brief', request.task.prompt, id);
    if (foreign !== null) return notLaunched(`the brief of ${request.ticket} goes to no agent: ${foreign}`);
    const tools = options.protocol === null ? null : runTools(request.ticket);
    const task: Task = { ...request.task, gatewayUrl: INSIDE.gateway, session: null, tools };
    const needs = runtime.prepare(task);
    if (!needs.ok) {
      const { message, hint } = needs.failure;
      return notLaunched(`${message} ${hint}`.trim());
    }
    const home = join(options.homes, id);
    const lasting = join(options.homes, runtime.name);
    const room = { name: `${id} logins`, limits: options.limits, identity };
    const logins = await readLogins(sandbox, lasting, runtime.logins ?? [], room);
    layHome(home, [...needs.value.homeFiles, ...logins], identity);
    const taking = { runtime, home, room: { ...room, name: `${id} session` } };
    const resumed = request.resumes && (await options.sessions.takeUp(request.resumes, task, taking));
    const spending = createSpending({
      run: id,
      of: request.ticket ?? contract.name,
      capUsd: request.costCapUsd,
      spentUsd: request.spentUsd,
      record,
      actor: core,
      today: options.today,
    });
    const { ticket, inTicket } = request;
    const { checkout } = request.room;
    const { scrubAll: clean } = grants;
    const guard = options.guard.ofRun({ id, contract, ticket, inTicket, checkout, clean });
    const gateway = await openRunGateway({
      folder: options.sockets,
      owner: identity,
      run: {
        id,
        role: contract.name,
        ticket: request.ticket,
        brand,
        calls: contract.calls,
      },
      reports: watchedReports(
        {
          ...request.reports,
          progress: (text) => {
            write({ kind: 'note', text });
            return Promise.resolve({ ok: true, value: null });
          },
          guard: (event, input) => guard.hook(event, input),
        },
        {
          clean: (value) => grants.scrubAll(value),
          stopped: (exit, text) => options.leaving(exit, text, id),
        },
      ),
      network: contract.network === 'ticket' ? request.network : [],
      allowHost: (host) => guard.reaches(host),
      models: options.models,
      stopped: (text) => options.leaving('model request', text, id),
      budget: spending.budget,
      onUsage: (usage) => {
        const cost = spending.use(usage);
        const { model, inputTokens, outputTokens } = usage;
        write({
          kind: 'usage',
          text: `${model}: ${inputTokens} tokens in, ${outputTokens} out, ${cost.toFixed(4)} USD${isPriced(model) ? '' : ' (its price is not known: the dearest is counted)'}`,
        });
      },
      onDecision: ({ host, port, allowed, reason }) => {
        if (allowed || !guard.refused(`${host}:${port}`, reason)) return;
        write({ kind: 'permission', text: `denied connect ${host}:${port}: ${reason}` });
      },
      clock: timer,
    });
    try {
      const profile = sandboxProfile(contract, {
        name: id,
        ...request.room,
        tools: options.tools,
        home,
        socket: gateway.socketPath,
        ticket: request.ticket,
        stage: request.stage,
        protocol: options.protocol,
        limits: options.limits,
        trust: options.trust,
        sealed: options.sealed,
        ports: options.ports,
        identity,
        program: needs.value,
      });
      const proof = await sandbox.prove(profile);
      if (!proof.ok) {
        const breach = proof.canaries.filter((canary) => (canary.expected === 'denied') !== canary.denied);
        const reason = `the walls do not hold, nothing was started: ${breach.map((c) => `${c.name}: ${c.detail}`).join('; ') || 'the prober did not end'}`;
        return notLaunched(reason);
      }
      // The walls were proved without them: what proves needs no secret.
      const granted = {
        ...profile,
        environment: { ...profile.environment, ATRIUM_RUN: id, ...grants.environment },
      };
      const kept = sandbox.limits();
      const limits = `${kept.limits}: ${kept.limitsDetail}`;
      const canaries = proof.canaries.filter((canary) => canary.expected === 'denied').length;
      record(id, [{ type: 'run.proved', data: { run: id, canaries, limits } }], core);
      write({ kind: 'note', text: `${canaries} canaries denied; limits ${limits}` });
      if (resumed) {
        write({ kind: 'note', text: `it goes on with the session of ${request.resumes}` });
        const end = await drive(request, resumed, granted, guard, abort, entry, write);
        if (end.outcome !== 'failed' || spending.hasUsed()) return end;
        write({ kind: 'note', text: `it cannot go on with that session, and begins anew: ${end.reason}` });
      }
      for (let retry = 0; ; retry += 1) {
        const end = await drive(request, task, granted, guard, abort, entry, write);
        if (!end.transient || retry === RETRIES || abort.signal.aborted) return end;
        const wait = RETRY_MS * 2 ** retry;
        write({
          kind: 'note',
          text: `${end.reason}; tried again in ${wait / 1000} s (${retry + 1} of ${RETRIES})`,
        });
        await pause(wait, abort.signal);
      }
    } finally {
      request.onGone?.();
      // What waits for the operator on its behalf is in the gateway's hands, which closes when nothing is.
      options.guard.asks.endOf(id, 'the run that asked ended');
      await gateway.close();
      options.sessions.leave(id);
    }
  };

  const drive = async (
    request: RunRequest,
    task: Task,
    profile: SandboxProfile,
    guard: RunGuard,
    abort: AbortController,
    entry: { context: number | null },
    write: (line: OutputLine) => void,
  ): Promise<RunEnd> => {
    if (abort.signal.aborted)
      return {
        outcome: 'stopped',
        reason: 'stopped before the launch',
        transient: false,
        finalText: '',
        launched: false,
      };
    const needs = request.runtime.prepare(task);
    if (!needs.ok)
      return {
        outcome: 'failed',
        reason: needs.failure.message,
        transient: false,
        finalText: '',
        launched: false,
      };
    const tree = await sandbox.launch(profile, needs.value.command, { stdin: 'pipe' });
    const rest = heartbeats.attend(request.id, () => isAlive(tree.pid));
    write({ kind: 'note', text: `process ${tree.pid}` });
    try {
      const end = await request.runtime.drive(tree, task, {
        onEvent: (event) => {
          if (event.kind === 'usage') entry.context = event.contextUsed;
          else if (event.kind === 'session') note(request.id, event.id);
          else write(lineOf(event));
          if (event.kind === 'tool' && event.state !== 'started')
            guard.after({ tool: event.tool, paths: event.paths ?? [], text: event.title }, event.state);
        },
        decide: (call) => guard.before(call),
        signal: abort.signal,
        now: () => timer.now(),
        after: (ms, fn) => timer.after(ms, fn),
        limits: {
          quietMs: Math.min(QUIET_MS, request.totalMs),
          totalMs: request.totalMs,
          maxOutputBytes: MAX_OUTPUT_BYTES,
        },
      });
      return { ...end, launched: true };
    } finally {
      rest();
      await tree.stop();
      const { code, signal } = await tree.exited;
      write({
        kind: 'note',
        text: `ended with ${code === null ? (signal ?? 'a signal') : `exit code ${code}`}`,
      });
    }
  };

  /** Keeps the session that a program tells of; a name that no program should give is as none. */
  const note = (run: RunId, told: string) => {
    const session = SessionId.safeParse(told);
    if (session.success) record(run, [{ type: 'run.session', data: { run, session: session.data } }], core);
  };

  const pause = (ms: number, signal: AbortSignal) =>
    new Promise<void>((done) => {
      const cancel = timer.after(ms, done);
      signal.addEventListener('abort', () => (cancel(), done()), { once: true });
    });

  return {
    newId: () => `R-${brand}-${randomBytes(6).toString('hex')}` as RunId,
    carryOut,
    adopt(run, onStop) {
      const abort = new AbortController();
      let finished: () => void = () => undefined;
      const entry = {
        abort,
        reason: 'stopped',
        ended: new Promise<void>((done) => (finished = done)),
        context: null,
        denials: 0,
      };
      live.set(run, entry);
      abort.signal.addEventListener('abort', () => onStop(entry.reason), { once: true });
      return () => {
        live.delete(run);
        finished();
      };
    },
    async stop(run, reason) {
      const entry = live.get(run);
      if (!entry) return false;
      entry.reason = reason;
      entry.abort.abort(reason);
      await entry.ended;
      return true;
    },
    get: (run) => parse(store.query('SELECT record FROM projection_runs WHERE id = ?', run))[0] ?? null,
    list: (ticket) =>
      parse(
        ticket
          ? store.query('SELECT record FROM projection_runs WHERE ticket = ? ORDER BY position', ticket)
          : store.query(
              'SELECT record FROM (SELECT record, position FROM projection_runs ORDER BY position DESC LIMIT 1000) ORDER BY position',
            ),
      ),
    live: () => [...live.keys()],
    contextUsed: (run) => live.get(run)?.context ?? null,
    silent: () => heartbeats.silent(),
    record,
  };
}

/** The end of a run of which no process came to be. */
function notLaunched(reason: string): RunEnd {
  return { outcome: 'failed', reason, transient: false, finalText: '', launched: false };
}

/** `atrium mcp` as an agent program starts it: one that keeps its environment to itself hands on what is said here. */
function runTools(ticket: TicketId): ToolServer {
  return {
    name: RUN_TOOLS_SERVER,
    command: `${INSIDE.tools}/bin/atrium`,
    args: ['mcp'],
    environment: { ATRIUM_SOCKET: INSIDE.socket, ATRIUM_TICKET: ticket },
  };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** A transcript that a granted secret does not get into, in whatever pieces it comes. */
function keptClean(
  transcript: Pick<Transcript, 'write'>,
  grants: Grants | null,
): { write(line: OutputLine): void; flush(): void } {
  if (grants === null || Object.keys(grants.environment).length === 0)
    return { write: (line) => transcript.write(line), flush: () => undefined };
  const streams = new Map<OutputLine['kind'], ReturnType<Grants['pieces']>>();
  return {
    write({ kind, text }) {
      const stream = streams.get(kind) ?? grants.pieces();
      streams.set(kind, stream);
      const clean = stream.push(text);
      if (clean !== '') transcript.write({ kind, text: clean });
    },
    flush() {
      for (const [kind, stream] of streams) {
        const rest = stream.rest();
        if (rest !== '') transcript.write({ kind, text: rest });
      }
    },
  };
}

function lineOf(event: Exclude<RuntimeEvent, { kind: 'usage' | 'session' }>): OutputLine {
  switch (event.kind) {
    case 'tool':
      return {
        kind: 'tool',
        text: `${event.state} ${event.title || event.tool}${event.text ? `\n${event.text}` : ''}`,
      };
    case 'permission':
      return {
        kind: 'permission',
        text: `${event.decision} ${event.tool} by rule ${event.rule}: ${event.text}`,
      };
    case 'plan':
      return { kind: 'note', text: event.text };
    default:
      return { kind: event.kind, text: event.text };
  }
}
