import { expect, test } from 'vitest';
import type { CheckView } from '../contract/doctor.ts';
import { CHECK_TITLES, grade } from './doctor.ts';

const views = (failed: number, unbuilt = 0): CheckView[] =>
  CHECK_TITLES.map((title, index) => ({
    number: index + 1,
    title,
    ok: index >= failed,
    built: index < CHECK_TITLES.length - unbuilt,
    detail: '',
    ms: 0,
    at: '2026-11-26T10:00:00.000Z',
  }));

test('there are nineteen checks, and only all of them make an A', () => {
  expect(CHECK_TITLES).toHaveLength(19);
  expect(grade(views(0))).toMatchObject({ grade: 'A', passed: 19, total: 19 });
});

test.each([
  [1, 'B'],
  [3, 'B'],
  [4, 'C'],
  [7, 'D'],
  [10, 'E'],
  [12, 'E'],
  [13, 'F'],
  [19, 'F'],
])('%i that do not pass make a %s', (failed, letter) => {
  expect(grade(views(failed)).grade).toBe(letter);
});

test('what is not built has not passed, and a check that is missing has not either', () => {
  expect(grade(views(0, 1))).toMatchObject({ grade: 'B', passed: 18 });
  expect(grade(views(0).slice(1)).grade).toBe('B');
  expect(grade([]).grade).toBe('F');
});
