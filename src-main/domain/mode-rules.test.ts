import picomatch from 'picomatch';
import { expect, test } from 'vitest';
import { TicketDraft, type RuntimeName } from '../contract/tickets.ts';
import { decideMode } from './mode-rules.ts';

const within = (globs: readonly string[], path: string) => picomatch([...globs], { dot: true })(path);
const decide = (
  draft: Partial<ReturnType<typeof TicketDraft.parse>>,
  runtime: RuntimeName = 'gemini',
  rows: Parameters<typeof decideMode>[1] = [],
  sealed = false,
) => {
  const { mode, rule } = decideMode(
    { draft: TicketDraft.parse({ title: 'One', ...draft }), runtime, sealed },
    rows,
    within,
  );
  return `${mode} by ${rule}`;
};

test('each row of the table decides, and the decision names it', () => {
  expect(decide({})).toBe('direct by ordinary');
  expect(decide({ paths: ['src/**'] })).toBe('direct by ordinary');
  expect(decide({ paths: ['src/**', 'db/migrations/**'] })).toBe('plan_first by migrations-are-planned');
  expect(decide({ paths: ['schema.sql'] })).toBe('plan_first by migrations-are-planned');
  expect(decide({ paths: ['src/auth/session.ts'] })).toBe('plan_first by security-is-planned');
  expect(decide({ paths: ['api/openapi.yaml'] })).toBe('plan_first by interfaces-are-planned');
  expect(decide({ modelClass: 'heavy' })).toBe('plan_first by heavy-work-is-planned');
  expect(decide({ paths: ['db/migrations/**'] }, 'command')).toBe('direct by a-command-is-its-plan');
});

test('what the draft says stands over every row', () => {
  expect(decide({ mode: 'direct', modelClass: 'heavy' })).toBe('direct by draft');
  expect(decide({ mode: 'plan_first' }, 'command')).toBe('plan_first by draft');
});

test('own rows come first, in their order, and hold only where all that they name does', () => {
  const rows: Parameters<typeof decideMode>[1] = [
    {
      name: 'urgent',
      when: { priorityAtMost: 1, words: ['hotfix'] },
      mode: 'direct',
      review: 'reviewer',
      reason: 'now',
    },
    { name: 'sealed', when: { sealed: true }, mode: 'plan_first', review: 'operator', reason: 'care' },
  ];
  expect(decide({ priority: 1, title: 'A Hotfix', modelClass: 'heavy' }, 'gemini', rows)).toBe(
    'direct by urgent',
  );
  expect(decide({ priority: 1, title: 'A hotfixing', modelClass: 'heavy' }, 'gemini', rows)).toBe(
    'plan_first by heavy-work-is-planned',
  );
  expect(decide({}, 'gemini', rows, true)).toBe('plan_first by sealed');
});
