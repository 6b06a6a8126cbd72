import { expect, test } from 'vitest';
import { changesBetween } from './plan-changes.ts';

const marks = { same: ' ', added: '+', removed: '-' };
const shown = (before: string, after: string) =>
  changesBetween(before, after).map(({ kind, text }) => `${marks[kind]}${text}`);

test('what changed from one version of a plan to the next is told line by line', () => {
  expect(shown('1. Read\n2. Write\n3. Check', '1. Read\n2. Copy\n3. Check\n4. Stop')).toEqual([
    ' 1. Read',
    '-2. Write',
    '+2. Copy',
    ' 3. Check',
    '+4. Stop',
  ]);
  expect(shown('same', 'same')).toEqual([' same']);
});

test('both versions can be put together again from what is told, also where nothing is compared', () => {
  const long = (word: string) => Array.from({ length: 2_500 }, (_, line) => `${word} ${line}`).join('\n');
  for (const [before, after] of [
    ['a\nb\nc\nb', 'b\na\nb\nc'],
    ['', 'a\n\nb'],
    [long('old'), long('new')],
  ] as const) {
    const lines = changesBetween(before, after);
    const without = (kind: 'added' | 'removed') =>
      lines.flatMap((line) => (line.kind === kind ? [] : [line.text])).join('\n');
    expect([without('added'), without('removed')]).toEqual([before, after]);
  }
});
