import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { ContractFrontmatter, type AgentContract } from '../contract/config.ts';
import { contractProblems, CONDUCTOR, EIGHT_CONTRACTS, ownedByOthers } from './contracts.ts';

const folder = path.resolve(import.meta.dirname, '../../resources/contracts');

const frontmatter = (name: string) =>
  (readFileSync(path.join(folder, `${name}.md`), 'utf8').split('---\n')[1] ?? '').trim();

const shipped: AgentContract[] = readdirSync(folder).map((file) => ({
  ...ContractFrontmatter.parse(parse(frontmatter(file.slice(0, -3)))),
  instructions: '',
  digest: '',
}));

const one = (over: Partial<AgentContract>): AgentContract => ({
  name: 'coder',
  description: 'x',
  reads: ['checkout'],
  writes: ['checkout'],
  owns: [],
  tools: ['read', 'edit'],
  network: 'none',
  calls: [],
  mayCall: [],
  modelClass: 'none',
  rules: [],
  instructions: '',
  digest: '',
  ...over,
});

const refusal = (over: Record<string, unknown>) => {
  const { instructions: _instructions, digest: _digest, ...plain } = one({});
  return ContractFrontmatter.safeParse({ ...plain, ...over }).error?.issues[0]?.path[0];
};

describe('the shipped contracts', () => {
  test('are the eight and the conductor, and hold together', () => {
    expect(shipped.map(({ name }) => name).sort()).toEqual([...EIGHT_CONTRACTS, CONDUCTOR].sort());
    expect(contractProblems(shipped)).toEqual([]);
  });

  test('the conductor directs and does no work; no other role directs', () => {
    for (const { name, tools, mayCall, writes } of shipped) {
      const directs = name === CONDUCTOR;
      expect([name, tools.includes('spawn'), tools.includes('ask'), mayCall.length > 0]).toEqual([
        name,
        directs,
        directs,
        directs,
      ]);
      if (directs) expect([writes, tools]).toEqual([[], ['read', 'report', 'ticket', 'spawn', 'ask']]);
    }
  });
});

describe('a contract by itself', () => {
  test.each([
    ['writes without the tool', { tools: ['read'] }, 'writes'],
    ['the tool without a place', { writes: [] }, 'writes'],
    ['a place that it cannot read', { reads: [] }, 'writes'],
    ['an ownership of what it does not write', { writes: [], tools: ['read'], owns: ['docs/**'] }, 'owns'],
    ['spawn without roles', { tools: ['read', 'spawn'], writes: [], mayCall: [] }, 'mayCall'],
    ['roles without spawn', { mayCall: ['scout'] }, 'mayCall'],
    ['work and direction in one', { tools: ['edit', 'spawn'], mayCall: ['scout'] }, 'tools'],
    ['a rule without kinds or tools', { rules: [{ name: 'x', decision: 'deny', reason: 'y' }] }, 'rules'],
    ['a misspelt field', { write: [] }, undefined],
  ])('%s is refused at its field', (_what, over, field) => {
    expect(refusal({})).toBeUndefined();
    const { instructions: _instructions, digest: _digest, ...plain } = one({});
    expect(ContractFrontmatter.safeParse({ ...plain, ...over }).success).toBe(false);
    expect(refusal(over)).toBe(field);
  });
});

describe('contracts beside each other', () => {
  test('pages have one writer', () => {
    const writer = (name: string) => one({ name, reads: ['wiki/<brand>'], writes: ['wiki/<brand>'] });
    expect(contractProblems([writer('a'), writer('b')])).toEqual([
      { contract: 'b', field: 'writes', expected: 'one writer a place: a writes wiki/<brand>' },
    ]);
  });

  test('checkouts are of one attempt alone; what is owned has one owner', () => {
    const a = one({ name: 'a', owns: ['docs/**'] });
    expect(contractProblems([a, one({ name: 'b' }), one({ name: 'c', owns: ['src/**'] })])).toEqual([]);
    expect(contractProblems([a, one({ name: 'b', owns: ['docs/api/*.md'] })])).toMatchObject([
      { contract: 'b', field: 'owns' },
    ]);
    expect(ownedByOthers(a, [a, one({ name: 'c', owns: ['src/**'] })])).toEqual([
      { role: 'c', globs: ['src/**'] },
    ]);
  });

  test('roles that are called exist and call nobody', () => {
    const director = (name: string, mayCall: string[]) =>
      one({ name, writes: [], tools: ['spawn'], mayCall });
    expect(contractProblems([director('a', ['coder']), one({})])).toEqual([]);
    expect(contractProblems([director('a', ['b', 'c']), director('b', ['coder']), one({})])).toMatchObject([
      { contract: 'a', field: 'mayCall', expected: 'roles that start no others, and b does' },
      { contract: 'a', field: 'mayCall', expected: 'names of contracts, and there is no c' },
    ]);
  });
});
