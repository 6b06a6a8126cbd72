import type { Readable, Writable } from 'node:stream';
import type { Result } from '../../contract/errors.ts';
import type { RuntimeName } from '../../contract/tickets.ts';

/**
 * A process that somebody else started, inside its walls. `stop` ends all of it and resolves when nothing of it is left; it
 * may be called again, and after the process has ended.
 */
export interface LaunchedProcess {
  stdin: Writable;
  stdout: Readable;
  stderr: Readable;
  exited: Promise<{ code: number | null; signal: string | null; outOfMemory?: boolean }>;
  stop(): Promise<void>;
}

/** What must be in the walls for an agent program. `target` and `command` are paths inside; `source` is a path of the host. */
export interface RuntimeNeeds {
  mounts: { source: string; target: string; access: 'read' | 'write' }[];
  environment: Record<string, string>;
  command: string[];
  /** What its home begins with; `path` is relative to HOME. */
  homeFiles: { path: string; content: string }[];
}

/**
 * What a run tells while it works, the same for every agent program. Tokens are counts, of this run alone and since the last
 * usage that it told; `contextUsed` is a share, 0 to 1.
 */
export type RuntimeEvent =
  | { kind: 'text' | 'thought' | 'stdout' | 'stderr' | 'note' | 'plan'; text: string }
  /** The session that the program works in: a later run can go on with it. */
  | { kind: 'session'; id: string }
  /** `paths` are those that the call named; the guard looks at them again once it is over. */
  | {
      kind: 'tool';
      tool: string;
      title: string;
      state: 'started' | 'done' | 'failed';
      text: string;
      paths?: string[];
    }
  | { kind: 'permission'; tool: string; text: string; decision: 'allow' | 'deny'; rule: string }
  | { kind: 'usage'; inputTokens: number; outputTokens: number; contextUsed: number | null }
  | { kind: 'error'; text: string };

/**
 * How a run ended. `done` is what the agent says, never what is true: the gate judges that. `transient` is true for what may
 * go away by itself (rate limit, failing server, network). `finalText` is all text of the last turn.
 */
export interface RuntimeOutcome {
  outcome: 'done' | 'failed' | 'stopped' | 'timeout';
  reason: string;
  transient: boolean;
  finalText: string;
}

/** A server of the Model Context Protocol on stdio: what starts it inside the walls. */
export interface ToolServer {
  name: string;
  command: string;
  args: string[];
  environment: Record<string, string>;
}

/** One task for an agent program. `gatewayUrl` is where models are reached from inside the walls. */
export interface Task {
  ticket: string;
  /** The brief. */
  prompt: string;
  /** The shell command of the `command` runtime, the script of the `scripted` one. */
  command: string | null;
  model: string | null;
  title: string;
  gatewayUrl: string;
  /** The session to go on with; null for a new one. */
  session: string | null;
  /** The run's own tools, which the program gets beside its own; null where they are not to be had. */
  tools: ToolServer | null;
}

export type ToolKind = 'read' | 'search' | 'edit' | 'execute' | 'fetch' | 'other';

/** What an agent asks before a call. `tool` is as the program names it, `paths` are as the agent named them. */
export interface PermissionRequest {
  tool: string;
  kind: ToolKind;
  paths: string[];
  text: string;
}

export interface PermissionDecision {
  decision: 'allow' | 'deny';
  rule: string;
  reason: string;
}

/** What a driver needs from its caller. Times are milliseconds; `after` returns what cancels it. */
export interface DriveHooks {
  onEvent(event: RuntimeEvent): void;
  /** A rejection counts as a denial. */
  decide(request: PermissionRequest): Promise<PermissionDecision>;
  /** Aborted to interrupt the run. */
  signal: AbortSignal;
  now(): number;
  after(ms: number, fn: () => void): () => void;
  limits: {
    /** No event for this long ends the run as `timeout`; time in which a decision is awaited does not count. */
    quietMs: number;
    totalMs: number;
    /** Of stdout and stderr together; more ends the run. */
    maxOutputBytes: number;
  };
}

/** What was found of an agent program on this machine. An absent one is said, not failed. */
export interface RuntimeProbe {
  present: boolean;
  version: string;
  detail: string;
  probedAt: string;
  /**
   * In words. "every call decided": it is made to ask before each. What shows that it does before the brief is given: "check-in", a
   * hook that came back with a nonce; "terms told", its own word; neither where its protocol has no such thing.
   */
  capabilities: string[];
}

/** How a person logs an agent program in at the desk, and what it is called with from then on. */
export interface DeskLogin {
  /** It shows an address, which the person opens in a browser of their own. */
  command: string[];
  environment: Record<string, string>;
  /** What the person does, in sentences. */
  steps: string;
  /** Hosts that the login reaches, and the program once it is logged in; none where they hang on the provider that is chosen. */
  hosts: readonly string[];
  /** The program once it is logged in: it reaches its provider by itself, not by the gateway. */
  then: Pick<DeskProgram, 'command' | 'environment'>;
}

/** An agent program as a person calls it in a terminal of the desk, where it is found by its runtime's name. */
export interface DeskProgram extends RuntimeNeeds {
  login: DeskLogin;
}

/** An agent program behind the one port. */
export interface Runtime {
  name: RuntimeName;
  title: string;
  /** Looks at files only: no agent program is started outside the walls. */
  probe(): Promise<RuntimeProbe>;
  /** Fails as data with `invalid-input` for a task that it cannot run, `runtime-missing` where the program is absent. */
  prepare(task: Task): Result<RuntimeNeeds>;
  /** Talks to the launched process until it is done or ended; when it resolves, the process is stopped. */
  drive(process: LaunchedProcess, task: Task, hooks: DriveHooks): Promise<RuntimeOutcome>;
  /**
   * The program as a person calls it in a terminal of the desk, in a lasting home. Null where it is absent; a runtime without it
   * has no program for a person.
   */
  desk?(gatewayUrl: string): DeskProgram | null;
  /** The files of its home that hold a login, relative to HOME: all that a run is given of the brand's lasting home. */
  logins?: readonly string[];
  /** What of its home holds its sessions, relative to HOME: what a run must find there to go on with one. */
  sessions?: readonly string[];
}
