import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { countTests, judge, type CommandOutcome } from './checks.ts';

const ended = (over: Partial<CommandOutcome>): CommandOutcome => ({
  outcome: 'exited',
  code: 0,
  stdout: '',
  stderr: '',
  durationMs: 1_000,
  ...over,
});

/** What node's own test runner prints for a file with two tests that run, one skipped and one to do. */
function nodeRunner(reporter: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'atrium-count-'));
  try {
    writeFileSync(
      join(folder, 'a.test.mjs'),
      `import test from 'node:test';
       test('one', async (t) => { await t.test('inner', () => {}); });
       test('skipped', { skip: true }, () => {});
       test('todo', { todo: true }, () => {});`,
    );
    const { NODE_TEST_CONTEXT: _context, ...env } = process.env;
    return spawnSync(process.execPath, ['--test', `--test-reporter=${reporter}`, 'a.test.mjs'], {
      cwd: folder,
      env,
      encoding: 'utf8',
    }).stdout;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

describe('countTests', () => {
  test.each(['tap', 'spec'])(
    'what node prints as %s: skipped ones and those to do are not counted',
    (reporter) => {
      expect(countTests('tap', nodeRunner(reporter))).toBe(2);
    },
  );

  test('what node prints as JUnit', () => {
    expect(countTests('junit', nodeRunner('junit'))).toBeGreaterThanOrEqual(1);
    expect(countTests('junit', nodeRunner('junit'))).toBeLessThanOrEqual(2);
  });

  test('plain TAP without a summary', () => {
    expect(countTests('tap', 'TAP version 13\n1..3\nok 1 - a\nnot ok 2 - b\nok 3 - c # SKIP later\n')).toBe(
      2,
    );
    expect(countTests('tap', '1..0 # skipped all\n')).toBe(0);
  });

  test('prose is no test', () => {
    expect(countTests('tap', 'ok, all is well\nokay\nnot okay\n')).toBe(0);
  });

  test('several packages, each with a summary, count together', () => {
    expect(countTests('tap', '# tests 2\n# skipped 0\n# tests 0\n# skipped 0\n')).toBe(2);
  });

  test('JUnit with skipped cases', () => {
    const xml =
      '<testsuites><testsuite tests="2"><testcase name="a"/><testcase name="b"><skipped/></testcase></testsuite></testsuites>';
    expect(countTests('junit', xml)).toBe(1);
    expect(countTests('junit', '<testsuites tests="0"></testsuites>')).toBe(0);
  });
});

describe('judge', () => {
  test('passes by exit code 0, or by at least one counted test', () => {
    expect(judge('npm test', ended({}), 'exit').outcome).toBe('pass');
    expect(judge('npm test', ended({ stdout: 'ok 1 - a\n' }), 'tap')).toMatchObject({
      outcome: 'pass',
      counted: 1,
    });
    expect(judge('npm test', ended({ stdout: 'nothing to do' }), 'tap')).toMatchObject({
      outcome: 'unverified',
      counted: 0,
    });
  });

  test('fails by any other exit code, with the last line that it printed', () => {
    expect(judge('npm test', ended({ code: 1, stdout: 'a\nb\n' }), 'tap')).toEqual({
      outcome: 'fail',
      detail: '"npm test" ended with exit code 1: b',
    });
    expect(judge('x', ended({ code: 1, stdout: 'a', stderr: 'wrong\n\n' }), 'exit').detail).toMatch(/wrong$/);
  });

  test.each([
    { outcome: 'timeout', code: null },
    { outcome: 'output-limit', code: null },
    { outcome: 'killed', code: null },
    { outcome: 'killed', code: 0 },
    { outcome: 'exited', code: null },
    { outcome: 'exited', code: 126 },
    { outcome: 'exited', code: 127 },
  ] as const)('what did not run to its end is neither: $outcome $code', (over) => {
    for (const count of ['exit', 'tap', 'junit'] as const)
      expect(judge('x', ended({ ...over, stdout: 'ok 1 - a\n' }), count).outcome).toBe('unverified');
  });
});
