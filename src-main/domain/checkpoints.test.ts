import picomatch from 'picomatch';
import { describe, expect, test } from 'vitest';
import { findCheckpoints, readsLines, type ChangedFile } from './checkpoints.ts';

const within = (globs: readonly string[], path: string) =>
  picomatch([...globs], { dot: true, flags: 's' })(path);
const change = (
  path: string,
  before: string | null,
  after: string | null,
  part: Partial<ChangedFile> = {},
): ChangedFile => ({
  path,
  status: before === null ? 'added' : after === null ? 'deleted' : 'modified',
  before,
  after,
  unread: false,
  ...part,
});
const rulesOf = (...changes: ChangedFile[]) =>
  findCheckpoints(changes, [], within).map((hit) => `${hit.rule} ${hit.path}`);

describe('what a person decides about', () => {
  test.each([
    ['migration', change('db/migrations/0002_more.ts', null, 'x')],
    ['migration', change('schema.sql', 'a', 'b')],
    ['interface-description', change('api/openapi.yaml', 'a', 'b')],
    ['export-removed', change('src/index.ts', 'export const a = 1;\nlet b;', 'let b;')],
    ['package-interface', change('package.json', '{\n"main": "a.js"\n}', '{\n"main": "b.js"\n}')],
    ['security', change('src/auth/session.ts', 'a', 'b')],
    ['security', change('.env', null, 'a')],
    ['production', change('Dockerfile', 'a', 'b')],
    ['production', change('infra/main.tf', 'a', null)],
    ['test-deleted', change('test/sum.test.js', 'test("a")', null)],
    ['test-deleted', change('test/sum.test.js', 'a', 'b', { status: 'type-changed' })],
    ['test-emptied', change('test/sum.test.js', 'test("a", () => {\n  assert(1);\n});', '')],
    ['test-emptied', change('sum.spec.ts', 'test("a", () => {\n  expect(1);\n});', 'test("a", () => {\n});')],
    ['test-skipped', change('sum.test.ts', 'test("a", f)', 'test.skip("a", f)')],
    [
      'test-skipped',
      change('tests/test_a.py', 'def test_a(): assert 1', '@pytest.mark.skip\ndef test_a(): assert 1'),
    ],
    ['test-scripts', change('package.json', '{\n"test": "vitest"\n}', '{\n"test": "true"\n}')],
    ['test-scripts-removed', change('package.json', '{\n"lint": "eslint"\n}', '{\n}')],
    ['test-configuration', change('vitest.config.ts', 'a', 'b')],
    // What would hide it: another runner's names, another spelling, a comment, a key by another name.
    ['test-deleted', change('sum-test.js', 'test("a")', null)],
    ['test-deleted', change('test.mjs', 'test("a")', null)],
    ['test-emptied', change('sum.test.js', 'test("a", f)\ntest("b", f)', 'test("a", f)\n// test("b", f)')],
    ['test-skipped', change('sum.test.js', 'test("a", f)', '/*\ntest("a", f)\n*/')],
    ['test-skipped', change('sum.test.js', 'test("a", f)', 'if (false)\ntest("a", f)')],
    ['test-skipped', change('sum.test.js', 'test("a", f)', "test['skip']('a', f)")],
    ['test-scripts', change('package.json', '{\n"test": "a"\n}', '{\n"test": "a",\n"te\\u0073t": "true"\n}')],
    ['test-scripts', change('package.json', '{\n"test": "a"\n}', '{\n"test": "a",\n"test"\n: "true"\n}')],
    ['test-scripts', change('package.json', '{\n}', '{\n"jest": { "testMatch": [] }\n}')],
    ['test-scripts-removed', change('package.json', '{\n"unit": "node --test"\n}', '{\n"unit": "true"\n}')],
    ['test-configuration', change('karma.conf.js', 'a', 'b')],
    ['lockfile', change('pdm.lock', 'a', 'b')],
    ['lockfile', change('node_modules/dep/index.js', null, 'b')],
    ['lint-configuration', change('eslint.config.js', 'a', 'b')],
    ['lint-configuration', change('app/tsconfig.json', 'a', 'b')],
    ['lint-silenced', change('src/a.ts', 'let a', '// eslint-disable-next-line\nlet a')],
    ['ci', change('.github/workflows/ci.yml', 'a', 'b')],
    ['lockfile', change('package-lock.json', 'a', 'b')],
    ['gitattributes', change('src/.gitattributes', null, '* -diff')],
  ])('%s', (rule, one) => {
    expect(rulesOf(one)).toContain(`${rule} ${one.path}`);
  });

  test('ordinary work stops nowhere', () => {
    expect(
      rulesOf(
        change('src/sum.ts', 'export const sum = 1;', 'export const sum = 2;'),
        change('test/more.test.js', null, '/** Of b. */\ntest("b", () => {\n  assert(2);\n});'),
        change('package.json', '{\n"version": "1.0.0"\n}', '{\n"version": "1.0.1"\n}'),
        change(
          'test/sum.test.js',
          'test("a", () => {\n  assert(1);\n});',
          'test("b", () => {\n  assert(2);\n});',
        ),
        change('README.md', 'a', 'b'),
        change('package.json', '{\n"version": "1.0.0"\n}', '{\n"version": "1.0.1"\n}'),
        change('docs/authors.md', 'a', 'b'),
        change('src/index.ts', 'let b;', 'let b;\nexport const c = 1;'),
      ),
    ).toEqual([]);
  });

  test('a moved line is no loss, and a file that cannot be read is no clearance', () => {
    expect(
      rulesOf(change('src/index.ts', 'export const a = 1;\nlet b;', 'let b;\nexport const a = 1;')),
    ).toEqual([]);
    expect(rulesOf(change('test/sum.test.js', null, null, { status: 'modified', unread: true }))).toEqual([
      'test-emptied test/sum.test.js',
      'test-skipped test/sum.test.js',
      'lint-silenced test/sum.test.js',
    ]);
  });

  test('own rules come first and say why; the lines of a path are read only where a rule needs them', () => {
    const rows: Parameters<typeof findCheckpoints>[1] = [
      { name: 'prices', kind: 'production', paths: ['prices/**'], added: '€', reason: 'it changes a price' },
    ];
    const hits = findCheckpoints([change('prices/a.csv', '1', '2 €')], rows, within);
    expect(hits).toEqual([
      { rule: 'prices', kind: 'production', path: 'prices/a.csv', reason: 'it changes a price' },
    ]);
    expect(findCheckpoints([change('prices/a.csv', '1 €', '2')], rows, within)).toEqual([]);
    expect(readsLines({ path: 'prices/a.csv', status: 'modified' }, rows, within)).toBe(true);
    expect(readsLines({ path: 'README.md', status: 'modified' }, rows, within)).toBe(false);
  });
});
