import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { FAMILIES } from './mechanism.ts';
import { IN_TESTS, MECHANISMS } from './registry.ts';

/** The number of mechanisms is a promise: distinct ones, in every family, each of them tried. */

test('at least sixty distinct mechanisms', () => {
  const ids = MECHANISMS.map(({ id }) => id);
  expect(ids.filter((id, index) => ids.indexOf(id) !== index)).toEqual([]);
  const tries = MECHANISMS.map((mechanism) => mechanism.tries);
  expect(tries.filter((text, index) => tries.indexOf(text) !== index)).toEqual([]);
  expect(ids.length).toBeGreaterThanOrEqual(60);
});

test('every family has some, and every one names what stops it', () => {
  expect(FAMILIES.filter((family) => !MECHANISMS.some((one) => one.family === family))).toEqual([]);
  expect(MECHANISMS.filter(({ stoppedBy }) => stoppedBy.length === 0).map(({ id }) => id)).toEqual([]);
});

test('what is not in a table that runs is in the title of a test', () => {
  const texts = readdirSync(import.meta.dirname)
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => readFileSync(path.join(import.meta.dirname, name), 'utf8'));
  const tried = (id: string) => texts.some((text) => text.includes(`(${id})`));
  expect(IN_TESTS.map(({ id }) => id).filter((id) => !tried(id))).toEqual([]);
});
