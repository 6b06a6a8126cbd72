import { expect, test } from 'vitest';
import type { AgentContract } from '../contract/config.ts';
import { roleBrief } from './brief.ts';

const contract: AgentContract = {
  name: 'security',
  description: 'x',
  role: 'Security engineer',
  goal: 'Find what an attacker would.',
  backstory: 'Ten years of incident response.',
  reads: ['checkout'],
  writes: ['checkout'],
  owns: ['audit/**'],
  tools: ['read', 'edit', 'report'],
  network: 'none',
  calls: ['result'],
  mayCall: [],
  modelClass: 'heavy',
  rules: [
    {
      name: 'no-push',
      decision: 'deny',
      kinds: ['execute'],
      tools: [],
      commands: ['git push*'],
      reason: 'Atrium lands.',
    },
  ],
  instructions: 'Look at every entry.',
  digest: '',
};

test('a worker is told its one task, direct tools and absolute paths, and who it is', () => {
  expect(roleBrief(contract)).toBe(`## Your role
Security engineer

Look at every entry.

## Your goal
Find what an attacker would.

## Where you come from
Ten years of incident response.

## What holds for you
- You carry out one task, this one, and then you end.
- You use your tools directly: you start no other agents, keep no tickets and ask the operator nothing but through your report.
- Every file that you report is named by its absolute path.
- You read your checkout and write your checkout.
- Of the repository you write audit/** alone.
- Your tools are of these kinds: read, edit, report; any other call is denied, with the reason.
- deny: Atrium lands.`);
});

test('who directs is told whom it may start, and that it does no work', () => {
  const text = roleBrief({
    ...contract,
    tools: ['read', 'spawn', 'ask', 'ticket'],
    mayCall: ['scout', 'verifier'],
    writes: [],
    owns: [],
  });
  expect(text).toContain('You direct and do no work yourself');
  expect(text).toContain('You may start these roles and no others: scout, verifier.');
  expect(text).not.toContain('one task');
});
