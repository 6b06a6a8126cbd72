import { normalize, resolve } from 'node:path';
import type { GuardDecision } from '../contract/guard.ts';
import type { PolicyLevel } from '../contract/policy.ts';
import { runToolOf } from '../contract/run-api.ts';
import { placeOf, type Geography } from '../domain/place.ts';
import { evaluate, type Action, type Named, type Policy } from '../domain/policy.ts';
import { toolKind } from '../domain/tool-kind.ts';

/** Where the decision was made: before the call. The walls and the gate stand behind it. */
export const CALL_LAYER = 'call';

/** A call as a runtime, a hook or a question names it. */
export interface Call {
  tool: string;
  /** What the agent program says that it is; the tool's name decides where it says nothing. */
  kind?: string;
  paths: readonly string[];
  /** The shell command, the address, or a title. */
  text: string;
  /** The role that it would start. */
  role?: string | null;
}

/** A decision that says whose rule made it. */
export type LevelledDecision = GuardDecision & { level: PolicyLevel };

/** Reduces a call to what policy looks at. */
export function actionOf(call: Call, cwd: string, geography: Geography): Action {
  // Atrium's own tools touch no file: the contract's `calls` say which of them a role has.
  const own = call.kind === undefined || call.kind === 'other' ? runToolOf(call.tool) : null;
  if (own !== null) return { kind: 'report', tool: own, named: [], command: '', hosts: [], role: null };
  const named = toolKind(call.tool);
  const kind = call.kind === undefined || named !== 'other' ? named : toolKind(call.kind);
  const at = (path: string): Named => {
    const absolute = normalize(resolve(cwd, path)).replace(/(.)\/$/, '$1');
    const root = geography.checkouts.find((one) => absolute.startsWith(`${one}/`));
    return {
      place: placeOf(absolute, geography),
      path: root === undefined ? absolute : absolute.slice(root.length + 1),
    };
  };
  const places = call.paths.map(at);
  // A search that names no place means the folder that it is made in.
  if (kind === 'search' && places.length === 0) places.push(at(cwd));
  // A shell command is text: what it will touch cannot be known, but one that names the ticket files has no good reason to.
  const files = kind === 'execute' ? /\btickets\.jsonl?\b/.exec(call.text) : null;
  if (files) places.push({ place: 'ticket-state', path: files[0] });
  return {
    kind,
    tool: call.tool,
    named: places,
    command: kind === 'execute' ? call.text : '',
    hosts: kind === 'fetch' ? hostsOf(call.text) : [],
    role: call.role ?? null,
  };
}

/** Decides one call under the policy of its role. */
export function decideCall(policy: Policy, call: Call, cwd: string, geography: Geography): LevelledDecision {
  return { ...evaluate(actionOf(call, cwd, geography), policy), layer: CALL_LAYER };
}

function hostsOf(text: string): string[] {
  return [...text.matchAll(/\bhttps?:\/\/(?:[^/\s@]*@)?([^/\s:?#"'<>]+)/gi)].map((match) =>
    (match[1] ?? '').toLowerCase(),
  );
}
