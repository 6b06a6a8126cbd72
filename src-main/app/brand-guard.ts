import picomatch from 'picomatch';
import type { AgentContract } from '../contract/config.ts';
import type { BrandId, RunId, TicketId } from '../contract/ids.ts';
import type { PolicyRule } from '../contract/policy.ts';
import { ownedByOthers } from '../domain/contracts.ts';
import { compilePolicy, type Policy } from '../domain/policy.ts';
import type { Asks } from './asks.ts';
import type { DecisionLog } from './decision-log.ts';
import { carryOutGuarded, type ActEnd, type GuardedAct } from './guarded-act.ts';
import { createRunGuard, type RunGuard } from './run-guard.ts';
import type { RecordOfRun } from './run-recorder.ts';
import type { TicketDesk } from './tickets.ts';
import type { Timer } from './timer.ts';

/** The guard of one brand: its policy, its questions to the operator, and what it decided. */
export interface BrandGuard {
  asks: Asks;
  log: DecisionLog;
  /** Carries out an act of Atrium's own under its guard, asked before and told after. */
  act<T>(act: GuardedAct<T>): Promise<ActEnd<T>>;
  /** The rules of every level for this role, on this ticket. */
  policy(contract: AgentContract, ticket?: TicketId): Policy;
  /** Why a path of the repository is not this role's to change; null where it is. */
  ownership(contract: AgentContract): (path: string) => string | null;
  ofRun(run: {
    id: RunId;
    contract: AgentContract;
    ticket: TicketId;
    checkout: string;
    inTicket(path: string): boolean;
    /** Takes the secrets of the run out of what is kept of its calls. */
    clean<T>(value: T): T;
  }): RunGuard;
}

/** Policies are made once for a role and the text of a ticket. */
const MOST_KEPT = 100;

export function createBrandGuard(options: {
  brand: BrandId;
  workspaceRules: readonly PolicyRule[];
  brandRules: readonly PolicyRule[];
  contracts: readonly AgentContract[];
  tickets: TicketDesk;
  asks: Asks;
  log: DecisionLog;
  record: RecordOfRun;
  timer: Timer;
  now(): string;
}): BrandGuard {
  const { brand, contracts, asks, log } = options;
  const made = new Map<string, Policy>();

  const policy: BrandGuard['policy'] = (contract, id) => {
    const ticket = id === undefined ? null : options.tickets.get(id);
    const { name, digest, reads, writes, tools, calls } = contract;
    // A stage may take from a contract what another has: a run that plans writes nothing, and the run after it does.
    const key = JSON.stringify([name, digest, reads, writes, tools, calls, ticket?.hash]);
    const known = made.get(key);
    if (known) return known;
    const fresh = compilePolicy(
      {
        contract,
        workspace: options.workspaceRules,
        brand: options.brandRules,
        ticket: ticket?.draft.rules ?? [],
        foreign: ownedByOthers(contract, contracts),
      },
      globs,
    );
    if (made.size >= MOST_KEPT) made.clear();
    made.set(key, fresh);
    return fresh;
  };

  return {
    asks,
    log,
    act: (act) => carryOutGuarded(act, { brand, log, timer: options.timer, now: options.now }),
    policy,
    ownership(contract) {
      const own = contract.owns.length > 0 ? globs(contract.owns) : () => true;
      const foreign = ownedByOthers(contract, contracts).map(({ role, globs: owned }) => ({
        role,
        test: globs(owned),
      }));
      return (path) => {
        if (!own(path)) return `the role ${contract.name} writes only ${contract.owns.join(', ')}`;
        const owner = foreign.find(({ test }) => test(path));
        return owner ? `it belongs to the role ${owner.role}` : null;
      };
    },
    ofRun: ({ id, contract, ticket, checkout, inTicket, clean }) =>
      createRunGuard({
        brand,
        run: id,
        ticket,
        policy: policy(contract, ticket),
        checkout,
        inTicket,
        clean,
        asks,
        log,
        record: options.record,
        timer: options.timer,
        now: options.now,
      }),
  };
}

/** A test of a rule's globs; a folder stands for what is in it. */
export function globs(patterns: readonly string[]): (path: string) => boolean {
  const sources = patterns.flatMap((pattern) => {
    const trimmed = pattern.replace(/^\.\//, '').replace(/(.)\/+$/, '$1');
    return [trimmed, `${trimmed}/**`].map((glob) => picomatch.makeRe(glob, { dot: true }).source);
  });
  // One expression for all; a name may hold a line break, and without the flag no wildcard would match it.
  const whole = new RegExp(sources.map((source) => `(?:${source})`).join('|'), 's');
  return (path) => whole.test(path);
}
