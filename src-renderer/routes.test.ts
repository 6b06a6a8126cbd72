import { expect, test } from 'vitest';
import { pathOfLink, pathOfPage, routeOf } from './routes.ts';

test.each([
  ['wiki/label/label.md', '/wiki/label/label'],
  ['wiki/_global/dates.md', '/wiki/_global/dates'],
  ['wiki/label/a folder/wiki.md.md', '/wiki/label/a%20folder/wiki.md'],
  ['wiki/label/50%.md', '/wiki/label/50%25'],
])('the page %s stands at %s', (page, path) => {
  expect(pathOfPage(page)).toBe(path);
  expect(routeOf(path)).toEqual({ screen: 'wiki', page });
});

test('no page is the wiki itself', () => {
  expect(routeOf('/wiki')).toEqual({ screen: 'wiki', page: null });
});

test('a link with a bare name leads to a page of the same brand', () => {
  expect(pathOfLink('tours', 'label')).toBe('/wiki/label/tours');
  expect(pathOfLink('_global/dates', 'label')).toBe('/wiki/_global/dates');
});
