import picomatch from 'picomatch';
import type { AgentContract } from '../contract/config.ts';
import type { BrandId, RunId, TicketId } from '../contract/ids.ts';
import type { PolicyRule } from '../contract/policy.ts';
import { ownedByOthers } from '../domain/contracts.ts';
import { compilePolicy, type Policy } from '../domain/policy.ts';
import type { Asks } from './asks.ts';
import type { DecisionLog } from './decision-log.ts';
import { createRunGuard, type RunGuard } from './run-guard.ts';
import type { RecordOfRun } from './run-recorder.ts';
import type { TicketDesk } from './tickets.ts';
import type { Timer } from './timer.ts';

/** The guard of one brand: its policy, its questions to the operator, and what it decided. */
export interface BrandGuard {
  asks: Asks;
  log: DecisionLog;
  /** The rules of every level for this role, on this ticket. */
  policy(contract: AgentContract, ticket?: TicketId): Policy;
  ofRun(run: {
    id: RunId;
    contract: AgentContract;
    ticket: TicketId;
    checkout: string;
    inTicket(path: string): boolean;
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
    const key = `${contract.name} ${contract.digest} ${ticket?.hash ?? ''}`;
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
    policy,
    ofRun: ({ id, contract, ticket, checkout, inTicket }) =>
      createRunGuard({
        brand,
        run: id,
        ticket,
        policy: policy(contract, ticket),
        checkout,
        inTicket,
        asks,
        log,
        record: options.record,
        timer: options.timer,
        now: options.now,
      }),
  };
}

/** A test of a rule's globs; a folder stands for what is in it. */
function globs(patterns: readonly string[]): (path: string) => boolean {
  const tests = patterns.flatMap((pattern) => {
    const trimmed = pattern.replace(/^\.\//, '').replace(/(.)\/+$/, '$1');
    // A name may hold a line break: without the flag no wildcard would match it.
    return [trimmed, `${trimmed}/**`].map((glob) => picomatch(glob, { dot: true, flags: 's' }));
  });
  return (path) => tests.some((test) => test(path));
}
