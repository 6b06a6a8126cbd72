import type { DecisionEntry } from '../../../src-main/contract/guard.ts';
import type { BrandId, RunId, TicketId } from '../../../src-main/contract/ids.ts';
import type { Amount } from './fixtures.ts';

const plain: DecisionEntry = {
  at: '2026-11-03T09:12:00.000Z',
  brand: 'label' as BrandId,
  run: 'R-label-0031' as RunId,
  ticket: 'T-label-14' as TicketId,
  role: 'ticket-executor',
  moment: 'before',
  outcome: null,
  tool: 'Edit',
  kind: 'edit',
  text: '',
  paths: ['/work/src/catalogue.ts'],
  decision: 'allow',
  rule: 'ticket-executor.edit',
  level: 'contract',
  reason: 'its contract lets it write here',
  layer: 'call',
  ms: 0.04,
};

const some: DecisionEntry[] = [
  {
    ...plain,
    tool: 'Bash',
    kind: 'execute',
    paths: [],
    text: 'git push --force origin main && echo a very long command that goes on and on until it no longer fits any window, however wide it is',
    decision: 'deny',
    rule: 'pre-merge-gate',
    level: 'atrium',
    reason: 'only the gate moves a branch: commit, submit the result, and Atrium merges what passes',
    ms: 0.12,
  },
  {
    ...plain,
    tool: 'shell',
    kind: 'execute',
    moment: 'after',
    outcome: 'failed',
    paths: [],
    text: 'node scripts/release.mjs',
    decision: 'deny',
    rule: 'ticket-state-guard',
    level: 'atrium',
    reason:
      'tickets.jsonl of the checkout was changed by shell: tickets change only through Atrium; put it back, then go on',
    ms: 0.31,
  },
  {
    ...plain,
    tool: 'Bash',
    kind: 'execute',
    paths: [],
    text: 'npm publish',
    decision: 'ask',
    rule: 'ask-publish',
    level: 'workspace',
    reason: 'a release is for the operator to say',
    ms: 0.2,
  },
  plain,
];

/** What the stand-in's guard decided, newest first. */
export function decisionsOf(amount: Amount): DecisionEntry[] {
  if (amount === 'none') return [];
  return amount === 'some' ? some : Array.from({ length: 75 }, () => some).flat();
}
