import type { AgentContract } from '../contract/config.ts';
import type { GuardDecision } from '../contract/guard.ts';
import type { PolicyLevel } from '../contract/policy.ts';
import { ToolKind, type PolicyRule } from '../contract/policy.ts';
import { runToolCalls } from '../contract/run-api.ts';
import { PLACE_NAMES, type Place } from './place.ts';

/** A path that a call names: where it lies, and how rules see it (relative to the checkout when it is inside, else absolute). */
export interface Named {
  place: Place;
  path: string;
}

/** One tool call, reduced to what policy looks at. */
export interface Action {
  kind: ToolKind;
  /** As the agent program calls it. */
  tool: string;
  named: readonly Named[];
  /** The text of a shell command; empty for other calls. */
  command: string;
  hosts: readonly string[];
  /** The role that a `spawn` starts; null where the call names none. */
  role: string | null;
}

/** A rule made ready: deny wins over ask, ask over allow. */
export interface Rule {
  name: string;
  level: PolicyLevel;
  decision: PolicyRule['decision'];
  kinds: readonly ToolKind[];
  /** In small letters. */
  tools?: readonly string[];
  /** Only calls that name one of these; `any` also matches a call that names no path. */
  places: readonly Place[] | 'any';
  path?: (path: string) => boolean;
  command?: (command: string) => boolean;
  host?: (host: string) => boolean;
  role?: (role: string | null) => boolean;
  reason: string;
}

/** The rules that hold for one role on one ticket, in the order of their levels. */
export interface Policy {
  role: string;
  rules: readonly Rule[];
  /** What the contract lets the role do at all. No rule of any level reaches beyond it. */
  grants: readonly Rule[];
  /** Rules and grants by what they decide and by the kind of call they can speak of, for speed alone. */
  index: Record<'deny' | 'ask' | 'allow' | 'grant', ReadonlyMap<ToolKind, readonly Rule[]>>;
}

/** Makes a test of globs; given, because the domain brings no library. */
export type Globs = (globs: readonly string[]) => (path: string) => boolean;

/** What a policy is made from: the rules of each level as their files have them. */
export interface PolicySources {
  contract: AgentContract;
  workspace: readonly PolicyRule[];
  brand: readonly PolicyRule[];
  ticket: readonly PolicyRule[];
  /** What other roles own of the repository. */
  foreign: readonly { role: string; globs: readonly string[] }[];
}

/** Rows that hold for every role of every brand. */
export const INVARIANTS: readonly Rule[] = [
  {
    name: 'ticket-state-guard',
    level: 'atrium',
    decision: 'deny',
    kinds: ['edit', 'execute', 'other'],
    places: ['ticket-state'],
    reason: 'tickets change only through Atrium: submit a result or a comment instead',
  },
  {
    name: 'boundary-guard',
    level: 'atrium',
    decision: 'deny',
    kinds: ToolKind.options,
    places: ['state', 'elsewhere', 'wiki/other'],
    reason: 'it lies outside the walls of this brand: work inside the checkout',
  },
  {
    name: 'git-guard',
    level: 'atrium',
    decision: 'deny',
    kinds: ['edit'],
    places: ['git-internals'],
    reason: 'the files of git itself are changed by git commands only',
  },
  {
    name: 'pre-merge-gate',
    level: 'atrium',
    decision: 'deny',
    kinds: ['execute'],
    places: 'any',
    command: (command) =>
      /^git\s+(?:-\S+\s+)*(?:push\b|merge\s.*\batrium\/T-|update-ref\s.*\brefs\/heads\/)/.test(command),
    reason: 'only the gate moves a branch: commit, submit the result, and Atrium merges what passes',
  },
];

/** Atrium's own tools by name, each with its verb. */
const runTools = Object.entries(runToolCalls);

/** What the main loop may do and no worker. */
const DIRECTION = ['spawn', 'ask', 'ticket'] as const;

/** Rows that a contract amounts to: what it grants, and what of that it denies again. */
function contractRows(
  contract: AgentContract,
  foreign: PolicySources['foreign'],
  globs: Globs,
): { grants: Rule[]; rules: Rule[] } {
  const readable: Place[] = [];
  if (contract.reads.includes('checkout'))
    readable.push('checkout', 'ticket-paths', 'git-internals', 'ticket-state');
  if (contract.reads.includes('wiki/<brand>')) readable.push('wiki/<brand>');
  if (contract.reads.includes('wiki/_global')) readable.push('wiki/_global');
  const writable: Place[] = [];
  if (contract.writes.includes('checkout')) writable.push('ticket-paths');
  if (contract.writes.includes('wiki/<brand>')) writable.push('wiki/<brand>');
  if (contract.writes.includes('wiki/_global')) writable.push('wiki/_global');

  const tools = new Set<ToolKind>(contract.tools);
  const grants: Rule[] = [];
  const grant = (kind: ToolKind, places: Rule['places'], reason: string) => {
    if (tools.has(kind))
      grants.push({
        name: `${contract.name}.${kind}`,
        level: 'contract',
        decision: 'allow',
        kinds: [kind],
        places,
        reason,
      });
  };
  grant('read', readable, 'its contract lets it read here');
  grant('search', readable, 'its contract lets it read here');
  grant('edit', writable, 'its contract lets it write here');
  grant('execute', 'any', 'its contract lets it run commands inside the walls');
  grant('fetch', 'any', 'its contract lets it reach the hosts of its ticket; the gateway holds the list');
  const said = runTools.filter(([, call]) => contract.calls.includes(call)).map(([tool]) => tool);
  if (said.length > 0)
    grants.push({
      name: `${contract.name}.calls`,
      level: 'contract',
      decision: 'allow',
      kinds: [],
      tools: said,
      places: 'any',
      reason: 'its contract lets it say this',
    });
  grant('report', 'any', 'its contract lets it report');
  for (const kind of DIRECTION) grant(kind, 'any', 'its contract lets it direct the work of others');

  const rules: Rule[] = [];
  const deny = (name: string, row: Pick<Rule, 'kinds' | 'places' | 'reason'> & Partial<Rule>) =>
    rules.push({ name, level: 'contract', decision: 'deny', ...row });
  const unsaid = runTools.filter(([, call]) => !contract.calls.includes(call)).map(([tool]) => tool);
  if (unsaid.length > 0)
    deny('not-its-call', {
      kinds: [],
      tools: unsaid,
      places: 'any',
      reason: `its contract lets it say no such thing; it allows: ${contract.calls.join(', ') || 'nothing'}`,
    });
  const absent = DIRECTION.filter((kind) => !tools.has(kind));
  if (absent.length > 0)
    deny('no-spawn', {
      kinds: absent,
      places: 'any',
      reason:
        'a run carries out one task itself: it starts no other agents, keeps no tickets, and asks through its report',
    });
  if (tools.has('spawn'))
    deny('may-call', {
      kinds: ['spawn'],
      places: 'any',
      role: (role) => role === null || !contract.mayCall.includes(role),
      reason: `it starts only these roles, by name: ${contract.mayCall.join(', ')}`,
    });
  const inCheckout: Place[] = ['checkout', 'ticket-paths'];
  if (contract.owns.length > 0) {
    const own = globs(contract.owns);
    deny('own-paths', {
      kinds: ['edit'],
      places: inCheckout,
      path: (path) => !own(path),
      reason: `this role writes only ${contract.owns.join(', ')}: leave the rest to who owns it, and say what it needs`,
    });
  }
  for (const { role, globs: owned } of foreign)
    deny(`owned-by-${role}`, {
      kinds: ['edit'],
      places: inCheckout,
      path: globs(owned),
      reason: `it belongs to the role ${role}: say in your result what has to change there`,
    });
  return { grants, rules };
}

/** Makes the policy of one role on one ticket out of the rules of every level. */
export function compilePolicy(sources: PolicySources, globs: Globs): Policy {
  const { contract } = sources;
  const rows = contractRows(contract, sources.foreign, globs);
  const own = (level: PolicyLevel, rules: readonly PolicyRule[]) =>
    rules.map((rule) => ready(rule, level, globs));
  const rules = [
    ...INVARIANTS,
    ...own('workspace', sources.workspace),
    ...own('brand', sources.brand),
    ...rows.rules,
    ...own('contract', contract.rules),
    ...own('ticket', sources.ticket),
  ];
  const of = (decision: Rule['decision']) => rules.filter((rule) => rule.decision === decision);
  return {
    role: contract.name,
    rules,
    grants: rows.grants,
    index: {
      deny: byKind(of('deny')),
      ask: byKind(of('ask')),
      allow: byKind(of('allow')),
      grant: byKind(rows.grants),
    },
  };
}

function byKind(rules: readonly Rule[]): Map<ToolKind, Rule[]> {
  return new Map(
    ToolKind.options.map((kind) => [
      kind,
      rules.filter((rule) => rule.kinds.includes(kind) || (rule.tools?.length ?? 0) > 0),
    ]),
  );
}

function ready(rule: PolicyRule, level: PolicyLevel, globs: Globs): Rule {
  return {
    name: rule.name,
    level,
    decision: rule.decision,
    kinds: rule.kinds,
    tools: rule.tools.map((tool) => tool.toLowerCase()),
    places: 'any',
    reason: rule.reason,
    ...(rule.paths ? { path: globs(rule.paths) } : {}),
    ...(rule.commands ? { command: commandTest(rule.commands) } : {}),
    ...(rule.hosts ? { host: hostTest(rule.hosts) } : {}),
  };
}

function commandTest(patterns: readonly string[]): (command: string) => boolean {
  const tests = patterns.map(
    (pattern) => new RegExp(`^${pattern.split('*').map(literally).join('.*')}$`, 's'),
  );
  return (command) => tests.some((test) => test.test(command));
}

function literally(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&').replace(/\s+/g, '\\s+');
}

function hostTest(hosts: readonly string[]): (host: string) => boolean {
  const wanted = hosts.map((host) => host.toLowerCase());
  return (host) => wanted.some((one) => (one.startsWith('*.') ? host.endsWith(one.slice(1)) : host === one));
}

/**
 * The commands of a shell line, each by itself and without what is set before it. It is text: what hides in quotes, files and
 * substitutions is not seen, which is why this is early feedback and the walls stand behind it.
 */
export function commandsOf(line: string): string[] {
  return line
    .split(/&&|\|\||[;|&\n]|\$\(|`|\(|\)/)
    .map((part) => part.trim().replace(/^(?:[A-Za-z_]\w*=\S*\s+)+/, ''))
    .filter((part) => part !== '');
}

/**
 * Decides a call. Deny wins over ask, ask over allow, whatever the order of the rules. Beyond what its contract grants nothing is
 * allowed by any rule; a tool of no known kind is allowed only where a rule names it. Every path that a call names must be
 * allowed; what nothing allows is denied by `default-deny`.
 */
export function evaluate(
  action: Action,
  policy: Policy,
): Omit<GuardDecision, 'layer'> & { level: PolicyLevel } {
  const commands = action.kind === 'execute' ? commandsOf(action.command) : [];
  const targets: readonly (Named | null)[] = action.named.length > 0 ? action.named : [null];
  const tool = action.tool.toLowerCase();

  const speaks = (rule: Rule) =>
    (rule.kinds.includes(action.kind) || rule.tools?.includes(tool) === true) &&
    (rule.role === undefined || rule.role(action.role));
  const of = (decision: keyof Policy['index']) => policy.index[decision].get(action.kind) ?? [];
  const onPlace = (rule: Rule, target: Named | null) =>
    (rule.places === 'any' || (target !== null && rule.places.includes(target.place))) &&
    (rule.path === undefined || (target !== null && rule.path(target.path)));
  /** A restriction holds where any command, any host and any path meets it. */
  const restricts = (rule: Rule) =>
    speaks(rule) &&
    (rule.command === undefined || commands.some(rule.command) || rule.command(action.command.trim())) &&
    (rule.host === undefined || action.hosts.some(rule.host)) &&
    targets.some((target) => onPlace(rule, target));
  /** An allowance holds for one path, where every command and every host meets it. */
  const allows = (rule: Rule, target: Named | null) =>
    speaks(rule) &&
    (rule.command === undefined || (commands.length > 0 && commands.every(rule.command))) &&
    (rule.host === undefined || (action.hosts.length > 0 && action.hosts.every(rule.host))) &&
    onPlace(rule, target);
  const made = ({ decision, name, reason, level }: Rule) => ({ decision, rule: name, reason, level });

  const denied = of('deny').find(restricts);
  if (denied) return made(denied);
  const asked = of('ask').find(restricts);
  const covering = action.kind === 'other' ? of('allow') : of('grant');
  for (const target of targets) {
    if (covering.some((rule) => allows(rule, target)) || (action.kind === 'other' && asked)) continue;
    return {
      decision: 'deny',
      rule: 'default-deny',
      reason: whyNot(action, target, policy),
      level: 'contract',
    };
  }
  if (asked) return made(asked);
  const explicit = of('allow').find((rule) => targets.every((target) => allows(rule, target)));
  const granting = covering.find((rule) => targets.some((target) => allows(rule, target)));
  const allowed = explicit ?? granting;
  return allowed
    ? made(allowed)
    : { decision: 'deny', rule: 'default-deny', reason: 'no rule allows it', level: 'contract' };
}

/**
 * What rules say against a connection to a host, whichever program of a run makes it: a deny, else an ask, or null where none speaks
 * of the host. Rules that also look at a command or a path speak of calls alone: a connection has neither.
 */
export function evaluateHost(
  host: string,
  policy: Policy,
): (Omit<GuardDecision, 'layer'> & { level: PolicyLevel }) | null {
  const name = host.toLowerCase();
  const restricts = (rule: Rule) =>
    rule.host?.(name) === true && rule.command === undefined && rule.path === undefined;
  const of = (decision: Rule['decision']) =>
    policy.rules.find((rule) => rule.decision === decision && restricts(rule));
  const found = of('deny') ?? of('ask');
  return found === undefined
    ? null
    : { decision: found.decision, rule: found.name, reason: found.reason, level: found.level };
}

/** Why nothing allows a call, and what the role may do instead. */
function whyNot(action: Action, target: Named | null, policy: Policy): string {
  if (action.kind === 'other')
    return `no rule allows the tool ${action.tool}: use the tools that your brief names`;
  const grant = policy.grants.find((rule) => rule.kinds.includes(action.kind));
  if (!grant) {
    const kinds = policy.grants.flatMap((rule) => rule.kinds);
    return `the role ${policy.role} has no tool to ${action.kind}; it may ${kinds.join(', ') || 'do nothing'}`;
  }
  const may = grant.places === 'any' ? '' : grant.places.map((place) => PLACE_NAMES[place]).join(', ');
  const where = target ? ` in ${PLACE_NAMES[target.place]}` : ' without naming a path';
  return `no rule allows the role ${policy.role} to ${action.kind}${where}${may ? `; it may in ${may}` : ''}`;
}
