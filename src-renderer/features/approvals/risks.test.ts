import { expect, test } from 'vitest';
import { risksOf } from './risks.ts';

const safe = {
  title: 'Safe by its own words',
  description: 'Changes nothing in production.',
  paths: ['src/pages/**'],
  acceptance: ['npm run build'],
  network: [],
  grants: [],
  runtime: 'gemini' as const,
  checks: { setup: 'npm ci', test: 'npm test', lint: 'none', count: 'tap' },
  costCapUsd: 5,
};

test('a ticket that may do little has no risks', () => {
  expect(risksOf(safe)).toEqual([]);
});

test('risks are read from what it may do', () => {
  const risks = risksOf({
    ...safe,
    paths: [
      'db/migrations/**',
      'src/auth/session.ts',
      '.github/workflows/ci.yml',
      'package.json',
      'openapi/pets.yaml',
    ],
    acceptance: [],
    network: ['example.test'],
    grants: ['TOKEN'],
    checks: { ...safe.checks, test: 'none' },
    costCapUsd: 40,
  });
  expect(risks).toEqual([
    'It may change a database schema or a migration. (db/migrations/**)',
    'It may change what guards access or secrets. (src/auth/session.ts)',
    'It may change how things are built or deployed. (.github/workflows/ci.yml)',
    'It may change what the project depends on. (package.json)',
    'It may change an interface that others use. (openapi/pets.yaml)',
    'It can send what it reads to example.test.',
    'It can read TOKEN.',
    'No command checks it: only the verifier reads it.',
    'One attempt may cost $40.00.',
  ]);
  expect(risksOf({ ...safe, paths: [] })).toEqual(['It may change any file of the repository.']);
});
