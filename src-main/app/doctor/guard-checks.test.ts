import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Examination, Finding } from './check.ts';
import { guardChecks } from './guard-checks.ts';

let folder: string;
let tools: string;
const place = (name: string, content: string, mode = 0o644) => {
  writeFileSync(join(tools, name), content);
  chmodSync(join(tools, name), mode);
};
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'atrium-guard-'));
  tools = join(folder, 'run');
  mkdirSync(tools);
  place('hook.mjs', 'deny();\n');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Check 8 of a core that has just begun. */
function installed(): { prove(): Finding; mark(): unknown } {
  const checks = guardChecks({
    places: { agents: join(folder, 'agents') } as Parameters<typeof guardChecks>[0]['places'],
    tools,
    ask: () => ({ decision: 'deny', rule: '', reason: '', layer: '' }),
    sandbox: {} as Parameters<typeof guardChecks>[0]['sandbox'],
  });
  const eight = checks.workspace.find(({ number }) => number === 8);
  if (!eight) throw new Error('there is no check 8');
  return {
    prove: () => eight.prove(null, {} as Examination) as Finding,
    mark: () => eight.mark(null),
  };
}

test('what every run is given is as it was when the core started', () => {
  const guard = installed();
  expect(guard.prove().ok).toBe(true);
});

test.each<[string, () => void, RegExp]>([
  ['emptied', () => place('hook.mjs', ''), /hook\.mjs is not as it was/],
  ['changed', () => place('hook.mjs', 'allow();\n'), /hook\.mjs is not as it was/],
  ['gone', () => rmSync(join(tools, 'hook.mjs')), /hook\.mjs is not as it was/],
  ['another one added', () => place('later.mjs', 'x'), /later\.mjs was not there/],
  ['writable by others', () => chmodSync(join(tools, 'hook.mjs'), 0o666), /can be written by others/],
])('%s: it is told, and its mark is another', (_what, change, detail) => {
  const guard = installed();
  const before = guard.mark();
  change();
  expect(guard.prove()).toMatchObject({ ok: false, detail: expect.stringMatching(detail) as string });
  expect(guard.mark()).not.toBe(before);
});

test('a file that was empty from the beginning is no guard', () => {
  place('hook.mjs', '');
  expect(installed().prove()).toMatchObject({
    ok: false,
    detail: expect.stringMatching(/is empty/) as string,
  });
});
