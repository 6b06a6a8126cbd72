import { z } from 'zod';
import { BrandId } from './ids.ts';
import { PolicyRules } from './policy.ts';
import {
  AcpAgentName,
  CheckpointHit,
  ModelClass,
  NetworkHost,
  PathGlob,
  RuntimeName,
  TicketMode,
} from './tickets.ts';

/** How tests are counted in a check's output; `exit` counts none and goes by the exit code. */
export const CountBy = z.enum(['tap', 'junit', 'exit']);
export type CountBy = z.infer<typeof CountBy>;

/** A repository's declared commands; `none` is a declaration. */
export const Checks = z.object({ setup: z.string(), test: z.string(), lint: z.string(), count: CountBy });
export type Checks = z.infer<typeof Checks>;

/** What happens with the repository's remote after a merge. */
export const AfterMerge = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('nothing') }),
  z.object({ kind: z.literal('push'), remote: z.string().default('origin') }),
  z.object({ kind: z.literal('branch'), remote: z.string().default('origin') }),
]);
export type AfterMerge = z.infer<typeof AfterMerge>;

/** A row that chooses how tickets go: all that it names must hold, and the first row that holds decides. */
export const ModeRule = z.strictObject({
  name: z.string().min(1).max(100),
  when: z
    .strictObject({
      /** One of the ticket's globs lies within one of these. */
      paths: z.array(z.string().min(1).max(300)).min(1).optional(),
      /** The title or the description holds one of these words, whatever their case. */
      words: z.array(z.string().min(1).max(100)).min(1).optional(),
      runtime: z.array(RuntimeName).min(1).optional(),
      modelClass: z.array(ModelClass).min(1).optional(),
      /** Of this priority, or more urgent. */
      priorityAtMost: z.number().int().min(1).max(5).optional(),
      sealed: z.boolean().optional(),
    })
    .default({}),
  mode: TicketMode,
  /** `operator`: no reviewer's run decides about such a plan. */
  review: z.enum(['operator', 'reviewer']).default('reviewer'),
  /** Why, in a sentence. */
  reason: z.string().min(1).max(500),
});
export type ModeRule = z.infer<typeof ModeRule>;

/** A regular expression, as JavaScript reads it with the flag `u`. */
const pattern = z.string().min(1).max(500).refine(isExpression, 'a regular expression');

function isExpression(text: string): boolean {
  try {
    return new RegExp(text, 'u').source !== '';
  } catch {
    return false;
  }
}

/** A row that stops a difference at the gate until the operator has decided. */
export const CheckpointRule = z.strictObject({
  name: z.string().min(1).max(100),
  kind: CheckpointHit.shape.kind,
  /** Globs of the paths that it looks at. */
  paths: z.array(z.string().min(1).max(300)).min(1),
  /** Which changes of them count; all where none is named. */
  changes: z.array(z.enum(['added', 'modified', 'deleted', 'type-changed'])).optional(),
  /** A pattern that an added line holds, one that a removed line holds, one that fewer lines hold than before: any is a hit. */
  added: pattern.optional(),
  removed: pattern.optional(),
  fewer: pattern.optional(),
  reason: z.string().min(1).max(500),
});
export type CheckpointRule = z.infer<typeof CheckpointRule>;

/** Which roles a runtime plays beside the rules; by rules alone where none is named. */
const roles = z.strictObject({
  verifier: RuntimeName.optional(),
  planReviewer: RuntimeName.optional(),
});

/** Policy that a workspace and each of its brands may add rows to: the brand's come first. */
const policyRows = {
  roles: roles.default({}),
  modes: z.array(ModeRule).max(200).default([]),
  checkpoints: z.array(CheckpointRule).max(200).default([]),
};

export const RepositoryConfig = z.strictObject({
  /** Unique in the brand; the folder's name where none is given. */
  name: z.string().min(1).max(200),
  path: z.string().min(1),
  branch: z.string().min(1),
  checks: Checks,
  /** Files whose content decides whether setup must run again. */
  lockfiles: z.array(z.string()).default([]),
  /** Hosts that setup alone may reach. */
  setupHosts: z.array(z.string()).default([]),
  afterMerge: AfterMerge.default({ kind: 'nothing' }),
});
export type RepositoryConfig = z.infer<typeof RepositoryConfig>;

/** A secret's name: the variable in which a run finds it. What steers programs or belongs to Atrium is none. */
export const SecretName = z
  .string()
  .regex(/^[A-Z][A-Z0-9_]{0,99}$/, 'a name in capitals, digits and "_"')
  .refine(
    (name) => !/^(PATH|HOME|USER|LOGNAME|LANG|PWD|TMPDIR|SHELL|IFS|ENV|BASH_ENV|NODE_OPTIONS)$/.test(name),
    'a name that is no variable of the system',
  )
  .refine((name) => !/^(LD_|ATRIUM_|GLIBC_|GIT_)|_PROXY$/.test(name), 'a name that steers no program');

/** Where a secret is: a file that only its owner can read, or a variable of the environment that the core was started with. */
export const SecretSource = z.union([
  z.strictObject({ file: z.string().regex(/^\//, 'an absolute path') }),
  z.strictObject({ env: z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'the name of a variable') }),
]);
export type SecretSource = z.infer<typeof SecretSource>;

/** `brands/<id>/brand.yaml` */
export const BrandConfig = z.strictObject({
  id: BrandId,
  name: z.string().trim().min(1).max(100),
  /** One of twelve hues. */
  colour: z.number().int().min(0).max(11).default(0),
  sealed: z.boolean().default(false),
  /** TCP ports that a sealed brand's runs may listen on and reach among themselves, say for a test server. */
  ports: z.array(z.number().int().min(1).max(65_535)).max(100).default([]),
  repositories: z.array(RepositoryConfig).default([]),
  ...policyRows,
  /** What one run, check or terminal may take of this machine, and what all of the brand may take together. */
  limits: z
    .strictObject({
      memoryMb: z.number().int().min(128).default(4096),
      processes: z.number().int().min(16).default(512),
      temporaryMb: z.number().int().min(16).default(2048),
      /** Four times as much as one where nothing is said. */
      together: z
        .strictObject({ memoryMb: z.number().int().min(128), processes: z.number().int().min(16) })
        .optional(),
    })
    .default({ memoryMb: 4096, processes: 512, temporaryMb: 2048 }),
  /** What a terminal of the brand's desk may reach and spend. */
  desk: z
    .strictObject({
      network: z.array(NetworkHost).default([]),
      /** Of the models that one terminal calls, in USD. */
      costCapUsd: z.number().min(0).max(10_000).default(5),
    })
    .default({ network: [], costCapUsd: 5 }),
  /** Secrets that a ticket can be granted by name: where each is read when a run starts. */
  secrets: z.record(SecretName, SecretSource).default({}),
  /** Rules of policy for every run of this brand, below those of the workspace. */
  policy: PolicyRules.default([]),
});
export type BrandConfig = z.infer<typeof BrandConfig>;
/** As it is written down: what is left out has its default. */
export type BrandConfigInput = z.input<typeof BrandConfig>;

const model = z.strictObject({
  /** Where the provider's API is; the provider's own address where none is given. */
  baseUrl: z.url({ protocol: /^https?$/ }).optional(),
  /** The environment variable of the core that holds the key. */
  keyEnv: z.string().optional(),
  /** A file that holds the key, readable by its owner only. */
  keyFile: z.string().optional(),
});

const absolute = z
  .string()
  .regex(/^\/[^\0]*$/, 'an absolute path')
  .refine((path) => !path.split('/').includes('..'), 'an absolute path without ".."');

/** An agent of the operator's own choice that speaks the Agent Client Protocol on its stdio. */
export const AcpAgentConfig = z.strictObject({
  /** A shell command line, run inside the walls; Node is there as `node`. */
  command: z.string().trim().min(1).max(2_000),
  environment: z.record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/), z.string()).default({}),
  /** Files or folders of this machine that it needs, and where it finds them: below /opt/agent, to read only. */
  mounts: z
    .array(
      z.strictObject({
        source: absolute,
        target: absolute.regex(/^\/opt\/agent\/./, 'a path below /opt/agent/'),
      }),
    )
    .default([]),
});
export type AcpAgentConfig = z.infer<typeof AcpAgentConfig>;

/** `workspace.yaml` */
export const WorkspaceConfig = z.strictObject({
  name: z.string().trim().min(1).max(100).default('Atrium'),
  dispatch: z.enum(['on-approval', 'on-start']).default('on-approval'),
  maxRuns: z.number().int().min(1).max(30).default(4),
  maxCheckouts: z.number().int().min(1).max(100).default(10),
  defaultRuntime: RuntimeName.default('command'),
  ...policyRows,
  models: z
    .strictObject({ gemini: model.optional(), anthropic: model.optional(), openai: model.optional() })
    .default({}),
  /** Where an agent program is, when it is not found by itself: a file, by absolute path. */
  programs: z
    .strictObject({
      gemini: z.string().optional(),
      claude: z.string().optional(),
      codex: z.string().optional(),
      opencode: z.string().optional(),
    })
    .default({}),
  /** Further agents that speak the Agent Client Protocol; each is the runtime `acp-<name>`. */
  acpAgents: z.record(AcpAgentName, AcpAgentConfig).default({}),
  /** Upper bound of one attempt, in minutes. */
  attemptMinutes: z
    .number()
    .min(0.05)
    .max(24 * 60)
    .default(60),
  /** Upper bound of one check or acceptance command, in minutes. */
  checkMinutes: z
    .number()
    .min(0.05)
    .max(24 * 60)
    .default(20),
  /** Rules of policy for every run. */
  policy: PolicyRules.default([]),
  /** How long a call waits for the operator's answer before it is denied, in minutes. */
  askMinutes: z
    .number()
    .min(0.01)
    .max(24 * 60)
    .default(30),
});
export type WorkspaceConfig = z.infer<typeof WorkspaceConfig>;

/** Verbs of the run API that a contract may allow. */
export const RunCall = z.enum([
  'plan',
  'review',
  'result',
  'verdict',
  'ask',
  'progress',
  'comment',
  'brief',
  'wiki-search',
  'wiki-write',
  'checkpoint',
]);
export type RunCall = z.infer<typeof RunCall>;

/** A place that a contract may name. `<brand>` is the brand of the run. */
const contractPlace = z.enum(['checkout', 'wiki/<brand>', 'wiki/_global']);
const contractName = z.string().regex(/^[a-z][a-z0-9-]{0,40}$/);

/** The frontmatter of a contract, `agents/<name>.md`: the declared authority of one role. */
export const ContractFrontmatter = z
  .strictObject({
    name: contractName,
    /** What this role is for, in a sentence. */
    description: z.string().min(1).max(500),
    /** Who it is, what it wants and where it comes from, in words: part of the brief. */
    role: z.string().min(1).max(200).optional(),
    goal: z.string().min(1).max(1_000).optional(),
    backstory: z.string().min(1).max(4_000).optional(),
    /** Where it may read, and where it may write. */
    reads: z.array(contractPlace),
    writes: z.array(contractPlace),
    /** Globs of the repository that are this role's alone: it writes nothing else, and no other role writes there. */
    owns: z.array(PathGlob).max(50).default([]),
    /** Tools it may use, by kind. `ticket` is the task graph, `spawn` starts other roles, `ask` speaks to the operator. */
    tools: z.array(
      z.enum(['read', 'search', 'edit', 'execute', 'fetch', 'report', 'ticket', 'spawn', 'ask']),
    ),
    /** `ticket`: the ticket's list; `none`: nothing but its model. */
    network: z.enum(['ticket', 'none']),
    /** Verbs of the run API that it may call. */
    calls: z.array(RunCall),
    /** Roles that it may start. */
    mayCall: z.array(contractName).max(50).default([]),
    modelClass: z.enum(['light', 'medium', 'heavy', 'none']),
    /** Rules of policy that hold for this role, below those of the workspace and the brand. */
    rules: PolicyRules.default([]),
  })
  .superRefine((contract, context) => {
    const wrong = (path: string, message: string) =>
      context.addIssue({ code: 'custom', path: [path], message });
    const uses = (...kinds: string[]) => contract.tools.some((tool) => kinds.includes(tool));
    if (uses('edit') !== contract.writes.length > 0)
      wrong('writes', 'a place to write and the tool "edit" together, or neither');
    if (contract.writes.some((place) => !contract.reads.includes(place)))
      wrong('writes', 'only places that "reads" names as well');
    if (contract.owns.length > 0 && !contract.writes.includes('checkout'))
      wrong('owns', 'nothing where "writes" does not name the checkout');
    if (uses('spawn') !== contract.mayCall.length > 0)
      wrong('mayCall', 'roles to start and the tool "spawn" together, or neither');
    if (uses('spawn', 'ask', 'ticket') && uses('edit', 'execute', 'search', 'fetch'))
      wrong(
        'tools',
        'either the work itself (edit, execute, search, fetch) or the direction of it (spawn, ask, ticket), never both',
      );
  });
export type ContractFrontmatter = z.infer<typeof ContractFrontmatter>;

/** A contract with its text and the digest of its file. */
export interface AgentContract extends ContractFrontmatter {
  /** The markdown below the frontmatter: the role in words, part of the brief. */
  instructions: string;
  /** sha256 of the file, in hexadecimal. */
  digest: string;
}
