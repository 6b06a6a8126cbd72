import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { AgentContract, BrandConfig, RepositoryConfig, WorkspaceConfig } from '../contract/config.ts';
import type { Actor, BrandEvent } from '../contract/events.ts';
import { fail, ok, type Result } from '../contract/errors.ts';
import type { BrandId, RunId } from '../contract/ids.ts';
import type { TicketDraft } from '../contract/tickets.ts';
import { decideMode } from '../domain/mode-rules.ts';
import { EXECUTOR } from '../domain/ticket.ts';
import { openEventStore, type EventStore } from '../services/event-store/index.ts';
import type { ModelUpstream } from '../services/gateway/index.ts';
import {
  checkGit,
  openRepository,
  type GitProgram,
  type Repository,
} from '../services/repositories/index.ts';
import type { Sandbox, SandboxProfile } from '../services/sandbox/index.ts';
import { createAsks } from './asks.ts';
import { limitsOf, plumbing } from './brand-walls.ts';
import { createBrandGuard, type BrandGuard } from './brand-guard.ts';
import { readBrandConfig, readContracts } from './configuration.ts';
import { createDecisionLog } from './decision-log.ts';
import { readGrants, unknownGrant, type Grants } from './grants.ts';
import { createHandoffs, type Handoffs } from './handoffs.ts';
import { brandPlaces, type BrandPlaces, type Places } from './places.ts';
import type { Exit, Exits } from './exits/exits.ts';
import type { Leaving } from './exits/leaving.ts';
import { brandProjections } from './projections.ts';
import { createRooms, type Rooms } from './rooms.ts';
import { runUser } from './run-users.ts';
import { createRunRecorder } from './run-recorder.ts';
import { createRunSessions, type RunSessions } from './run-sessions.ts';
import { createRuns, type Runs } from './runs.ts';
import { pathsTest } from './ticket-paths.ts';
import type { Timer } from './timer.ts';
import { approvalHash, createTicketDesk, type DraftContent, type TicketDesk } from './tickets.ts';
import { createTranscripts, type Transcripts } from './transcripts.ts';

/** One of a brand's repositories, open. */
export interface BrandRepository {
  config: RepositoryConfig;
  git: Repository;
}

/** The scope of one brand: its log, repositories, runs and places. Nothing in it can reach into another brand. */
export interface Brand {
  id: BrandId;
  config: BrandConfig;
  /** Which runtimes play a role here: the brand's word stands over the workspace's. */
  roles: BrandConfig['roles'];
  /** The brand's rules for what a person decides about, then the workspace's. */
  checkpoints: BrandConfig['checkpoints'];
  places: BrandPlaces;
  identity: { uid: number; gid: number } | null;
  /** What one of its runs may take of this machine, and all of them together. */
  limits: SandboxProfile['limits'];
  store: EventStore;
  tickets: TicketDesk;
  handoffs: Handoffs;
  transcripts: Transcripts;
  rooms: Rooms;
  runs: Runs;
  sessions: RunSessions;
  /** Looks through what leaves the brand or enters it. */
  leaving: Leaving;
  /** Reads the secrets that a run was granted. */
  secrets(names: readonly string[]): Result<Grants>;
  guard: BrandGuard;
  contract(name: string): Result<AgentContract>;
  repository(name: string): Result<BrandRepository>;
  repositories(): Promise<Result<BrandRepository>[]>;
  /** What a draft becomes in this brand; refuses what it does not have. */
  content(draft: TicketDraft): Result<DraftContent>;
  record(stream: string, events: BrandEvent[], actor: Actor, commandId?: string): void;
  close(): Promise<void>;
}

export interface BrandParts {
  places: Places;
  workspace: WorkspaceConfig;
  appRoot: string;
  sandbox: Sandbox;
  git: GitProgram;
  exits: Exits;
  models: readonly ModelUpstream[];
  toolchain: string;
  /** What the core was started with: where a brand's secrets may be. */
  environment: NodeJS.ProcessEnv;
  timer: Timer;
  now(): string;
  /** The operator's local day. */
  today(): string;
  onFault(error: unknown): void;
}

/** The certificate authorities of the machine, so that programs inside trust what the machine trusts. */
export function machineTrust(): Record<string, string> {
  const bundle = '/etc/ssl/certs/ca-certificates.crt';
  return existsSync(bundle) ? { NODE_EXTRA_CA_CERTS: bundle, SSL_CERT_FILE: bundle } : {};
}

/** What every sandbox finds of Atrium's own, on the host. */
export function toolsFolder(appRoot: string): string {
  return join(appRoot, 'resources', 'run');
}

/** Opens a brand's scope: its configuration, log and repositories. A failure closes this brand only. */
export async function openBrand(id: BrandId, parts: BrandParts): Promise<Result<Brand>> {
  const places = brandPlaces(parts.places, id);
  const usable = await checkGit(parts.git);
  if (!usable.ok) return fail('repository-unusable', usable.message, usable.hint);
  const config = readBrandConfig(places.config);
  if (!config.ok) return config;
  if (config.value.id !== id)
    return fail(
      'invalid-file',
      `${places.config} names brand "${config.value.id}", its folder "${id}"`,
      'name both alike',
    );
  const contracts = readContracts(parts.places.agents);
  if (!contracts.ok) return contracts;
  for (const folder of [places.state, places.checkouts, places.homes, places.wiki, places.ledger])
    mkdirSync(folder, { recursive: true, mode: folder === places.state ? 0o700 : 0o755 });
  const opened = openEventStore({ file: places.log, projections: brandProjections, onFault: parts.onFault });
  if (!opened.ok)
    return fail(
      opened.code === 'newer-schema' ? 'newer-schema' : 'brand-closed',
      opened.message,
      opened.hint,
    );
  const { store } = opened;
  const identity = runUser(parts.places, id);
  const shared = {
    brand: id,
    sandbox: parts.sandbox,
    identity,
    limits: limitsOf(id, config.value),
    trust: machineTrust(),
    sealed: config.value.sealed,
    ports: config.value.ports,
  };
  const tools = toolsFolder(parts.appRoot);
  const protocol = join(parts.appRoot, 'out', 'run');
  const transcripts = createTranscripts({
    folder: places.transcripts,
    now: parts.now,
    onFault: parts.onFault,
  });
  const rooms = createRooms({
    ...shared,
    sockets: parts.places.sockets,
    tools,
    setupCache: places.setupCache,
    toolchain: parts.toolchain,
    clock: parts.timer,
  });
  const secrets = (names: readonly string[]) => readGrants(config.value, names, parts.environment);
  const tickets = createTicketDesk({ brand: id, store, now: parts.now });
  const record = createRunRecorder(store, parts.now);
  const guard = createBrandGuard({
    brand: id,
    workspaceRules: parts.workspace.policy,
    brandRules: config.value.policy,
    contracts: contracts.value,
    tickets,
    asks: createAsks({
      brand: id,
      store,
      record,
      timer: parts.timer,
      wall: () => Date.now(),
      waitMs: parts.workspace.askMinutes * 60_000,
    }),
    log: createDecisionLog({ file: places.decisions, onFault: parts.onFault }),
    record,
    timer: parts.timer,
    now: parts.now,
  });
  const append: Brand['record'] = (stream, events, actor, commandId = randomUUID()) => {
    const version = store.version(stream);
    store.append({ stream, expectedVersion: version, events, commandId, actor, at: parts.now() });
  };
  const leaving: Leaving = (exit, text, run) => {
    const why = parts.exits.stopped(id, text);
    if (why !== null && run === null) append('exits', [stoppedAt(exit, why, run)], core);
    if (why !== null && run !== null) record(run, [stoppedAt(exit, why, run)], core);
    return why;
  };
  const sessions = createRunSessions({
    folder: places.sessions,
    homes: places.homes,
    sandbox: parts.sandbox,
    run: (run) => runs.get(run),
    mayKeep(id) {
      const { state, draft } = tickets.get(id) ?? { state: 'merged', draft: { grants: [] } };
      return state !== 'merged' && state !== 'blocked' && draft.grants.length === 0;
    },
  });
  const runs: Runs = createRuns({
    ...shared,
    sessions,
    leaving,
    refreshExits: () => parts.exits.refresh(),
    secrets,
    store,
    transcripts,
    sockets: parts.places.sockets,
    homes: places.homes,
    tools,
    protocol: existsSync(protocol) ? protocol : null,
    models: parts.models,
    timer: parts.timer,
    guard,
    record,
    today: parts.today,
  });
  const repositories = new Map<string, Result<BrandRepository>>();
  for (const repository of config.value.repositories) {
    const git = await openRepository({
      path: repository.path,
      branch: repository.branch,
      git: parts.git,
      stateDir: join(places.state, 'repositories', repository.name),
      sandboxed: plumbing(parts.sandbox, shared),
      sealed: config.value.sealed,
      owner: identity,
      clock: () => new Date(),
    });
    repositories.set(
      repository.name,
      git.ok
        ? ok({ config: repository, git: git.repository })
        : fail('repository-unusable', git.message, git.hint),
    );
  }
  const first = config.value.repositories[0]?.name;
  const roles = { ...parts.workspace.roles, ...config.value.roles };
  const roleNames = Object.entries(roles).filter((entry) => entry[1] !== undefined);
  const contract = (name: string): Result<AgentContract> => {
    const found = contracts.value.find((one) => one.name === name);
    return found
      ? ok(found)
      : fail('invalid-file', `the contract ${name} is missing in ${parts.places.agents}`, 'restore the file');
  };
  return ok({
    id,
    config: config.value,
    roles,
    checkpoints: [...config.value.checkpoints, ...parts.workspace.checkpoints],
    places,
    identity,
    limits: shared.limits,
    store,
    tickets,
    handoffs: createHandoffs({ folder: places.handoffs, store, now: parts.now }),
    transcripts,
    rooms,
    runs,
    sessions,
    leaving,
    secrets,
    guard,
    contract,
    repository: (name) =>
      repositories.get(name) ??
      fail(
        'invalid-input',
        `brand ${id} has no repository "${name}"`,
        `it has: ${[...repositories.keys()].join(', ') || 'none'}`,
      ),
    repositories: () => Promise.resolve([...repositories.values()]),
    content(draft) {
      const name = draft.repository ?? first;
      const repository = config.value.repositories.find((one) => one.name === name);
      if (!repository)
        return fail(
          'invalid-input',
          `brand ${id} has no repository "${name ?? ''}"`,
          `it has: ${[...repositories.keys()].join(', ') || 'none'}`,
        );
      const runtime =
        draft.runtime ??
        (draft.command === undefined && draft.commit === undefined
          ? parts.workspace.defaultRuntime
          : 'command');
      const ungranted = unknownGrant(config.value, draft.grants);
      if (ungranted) return ungranted;
      const executor = contract(draft.contract ?? EXECUTOR);
      if (!executor.ok) return executor;
      if (!executor.value.calls.includes('result') || !executor.value.writes.includes('checkout'))
        return fail(
          'invalid-input',
          `the contract ${executor.value.name} carries out no tickets: it does not write a checkout and submit results`,
          `leave "contract" out for ${EXECUTOR}, or name one that does`,
        );
      const verifier = contract('verifier');
      if (!verifier.ok) return verifier;
      const contracts = [executor.value.digest, verifier.value.digest];
      const modeDecision = decideMode(
        { draft, runtime, sealed: config.value.sealed },
        [...config.value.modes, ...parts.workspace.modes],
        (globs, path) => pathsTest(globs)(path),
      );
      if (draft.commit !== undefined && modeDecision.mode !== 'direct')
        return fail(
          'invalid-input',
          'a commit that is proposed needs no plan: its work is done',
          'draft it with mode: direct',
        );
      return ok({
        hash: approvalHash({
          draft: { ...draft, mode: modeDecision.mode },
          runtime,
          repository,
          contracts,
          ...(roleNames.length === 0 ? {} : { roles: Object.fromEntries(roleNames) }),
        }),
        modeDecision,
        draft,
        runtime,
        repository: repository.name,
        contract: executor.value.digest,
        checks: repository.checks,
      });
    },
    record: append,
    close() {
      store.close();
      return Promise.resolve();
    },
  });
}

const core: Actor = { kind: 'core', part: 'exits' };

function stoppedAt(exit: Exit, reason: string, run: RunId | null): BrandEvent {
  const rule = 'boundary-guard';
  return { type: 'guard.decided', data: { run, decision: 'deny', rule, reason, tool: exit, layer: 'exit' } };
}
