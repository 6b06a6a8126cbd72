import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { AgentContract } from '../contract/config.ts';
import type { Actor } from '../contract/events.ts';
import { fail, ok, type Result } from '../contract/errors.ts';
import type { RunId } from '../contract/ids.ts';
import { DESK_ROLE } from '../contract/terminal-names.ts';
import { type TerminalSize, type TerminalView } from '../contract/terminals.ts';
import { sandboxProfile, type SandboxProfile } from '../domain/sandbox-profile.ts';
import { openRunGateway, type ModelUpstream, type RunGateway } from '../services/gateway/index.ts';
import type { Runtime } from '../services/runtimes/index.ts';
import { SandboxError, type Sandbox } from '../services/sandbox/index.ts';
import type { Terminals } from '../services/terminals/index.ts';
import { layHome } from './agent-homes.ts';
import type { Brand } from './brand.ts';
import type { Desk, ReadyDesk } from './desk.ts';
import { layDeskPrograms, PROGRAMS_INSIDE, type DeskPrograms } from './desk-programs.ts';
import { createSpending } from './spending.ts';
import type { Timer } from './timer.ts';

/** The terminals of one brand's desk: each is a run, so that what it spends and was denied is on record. */
export interface DeskTerminals {
  list(): TerminalView[];
  open(repository: string | undefined, size: TerminalSize): Promise<Result<TerminalView>>;
  /** Ends everything in it; resolves when nothing is left. */
  close(id: RunId, reason: string): Promise<Result<{ id: RunId }>>;
  /** Resolves when the end of every terminal whose shell has ended is on record. */
  settled(): Promise<void>;
}

export interface DeskTerminalParts {
  brand: Brand;
  desk: Desk;
  sandbox: Sandbox;
  terminals: Terminals;
  runtimes: readonly Runtime[];
  sockets: string;
  tools: string;
  models: readonly ModelUpstream[];
  trust: Record<string, string>;
  timer: Timer;
  now(): string;
  /** The operator's local day. */
  today(): string;
  onFault(error: unknown): void;
  /** A terminal ended. */
  onEnded(): void;
}

const core: Actor = { kind: 'core', part: 'desk' };
/** More terminals of one brand than this are not of one person. */
const MOST = 20;
const SHELL = '/bin/bash';

/** The authority of a desk: its own checkout, its own homes, models, the brand's list of hosts. It reports nothing. */
const AUTHORITY: AgentContract = {
  name: DESK_ROLE,
  description: 'A person at the desk of a brand, with its agents.',
  reads: ['checkout'],
  writes: ['checkout'],
  tools: [],
  network: 'ticket',
  calls: ['progress'],
  owns: [],
  mayCall: [],
  modelClass: 'none',
  rules: [],
  instructions: '',
  digest: DESK_ROLE,
};

export function createDeskTerminals(parts: DeskTerminalParts): DeskTerminals {
  const { brand, sandbox, terminals } = parts;
  const open = new Map<RunId, Omit<TerminalView, 'columns' | 'rows'>>();
  const endings = new Set<Promise<void>>();
  let opening = 0;

  const view = (id: RunId): TerminalView | null => {
    const known = open.get(id);
    const size = terminals.size(id);
    return known && size ? { ...known, ...size } : null;
  };

  const openOne: DeskTerminals['open'] = async (name, size) => {
    if (open.size + opening >= MOST)
      return fail(
        'refused-transition',
        `brand ${brand.id} has ${MOST} terminals`,
        'close one that is not needed',
      );
    opening += 1;
    try {
      const probe = await sandbox.probe();
      if (!probe.available) return fail('sandbox-unavailable', probe.message, probe.hint);
      const ready = await parts.desk.ready(name);
      if (!ready.ok) return ready;
      const { config } = ready.value.repository;
      const inUse = [...open.values()].some(({ repository }) => repository === config.name);
      const brought = await parts.desk.bringUp(ready.value, inUse);
      const { notes } = ready.value;
      const desk = brought
        ? { ...ready.value, room: brought.room, notes: [...notes, brought.note] }
        : ready.value;
      return await launch(desk, size);
    } catch (error) {
      if (error instanceof SandboxError) return fail('sandbox-unavailable', error.message, error.hint);
      throw error;
    } finally {
      opening -= 1;
    }
  };

  const launch = async (desk: ReadyDesk, size: TerminalSize): Promise<Result<TerminalView>> => {
    const id = brand.runs.newId();
    const home = join(brand.places.homes, DESK_ROLE);
    if (!existsSync(home)) layHome(home, [], brand.identity);
    const programs = layDeskPrograms(
      brand.places.homes,
      parts.runtimes,
      brand.identity,
      brand.config.desk.network,
    );
    const gateway = await openGateway(id);
    try {
      const profile = profileOf(id, desk, home, programs, gateway.socketPath);
      const proof = await sandbox.prove(profile);
      if (!proof.ok) {
        const breach = proof.canaries.filter((canary) => (canary.expected === 'denied') !== canary.denied);
        await gateway.close();
        return fail(
          'sandbox-unavailable',
          `the walls of the desk do not hold, nothing was started: ${breach.map((one) => `${one.name}: ${one.detail}`).join('; ') || 'the prober did not end'}`,
          'ask the doctor: "atrium doctor"',
        );
      }
      const plan = await sandbox.planTerminal(profile, [SHELL]);
      let ending = '';
      const release = brand.runs.adopt(id, (reason) => {
        ending = reason;
        plan.stop();
      });
      const onExit = async (code: number | null): Promise<void> => {
        await plan.ended(code);
        await gateway.close();
        open.delete(id);
        const outcome = ending === '' ? ('done' as const) : ('stopped' as const);
        const reason = ending === '' ? `the shell ended with ${code ?? 'a signal'}` : ending;
        brand.runs.record(id, [{ type: 'run.ended', data: { run: id, outcome, reason } }], core);
        release();
        parts.onEnded();
      };
      brand.runs.record(id, startedEvents(id), core);
      try {
        const launched = { file: plan.file, args: plan.args, environment: {}, cwd: '/', size };
        const { pid } = terminals.open(id, launched, ({ code, signal }) => {
          const ended = onExit(signal === 0 ? code : null)
            .catch(parts.onFault)
            .finally(() => endings.delete(ended));
          endings.add(ended);
        });
        plan.started(pid);
      } catch (error) {
        ending = `no terminal could be had: ${error instanceof Error ? error.message : String(error)}`;
        await onExit(null);
        return fail('fault', ending, 'ask the doctor: "atrium doctor"');
      }
      const canaries = proof.canaries.filter((canary) => canary.expected === 'denied').length;
      const kept = sandbox.limits();
      const limits = `${kept.limits}: ${kept.limitsDetail}`;
      brand.runs.record(id, [{ type: 'run.proved', data: { run: id, canaries, limits } }], core);
      open.set(id, {
        id,
        brand: brand.id,
        repository: desk.repository.config.name,
        openedAt: parts.now(),
        notes: [
          ...desk.notes,
          programs.names.length === 0
            ? 'No agent program was found for this desk.'
            : `Agents here: ${programs.names.join(', ')}. "login NAME" logs one in by your browser.`,
        ],
      });
      const shown = view(id);
      return shown
        ? ok(shown)
        : fail('fault', 'the terminal ended at once', 'ask the doctor: "atrium doctor"');
    } catch (error) {
      await gateway.close();
      throw error;
    }
  };

  const openGateway = (id: RunId): Promise<RunGateway> => {
    const spending = createSpending({
      run: id,
      of: 'this terminal',
      capUsd: brand.config.desk.costCapUsd,
      spentUsd: 0,
      record: brand.runs.record,
      actor: core,
      today: parts.today,
    });
    return openRunGateway({
      folder: parts.sockets,
      owner: brand.identity,
      run: { id, role: DESK_ROLE, ticket: null, brand: brand.id, calls: [] },
      reports: noReports,
      network: brand.config.desk.network,
      models: parts.models,
      stopped: (text) => brand.leaving('model request', text, id),
      budget: spending.budget,
      onUsage: spending.use,
      onDecision: () => undefined,
      clock: parts.timer,
    });
  };

  const profileOf = (
    id: RunId,
    desk: ReadyDesk,
    home: string,
    programs: DeskPrograms,
    socket: string,
  ): SandboxProfile => {
    const profile = sandboxProfile(AUTHORITY, {
      name: id,
      checkout: desk.room.folder,
      baseObjects: desk.room.baseObjects,
      prepared: desk.room.prepared,
      tools: parts.tools,
      home,
      socket,
      ticket: null,
      base: null,
      limits: brand.limits,
      trust: parts.trust,
      identity: brand.identity,
      sealed: brand.config.sealed,
      ports: brand.config.ports,
      program: { mounts: programs.mounts, environment: {} },
    });
    return {
      ...profile,
      mounts: [
        ...profile.mounts,
        ...programs.homes.map((mount) => ({ kind: 'bind' as const, ...mount, access: 'write' as const })),
      ],
      kernel: {
        ...profile.kernel,
        write: [...profile.kernel.write, ...programs.homes.map(({ target }) => target)],
      },
      environment: {
        ...profile.environment,
        PATH: `${PROGRAMS_INSIDE}:${profile.environment['PATH'] ?? ''}`,
        TERM: 'xterm-256color',
        COLORTERM: 'truecolor',
        SHELL,
        PS1: `${brand.id} \\w \\$ `,
      },
    };
  };

  const startedEvents = (id: RunId) => [
    {
      type: 'run.started' as const,
      data: {
        run: id,
        role: DESK_ROLE,
        ticket: null,
        attempt: null,
        runtime: 'command' as const,
        contract: AUTHORITY.digest,
      },
    },
  ];

  return {
    list: () => [...open.keys()].flatMap((id) => view(id) ?? []),
    open: openOne,
    settled: async () => void (await Promise.all(endings)),
    async close(id, reason) {
      if (!open.has(id)) return fail('not-found', `there is no terminal ${id}`, 'see "atrium run list"');
      await brand.runs.stop(id, reason);
      return ok({ id });
    },
  };
}

const refuse = () => Promise.resolve(fail('not-authorized', 'a desk reports nothing'));
const noReports = {
  result: refuse,
  verdict: refuse,
  progress: refuse,
  comment: refuse,
  brief: () => '',
};
