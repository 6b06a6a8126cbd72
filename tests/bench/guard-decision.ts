import { globs } from '../../src-main/app/brand-guard.ts';
import { PolicyRule } from '../../src-main/contract/policy.ts';
import { compilePolicy, evaluate, type Action } from '../../src-main/domain/policy.ts';
import type { BenchResult } from './result.ts';
import { percentile } from './result.ts';

const DECISIONS = Number(process.env['BENCH_GUARD_DECISIONS'] ?? 10_000);
const RULES = 100;
/** Decisions that are not measured: a core decides for days, and is warm. */
const WARM_UP = 1_000;

/** What each rule speaks of, so that every kind of matching is paid for. */
const speaks = [
  (n: number) => ({ kinds: ['edit', 'read'], paths: [`packages/p${n}/**`, `**/secret-${n}.*`] }),
  (n: number) => ({ kinds: ['execute'], commands: [`deploy-${n} *`, `* --force-${n}`] }),
  (n: number) => ({ kinds: ['fetch'], hosts: [`*.host-${n}.example`, `host-${n}.example`] }),
  (n: number) => ({ kinds: [], tools: [`mcp__server${n}__write`] }),
];

/** Policy decisions in process over a hundred rules of every level: the call's own time, without asking anybody. */
export function run(): BenchResult[] {
  const rules = Array.from({ length: RULES }, (_, n) =>
    PolicyRule.parse({
      name: `rule-${n}`,
      decision: (['deny', 'ask', 'allow'] as const)[n % 3],
      reason: 'measured',
      ...speaks[n % speaks.length]?.(n),
    }),
  );
  const of = (level: number) => rules.filter((_, n) => n % 4 === level);
  const policy = compilePolicy(
    {
      contract: {
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
        rules: of(2),
        instructions: '',
        digest: '',
      },
      workspace: of(0),
      brand: of(1),
      ticket: of(3),
      foreign: [],
    },
    globs,
  );
  const plain = { command: '', hosts: [], role: null };
  const calls: Action[] = [
    { ...plain, kind: 'edit', tool: 'Edit', named: [{ place: 'ticket-paths', path: 'src/app/main.ts' }] },
    { ...plain, kind: 'read', tool: 'Read', named: [{ place: 'checkout', path: 'packages/p97/a/b.ts' }] },
    {
      ...plain,
      kind: 'execute',
      tool: 'Bash',
      named: [],
      command: 'npm test && git add -A && git commit -m x',
    },
    { ...plain, kind: 'fetch', tool: 'WebFetch', named: [], hosts: ['docs.example'] },
    { ...plain, kind: 'other', tool: 'mcp__server3__read', named: [] },
  ];
  const samples: number[] = [];
  for (let n = -WARM_UP; n < DECISIONS; n += 1) {
    const call = calls.at(n % calls.length);
    if (call === undefined) continue;
    if (n < 0) {
      evaluate(call, policy);
      continue;
    }
    const began = performance.now();
    evaluate(call, policy);
    samples.push(performance.now() - began);
  }
  const [p50, p95, p99] = [0.5, 0.95, 0.99].map((p) => percentile(samples, p));
  return [
    {
      name: 'guard-decision',
      value: (p99 ?? 0) * 1_000,
      unit: 'µs (p99)',
      baseline: null,
      ratio: null,
      n: samples.length,
      p50: p50 ?? null,
      p95: p95 ?? null,
      p99: p99 ?? null,
    },
  ];
}
