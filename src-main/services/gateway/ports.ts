import type { Result } from '../../contract/errors.ts';
import type { RunCall } from '../../contract/config.ts';
import type { HandoffContext } from '../../contract/handoff.ts';
import type { AskBody, GuardReply, ReviewBody, WikiHit } from '../../contract/run-api.ts';
import type { ResultReport, VerdictReport } from '../../contract/tickets.ts';

/** The run whose socket it is: this is its identity, there is no token. */
export interface GatewayRun {
  id: string;
  /** The name of its contract; only `verifier` may give a verdict, and it gives no result. */
  role: string;
  ticket: string | null;
  brand: string;
  /** Verbs that its contract allows; every other is refused. */
  calls: readonly RunCall[];
}

/** Where a run's reports go; what a run has no use for is left out, and refused. A report that does not hold is data; a rejected promise is a fault and answered with 500. */
export interface RunReports {
  result(report: ResultReport): Promise<Result<unknown>>;
  verdict(report: VerdictReport): Promise<Result<unknown>>;
  progress(text: string): Promise<Result<unknown>>;
  comment(text: string): Promise<Result<unknown>>;
  brief(): string;
  /** Answers an agent program's hook; where there is none, every hook is denied. */
  guard?(event: string, input: unknown): Promise<GuardReply>;
  plan?(text: string): Promise<Result<unknown>>;
  review?(review: ReviewBody): Promise<Result<unknown>>;
  /** Resolves with the operator's answer, or with null where none came in time. */
  ask?(question: AskBody): Promise<Result<{ answer: string | null }>>;
  search?(query: string): Promise<Result<WikiHit[]>>;
  wikiWrite?(text: string): Promise<Result<unknown>>;
  checkpoint?(context: HandoffContext): Promise<Result<unknown>>;
}

export type ModelProvider = 'gemini' | 'anthropic' | 'openai';

/** Where a provider's models are. `baseUrl` has no `/v1…` at its end; `key` is asked at every call. */
export interface ModelUpstream {
  provider: ModelProvider;
  baseUrl: string;
  key(): string | undefined;
}

/**
 * What one model call took. `inputTokens` includes what was read from a cache (`cachedTokens`), `outputTokens` includes thinking.
 * `estimated` is true where the provider's own count did not arrive (a stream that was cut): four bytes a token.
 */
export interface ModelUsage {
  provider: ModelProvider;
  model: string;
  inputTokens: number;
  outputTokens: number;
  cachedTokens: number;
  estimated: boolean;
}

export interface UsageTotals {
  calls: number;
  inputTokens: number;
  outputTokens: number;
  cachedTokens: number;
}

/** One decision of the network list. `reason` is a sentence. */
export interface NetworkDecision {
  host: string;
  port: number;
  allowed: boolean;
  reason: string;
}

/** Finds a host's addresses. `allowPrivate` is for tests, whose servers are on loopback: no configuration can set it. */
export interface HostLookup {
  resolve(host: string): Promise<readonly string[]>;
  allowPrivate: boolean;
}

export interface GatewayLimits {
  /** Bytes of a body of the run API. */
  apiBodyBytes: number;
  /** Bytes of a model request. */
  modelBodyBytes: number;
  /** Milliseconds in which a request must have arrived whole. */
  requestMs: number;
  /** Milliseconds in which a host that is reached through the network list must take the connection. */
  connectMs: number;
  /** Milliseconds that a model may be silent in the middle of a call. */
  silenceMs: number;
  /** Connections to the socket at one time; one more is closed. */
  connections: number;
  /** Model calls at one time; one more is answered with 429. */
  modelCalls: number;
  /** Calls of the run API: the bucket's size, and how many come back each second. */
  callsBurst: number;
  callsPerSecond: number;
  /** Calls of one run in all by which something is kept: what it says must not fill the disk. */
  keptCalls: number;
  /** The same for hooks: an agent makes many calls, and a hook that is turned away is a denial. */
  hooksBurst: number;
  hooksPerSecond: number;
}

export interface RunGatewayOptions {
  /** A folder of the caller's, 0700; the socket in it gets a random name. Paths of sockets are limited to 107 bytes. */
  folder: string;
  /** Whose the socket becomes where the core is root; null where the run has the core's own user. */
  owner: { uid: number; gid: number } | null;
  run: GatewayRun;
  reports: RunReports;
  /** `host`, `*.host` (its subdomains, not itself), each with port 443 or `:port`. */
  network: readonly string[];
  models: readonly ModelUpstream[];
  /** What policy says of a host that is on the list, asked before it is reached; all may be where it is not given. */
  allowHost?: (host: string) => Promise<{ allowed: boolean; reason: string }>;
  /** Which models the run may use; all where it is not given. */
  allowModel?: (model: string) => boolean;
  /** Looks through all text of a model request before it leaves; a sentence why it must not. */
  stopped(text: string): string | null;
  /** Asked before every model call; `reason` is a sentence for the agent. */
  budget(): { allowed: boolean; reason: string };
  /** Exactly once for every call that the provider took on, also when it was cut. Not for token counting, nor refused calls. Where it throws, no further call is let through. */
  onUsage(usage: ModelUsage): void;
  onDecision(decision: NetworkDecision): void;
  /** Milliseconds since the epoch. */
  clock: { now(): number };
  dns?: HostLookup;
  limits?: Partial<GatewayLimits>;
}

/** A run's open gateway. Whoever opened it closes it. */
export interface RunGateway {
  socketPath: string;
  /** Ends every connection, calls and tunnels included; their usage has been reported when it resolves. */
  close(): Promise<void>;
  usage(): UsageTotals;
  /** Resolves when no request is in hand. */
  idle(): Promise<void>;
}

/** Why a gateway could not be opened. */
export class GatewayFault extends Error {
  readonly code: 'socket-path-too-long' | 'socket-unusable';

  constructor(code: GatewayFault['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'GatewayFault';
    this.code = code;
  }
}

export const defaultLimits: GatewayLimits = {
  apiBodyBytes: 4 * 1024 * 1024,
  modelBodyBytes: 32 * 1024 * 1024,
  requestMs: 30_000,
  connectMs: 15_000,
  silenceMs: 600_000,
  connections: 256,
  modelCalls: 16,
  callsBurst: 60,
  callsPerSecond: 5,
  keptCalls: 2_000,
  hooksBurst: 500,
  hooksPerSecond: 100,
};
