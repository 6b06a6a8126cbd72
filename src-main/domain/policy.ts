import type { AgentContract } from '../contract/config.ts';
import type { GuardDecision } from '../contract/operator-api.ts';
import { ToolKind } from '../contract/policy.ts';

/** Where a path lies, seen from the walls of one brand. */
export type Place =
  | 'state'
  | 'ticket-state'
  | 'git-internals'
  | 'ticket-paths'
  | 'checkout'
  | 'wiki/<brand>'
  | 'wiki/_global'
  | 'wiki/other'
  | 'elsewhere';

/** One tool call, reduced to what policy looks at. */
export interface Action {
  kind: ToolKind;
  /** Places of the paths that it names; empty where it names none. */
  places: Place[];
}

/** A row of policy: deny wins over ask, ask over allow; nothing that no row allows is allowed. */
export interface Rule {
  name: string;
  decision: GuardDecision['decision'];
  kinds: readonly ToolKind[];
  /** `any` also matches a call that names no path. */
  places: readonly Place[] | 'any';
  reason: string;
}

const everyKind: readonly ToolKind[] = ToolKind.options;
const toolKinds: Record<string, ToolKind> = {
  read: 'read',
  read_file: 'read',
  read_many_files: 'read',
  view: 'read',
  notebookread: 'read',
  glob: 'search',
  grep: 'search',
  ls: 'search',
  search: 'search',
  list_directory: 'search',
  search_file_content: 'search',
  grep_search: 'search',
  codebase_search: 'search',
  write: 'edit',
  edit: 'edit',
  multiedit: 'edit',
  notebookedit: 'edit',
  write_file: 'edit',
  replace: 'edit',
  create: 'edit',
  delete: 'edit',
  move: 'edit',
  apply_patch: 'edit',
  bash: 'execute',
  execute: 'execute',
  shell: 'execute',
  run_shell_command: 'execute',
  killshell: 'execute',
  bashoutput: 'read',
  webfetch: 'fetch',
  websearch: 'fetch',
  web_fetch: 'fetch',
  google_web_search: 'fetch',
  fetch: 'fetch',
  report: 'report',
  submit_result: 'report',
  submit_verdict: 'report',
  todowrite: 'report',
  think: 'report',
  task: 'spawn',
  agent: 'spawn',
  spawn: 'spawn',
  delegate_to_agent: 'spawn',
  askuserquestion: 'ask',
  ask_user: 'ask',
  taskcreate: 'ticket',
  taskupdate: 'ticket',
  taskstop: 'ticket',
  ticket_draft: 'ticket',
  ticket_edit: 'ticket',
};

/** The kind of a tool by the name that an agent program gives it; `other` where it is not known. */
export function toolKind(tool: string): ToolKind {
  const name = tool.toLowerCase();
  return Object.hasOwn(toolKinds, name) ? (toolKinds[name] ?? 'other') : 'other';
}

/** Rows that hold for every role of every brand. */
export const INVARIANTS: readonly Rule[] = [
  {
    name: 'ticket-state-guard',
    decision: 'deny',
    kinds: ['edit', 'execute', 'other'],
    places: ['ticket-state'],
    reason: 'tickets change only through Atrium: submit a result or a comment instead',
  },
  {
    name: 'boundary-guard',
    decision: 'deny',
    kinds: everyKind,
    places: ['state', 'elsewhere', 'wiki/other'],
    reason: 'it lies outside the walls of this brand: work inside the checkout',
  },
  {
    name: 'git-guard',
    decision: 'deny',
    kinds: ['edit'],
    places: ['git-internals'],
    reason: 'the files of git itself are changed by git commands only',
  },
];

/** What the main loop may do and no worker. */
const DIRECTION = ['spawn', 'ask', 'ticket'] as const;

/** Rows that a contract amounts to. */
export function rulesOf(contract: AgentContract): Rule[] {
  const readable: Place[] = [];
  if (contract.reads.includes('checkout'))
    readable.push('checkout', 'ticket-paths', 'git-internals', 'ticket-state');
  if (contract.reads.includes('wiki/<brand>')) readable.push('wiki/<brand>');
  if (contract.reads.includes('wiki/_global')) readable.push('wiki/_global');
  const writable: Place[] = [];
  if (contract.writes.includes('checkout')) writable.push('ticket-paths');
  if (contract.writes.includes('wiki/<brand>')) writable.push('wiki/<brand>');
  if (contract.writes.includes('wiki/_global')) writable.push('wiki/_global');
  const rules: Rule[] = [];
  const tools = new Set<ToolKind>(contract.tools);
  const absent = DIRECTION.filter((kind) => !tools.has(kind));
  if (absent.length > 0)
    rules.push({
      name: 'no-spawn',
      decision: 'deny',
      kinds: absent,
      places: 'any',
      reason:
        'a run carries out one task itself: it starts no other agents, keeps no tickets, and asks through its report',
    });
  const row = (kind: ToolKind, places: Rule['places'], reason: string) => {
    if (tools.has(kind))
      rules.push({ name: `${contract.name}.${kind}`, decision: 'allow', kinds: [kind], places, reason });
  };
  row('read', readable, 'its contract lets it read here');
  row('search', readable, 'its contract lets it read here');
  row('edit', writable, 'its contract lets it write here');
  row('execute', 'any', 'its contract lets it run commands inside the walls');
  row('fetch', 'any', 'its contract lets it reach the hosts of its ticket; the gateway holds the list');
  row('report', 'any', 'its contract lets it report');
  for (const kind of DIRECTION) row(kind, 'any', 'its contract lets it direct the work of others');
  return rules;
}

/**
 * Decides a call. Every place that it names must be allowed; one deny is a deny. A call that no row allows is denied by
 * `default-deny`.
 */
export function evaluate(action: Action, rules: readonly Rule[]): Omit<GuardDecision, 'layer'> {
  const matching = rules.filter((rule) => rule.kinds.includes(action.kind));
  const hit = (decision: Rule['decision'], place: Place | null) =>
    matching.find(
      (rule) =>
        rule.decision === decision &&
        (rule.places === 'any' || (place !== null && rule.places.includes(place))),
    );
  const places: (Place | null)[] = action.places.length > 0 ? action.places : [null];
  for (const decision of ['deny', 'ask'] as const) {
    for (const place of places) {
      const rule = hit(decision, place);
      if (rule) return { decision, rule: rule.name, reason: rule.reason };
    }
  }
  let allowed: Rule | undefined;
  for (const place of places) {
    allowed = hit('allow', place);
    if (!allowed) {
      return {
        decision: 'deny',
        rule: 'default-deny',
        reason: `no rule allows this role to ${action.kind}${place ? ` in ${placeNames[place]}` : ''}`,
      };
    }
  }
  return allowed
    ? { decision: 'allow', rule: allowed.name, reason: allowed.reason }
    : { decision: 'deny', rule: 'default-deny', reason: 'no rule allows it' };
}

const placeNames: Record<Place, string> = {
  state: "Atrium's state",
  'ticket-state': 'the ticket files',
  'git-internals': 'the files of git',
  'ticket-paths': 'the paths of the ticket',
  checkout: 'the checkout outside the paths of the ticket',
  'wiki/<brand>': "the brand's wiki",
  'wiki/_global': 'the global wiki',
  'wiki/other': "another brand's wiki",
  elsewhere: 'a place outside the walls',
};

/** What tells places apart: absolute, normalised paths, and the ticket's globs as a test. */
export interface Geography {
  brand: string;
  workspace: string;
  /** Roots under which a path counts as inside the checkout of the run. */
  checkouts: readonly string[];
  /** Whether a path relative to the checkout is among the ticket's paths. */
  inTicket(relative: string): boolean;
}

/** Where an absolute, normalised path lies. */
export function placeOf(path: string, geography: Geography): Place {
  const ofTickets = /(^|\/)tickets\.jsonl?$/.test(path);
  const checkout = geography.checkouts.find((root) => path === root || path.startsWith(`${root}/`));
  if (checkout !== undefined) {
    const relative = path.slice(checkout.length + 1);
    if (relative === '.git' || relative.startsWith('.git/')) return 'git-internals';
    if (ofTickets) return 'ticket-state';
    return geography.inTicket(relative) ? 'ticket-paths' : 'checkout';
  }
  const inside = `${geography.workspace}/`;
  if (!path.startsWith(inside)) return 'elsewhere';
  const relative = path.slice(inside.length);
  if (ofTickets && relative.startsWith(`brands/${geography.brand}/`)) return 'ticket-state';
  if (relative === '.atrium' || relative.startsWith('.atrium/')) return 'state';
  if (relative === `wiki/${geography.brand}` || relative.startsWith(`wiki/${geography.brand}/`))
    return 'wiki/<brand>';
  if (relative === 'wiki/_global' || relative.startsWith('wiki/_global/')) return 'wiki/_global';
  return relative.startsWith('wiki/') ? 'wiki/other' : 'elsewhere';
}
