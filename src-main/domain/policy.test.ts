import fc from 'fast-check';
import picomatch from 'picomatch';
import { describe, expect, test } from 'vitest';
import type { AgentContract } from '../contract/config.ts';
import { PolicyRule, ToolKind } from '../contract/policy.ts';
import { placeOf, type Place } from './place.ts';
import { commandsOf, compilePolicy, evaluate, type Action, type PolicySources } from './policy.ts';

const globs = (patterns: readonly string[]) => picomatch([...patterns], { dot: true });

const contract = (over: Partial<AgentContract> = {}): AgentContract => ({
  name: 'ticket-executor',
  description: 'x',
  reads: ['checkout'],
  writes: ['checkout'],
  owns: [],
  tools: ['read', 'search', 'edit', 'execute', 'fetch', 'report'],
  network: 'ticket',
  calls: ['result'],
  mayCall: [],
  modelClass: 'medium',
  rules: [],
  instructions: '',
  digest: '',
  ...over,
});

const policy = (over: Partial<PolicySources> = {}) =>
  compilePolicy({ contract: contract(), workspace: [], brand: [], ticket: [], foreign: [], ...over }, globs);

const call = (over: Partial<Action> = {}): Action => ({
  kind: 'edit',
  tool: 'Edit',
  named: [],
  command: '',
  hosts: [],
  role: null,
  ...over,
});

const at = (place: Place, path = 'src/a.ts') => ({ place, path });
const run = (command: string) => call({ kind: 'execute', tool: 'Bash', command });
const rule = (over: Partial<PolicyRule>) =>
  PolicyRule.parse({ name: 'one', decision: 'deny', kinds: ['execute'], reason: 'because', ...over });

const allPlaces: Place[] = [
  'state',
  'ticket-state',
  'git-internals',
  'ticket-paths',
  'checkout',
  'wiki/<brand>',
  'wiki/_global',
  'wiki/other',
  'elsewhere',
];
const kind = fc.constantFrom(...ToolKind.options);
const anyPath = fc.constantFrom('src/a.ts', 'docs/b.md', '.env', 'package.json');
const anyAction: fc.Arbitrary<Action> = fc.record({
  kind,
  tool: fc.constantFrom('Edit', 'Bash', 'mcp__x__y'),
  named: fc.array(fc.record({ place: fc.constantFrom(...allPlaces), path: anyPath }), { maxLength: 3 }),
  command: fc.constantFrom('', 'npm test', 'rm -rf .', 'npm test && curl https://a.example'),
  hosts: fc.subarray(['a.example', 'b.example']),
  role: fc.constantFrom(null, 'scout'),
});
const anyRule: fc.Arbitrary<PolicyRule> = fc
  .record(
    {
      name: fc.constant('some-rule'),
      decision: fc.constantFrom('allow' as const, 'deny' as const, 'ask' as const),
      kinds: fc.uniqueArray(kind, { minLength: 1 }),
      tools: fc.subarray(['edit', 'bash', 'mcp__x__y']),
      paths: fc.subarray(['src/**', 'docs/**', '.env', '**'], { minLength: 1 }),
      commands: fc.subarray(['npm *', 'rm *', 'curl*', '*'], { minLength: 1 }),
      hosts: fc.subarray(['a.example', '*.example'], { minLength: 1 }),
      reason: fc.constant('because'),
    },
    { requiredKeys: ['name', 'decision', 'kinds', 'tools', 'reason'] },
  )
  .map((one) => PolicyRule.parse(one));
const rules = fc.array(anyRule, { maxLength: 5 });
const place = fc.constantFrom('checkout' as const, 'wiki/<brand>' as const, 'wiki/_global' as const);
const anyContract = fc
  .record({
    reads: fc.uniqueArray(place),
    writes: fc.uniqueArray(place),
    tools: fc.uniqueArray(
      fc.constantFrom(
        ...ToolKind.options.filter((one) => one !== 'other' && one !== 'spawn' && one !== 'ask'),
      ),
    ),
    rules,
  })
  .map((over) => contract(over as Partial<AgentContract>));
const levels = fc.record({ contract: anyContract, workspace: rules, brand: rules, ticket: rules });
const LEVELS = ['workspace', 'brand', 'contract', 'ticket'] as const;
const strictness = { allow: 0, ask: 1, deny: 2 };

describe('whatever the rules are', () => {
  test('deny wins over ask, ask over allow, in whatever order the rules of a level stand', () => {
    fc.assert(
      fc.property(levels, anyAction, (sources, asked) => {
        const decided = evaluate(asked, policy(sources));
        const backwards = evaluate(
          asked,
          policy({
            ...sources,
            contract: { ...sources.contract, rules: [...sources.contract.rules].reverse() },
            workspace: [...sources.workspace].reverse(),
            brand: [...sources.brand].reverse(),
            ticket: [...sources.ticket].reverse(),
          }),
        );
        expect(backwards.decision).toBe(decided.decision);
      }),
    );
  });

  test('no rule of a lower level widens what higher levels deny or ask', () => {
    fc.assert(
      fc.property(levels, anyAction, fc.integer({ min: 0, max: 2 }), (sources, asked, cut) => {
        const upTo = LEVELS.slice(0, cut + 1) as readonly string[];
        const above = policy({
          contract: upTo.includes('contract') ? sources.contract : { ...sources.contract, rules: [] },
          workspace: sources.workspace,
          brand: upTo.includes('brand') ? sources.brand : [],
          ticket: [],
        });
        const higher = evaluate(asked, above);
        const whole = evaluate(asked, policy(sources));
        // What no rule speaks of is not denied by a level, but by default: only a tool of no known kind can be named below.
        if (higher.rule === 'default-deny' && asked.kind === 'other') return;
        expect(strictness[whole.decision]).toBeGreaterThanOrEqual(strictness[higher.decision]);
      }),
    );
  });

  test('nobody works outside the walls, beyond the contract, or on what is Atrium’s', () => {
    fc.assert(
      fc.property(levels, anyAction, (sources, asked) => {
        const { decision } = evaluate(asked, policy(sources));
        const outside = asked.named.some((named) =>
          ['state', 'elsewhere', 'wiki/other'].includes(named.place),
        );
        const wrongEdit =
          asked.kind === 'edit' &&
          asked.named.some((named) => ['ticket-state', 'git-internals', 'checkout'].includes(named.place));
        const foreign =
          asked.kind !== 'other' && !(sources.contract.tools as readonly string[]).includes(asked.kind);
        if (outside || wrongEdit || foreign) expect(decision).toBe('deny');
      }),
    );
  });

  test('every decision names its rule, its level and a reason', () => {
    fc.assert(
      fc.property(levels, anyAction, (sources, asked) => {
        const made = evaluate(asked, policy(sources));
        expect(made.rule).not.toBe('');
        expect(made.reason).not.toBe('');
        expect(['atrium', ...LEVELS]).toContain(made.level);
      }),
    );
  });
});

describe('the executor', () => {
  const own = policy();
  test.each<[string, Action, string, string]>([
    ['edits the paths of its ticket', call({ named: [at('ticket-paths')] }), 'allow', 'ticket-executor.edit'],
    ['edits nothing else', call({ named: [at('ticket-paths'), at('checkout')] }), 'deny', 'default-deny'],
    ['reads its checkout', call({ kind: 'read', named: [at('checkout')] }), 'allow', 'ticket-executor.read'],
    ['does not write tickets', call({ named: [at('ticket-state')] }), 'deny', 'ticket-state-guard'],
    ['does not write into git', call({ named: [at('git-internals')] }), 'deny', 'git-guard'],
    ['starts no others', call({ kind: 'spawn', tool: 'Task' }), 'deny', 'no-spawn'],
    ['keeps no tickets', call({ kind: 'ticket', tool: 'TaskCreate' }), 'deny', 'no-spawn'],
    ['commits', run('git add -A && git commit -m "merge of two lists"'), 'allow', 'ticket-executor.execute'],
    ['does not push', run('npm test && GIT_DIR=.git git push origin main'), 'deny', 'pre-merge-gate'],
    ['does not merge tickets', run('git merge --no-ff atrium/T-acme-2'), 'deny', 'pre-merge-gate'],
    ['merges main into its work', run('git merge main'), 'allow', 'ticket-executor.execute'],
    [
      'says what its contract lets it say',
      call({ kind: 'report', tool: 'submit_result' }),
      'allow',
      'ticket-executor.calls',
    ],
    ['says nothing else', call({ kind: 'report', tool: 'submit_verdict' }), 'deny', 'not-its-call'],
    ['has no tool that nobody knows', call({ kind: 'other', tool: 'mcp__x__y' }), 'deny', 'default-deny'],
  ])('%s', (_what, asked, decision, name) => {
    expect(evaluate(asked, own)).toMatchObject({ decision, rule: name });
  });

  test('is told what it may do instead', () => {
    expect(evaluate(call({ named: [at('checkout')] }), own).reason).toBe(
      'no rule allows the role ticket-executor to edit in the checkout outside the paths of the ticket; it may in the paths of the ticket',
    );
    expect(
      evaluate(
        call({ named: [at('checkout')] }),
        policy({ contract: contract({ writes: [], tools: ['read'] }) }),
      ).reason,
    ).toBe('the role ticket-executor has no tool to edit; it may read');
  });
});

describe('rules of a level', () => {
  test('a command is looked at by itself, wherever it stands in a line', () => {
    const own = policy({ workspace: [rule({ commands: ['rm -rf *'] })] });
    for (const command of [
      'rm -rf x',
      'true; rm  -rf  x',
      'A=1 rm -rf x',
      'echo $(rm -rf x)',
      'a && rm -rf x | b',
    ])
      expect([command, evaluate(run(command), own).rule]).toEqual([command, 'one']);
    expect(evaluate(run('echo rm -rf x'), own).decision).toBe('allow');
    expect(commandsOf('A=1 B=2 npm test\n(cd x && ls)')).toEqual(['npm test', 'cd x', 'ls']);
  });

  test('paths, hosts and tools narrow what a rule speaks of', () => {
    const own = policy({
      brand: [
        rule({ name: 'no-env', kinds: ['edit', 'read'], paths: ['**/.env', '.env'] }),
        rule({ name: 'ask-web', decision: 'ask', kinds: ['fetch'], hosts: ['*.example.org'] }),
        rule({ name: 'search-tool', decision: 'allow', kinds: [], tools: ['mcp__docs__Search'] }),
      ],
    });
    expect(evaluate(call({ kind: 'read', named: [at('checkout', 'a/.env')] }), own).rule).toBe('no-env');
    expect(evaluate(call({ named: [at('ticket-paths', 'a/env')] }), own).decision).toBe('allow');
    const fetched = (host: string) => evaluate(call({ kind: 'fetch', hosts: [host] }), own);
    expect(fetched('a.example.org')).toMatchObject({ decision: 'ask', rule: 'ask-web', level: 'brand' });
    expect(fetched('example.org').decision).toBe('allow');
    const other = (tool: string) => evaluate(call({ kind: 'other', tool }), own).decision;
    expect([other('mcp__docs__search'), other('mcp__docs__delete')]).toEqual(['allow', 'deny']);
  });

  test('what one role owns no other writes, and it writes nothing else', () => {
    const docs = policy({ contract: contract({ name: 'docs', owns: ['docs/**'] }) });
    const edit = (path: string) => call({ named: [at('ticket-paths', path)] });
    expect(evaluate(edit('docs/a.md'), docs).decision).toBe('allow');
    expect(evaluate(edit('src/a.ts'), docs).rule).toBe('own-paths');
    const executor = policy({ foreign: [{ role: 'docs', globs: ['docs/**'] }] });
    expect(evaluate(edit('docs/a.md'), executor).rule).toBe('owned-by-docs');
    expect(evaluate(edit('src/a.ts'), executor).decision).toBe('allow');
  });

  test('who directs starts the roles that its contract names, by name', () => {
    const conductor = policy({
      contract: contract({ tools: ['read', 'spawn', 'ask', 'ticket'], writes: [], mayCall: ['scout'] }),
    });
    const spawn = (role: string | null) => evaluate(call({ kind: 'spawn', tool: 'Task', role }), conductor);
    expect(spawn('scout').decision).toBe('allow');
    expect(spawn('conductor').rule).toBe('may-call');
    expect(spawn(null).rule).toBe('may-call');
    expect(evaluate(run('ls'), conductor).decision).toBe('deny');
  });
});

test('the tickets of another brand are no less outside than its other files', () => {
  const geography = {
    brand: 'shop',
    workspace: '/ws',
    checkouts: ['/ws/checkouts/shop/T-shop-1'],
    inTicket: () => true,
  };
  for (const path of [
    '/ws/brands/other/tickets.jsonl',
    '/ws/checkouts/other/T-other-1/tickets.json',
    '/home/x/tickets.jsonl',
  ])
    for (const asked of ['read', 'search', 'edit'] as const)
      expect(
        evaluate(call({ kind: asked, named: [{ place: placeOf(path, geography), path }] }), policy())
          .decision,
        `${asked} ${path}`,
      ).toBe('deny');
});
