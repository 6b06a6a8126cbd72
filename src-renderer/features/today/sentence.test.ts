import { expect, test } from 'vitest';
import { draftOf } from './sentence.ts';

test('a sentence becomes a title', () => {
  expect(draftOf('  Add pre-order links ')).toEqual({ title: 'Add pre-order links' });
});

test('what does not fit a title is kept, whole, as the description', () => {
  const text = `Add links. ${'Then more. '.repeat(30)}`.trim();
  expect(draftOf(text)).toEqual({ title: 'Add links', description: text });
  const endless = 'word '.repeat(100).trim();
  const draft = draftOf(endless);
  expect(draft.title.length).toBeLessThanOrEqual(200);
  expect(draft.description).toBe(endless);
});

test('lines become one title', () => {
  expect(draftOf('Add links\nto every page')).toEqual({
    title: 'Add links to every page',
    description: 'Add links\nto every page',
  });
});
