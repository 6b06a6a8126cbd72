import type { AgentContract } from '../contract/config.ts';
import { overlap } from './scheduling.ts';

/** The eight roles that every workspace has. */
export const EIGHT_CONTRACTS = [
  'scout',
  'distiller',
  'librarian',
  'operator-global',
  'ticket-executor',
  'verifier',
  'merge-coordinator',
  'recovery-monitor',
] as const;

/** The role of the main loop: it asks, starts others and keeps the tickets, and does no work itself. */
export const CONDUCTOR = 'conductor';

/** What is wrong with one contract beside the others; `field` is where its author has to look. */
export interface ContractProblem {
  contract: string;
  field: 'writes' | 'owns' | 'mayCall';
  /** What was expected, as it stands behind "expected". */
  expected: string;
}

/**
 * What does not hold between contracts. Write scopes are disjoint: pages have one writer, and what one role owns of a repository
 * no other role that owns something may touch. A checkout is of one attempt alone, so that several roles may write their own.
 */
export function contractProblems(contracts: readonly AgentContract[]): ContractProblem[] {
  const problems: ContractProblem[] = [];
  const byName = new Map(contracts.map((contract) => [contract.name, contract]));
  for (const [index, contract] of contracts.entries()) {
    const before = contracts.slice(0, index);
    for (const place of contract.writes) {
      const writer = before.find((other) => place !== 'checkout' && other.writes.includes(place));
      if (writer)
        problems.push({
          contract: contract.name,
          field: 'writes',
          expected: `one writer a place: ${writer.name} writes ${place}`,
        });
    }
    const owner = before.find(
      (other) => other.owns.length > 0 && contract.owns.length > 0 && overlap(other.owns, contract.owns),
    );
    if (owner)
      problems.push({
        contract: contract.name,
        field: 'owns',
        expected: `globs that do not meet those of ${owner.name} (${owner.owns.join(', ')})`,
      });
    for (const name of contract.mayCall) {
      const called = byName.get(name);
      if (!called || called.tools.includes('spawn'))
        problems.push({
          contract: contract.name,
          field: 'mayCall',
          expected: called
            ? `roles that start no others, and ${name} does`
            : `names of contracts, and there is no ${name}`,
        });
    }
  }
  return problems;
}

/** Globs of a repository that belong to other roles than this one. */
export function ownedByOthers(
  contract: AgentContract,
  contracts: readonly AgentContract[],
): { role: string; globs: string[] }[] {
  return contracts
    .filter((other) => other.name !== contract.name && other.owns.length > 0)
    .map((other) => ({ role: other.name, globs: other.owns }));
}
