import { normalize, resolve } from 'node:path';
import type { AgentContract } from '../contract/config.ts';
import type { GuardDecision } from '../contract/operator-api.ts';
import {
  evaluate,
  INVARIANTS,
  placeOf,
  rulesOf,
  toolKind,
  type Geography,
  type Place,
} from '../domain/policy.ts';

/** Where the decision was made: before the call. The walls and the gate stand behind it. */
export const CALL_LAYER = 'call';

/** Decides one call of a role in a brand, from its contract and the rules that hold for all. */
export function decideCall(
  contract: AgentContract,
  call: { tool: string; kind?: string; paths: string[]; command: string },
  cwd: string,
  geography: Geography,
): GuardDecision {
  const named = toolKind(call.tool);
  const kind = call.kind === undefined || call.kind === 'other' ? named : toolKind(call.kind);
  const places: Place[] = call.paths.map((path) =>
    placeOf(normalize(resolve(cwd, path)).replace(/\/$/, ''), geography),
  );
  // A search that names no place means the folder that it is made in.
  if (kind === 'search' && places.length === 0) places.push(placeOf(normalize(cwd), geography));
  // A shell command is text: what it will touch cannot be known, but one that names the ticket files has no good reason to.
  if (kind === 'execute' && /\btickets\.jsonl?\b/.test(call.command)) places.push('ticket-state');
  return { ...evaluate({ kind, places }, [...INVARIANTS, ...rulesOf(contract)]), layer: CALL_LAYER };
}
