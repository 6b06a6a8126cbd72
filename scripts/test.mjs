// `npm test`, `npm run test:slow`: every suite, and last, alone on its line, `N passed, N failed`.
import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { environment, main, node, root, setup } from './setup.mjs';

/** How long one suite may take before it is ended and counts as failed, in milliseconds. */
const suiteWithin = 30 * 60_000;

const flags = process.argv.slice(2).filter((arg) => arg.startsWith('--'));
const named = process.argv.slice(2).filter((arg) => !arg.startsWith('--'));
/** Suites that are a command of npm, which passes or fails as a whole. */
const commands = { check: 'check', typecheck: 'typecheck', lint: 'lint', format: 'format:check' };
/** The longest first: so many run side by side, and whenever one has ended the next begins. */
const fast = ['integration', 'e2e', 'unit', 'check', 'conformance', 'format', 'architecture'];
const slow = ['adversarial', 'programs', 'chaos', 'bad-input'];
const sideBySide = 2;
const chosen = named.length > 0 ? named : flags.includes('--slow') ? slow : fast;

/** Programs that suites run in, each the leader of a group of its own. */
const running = new Set();

/** Ends a program and all that it started. */
function end(child) {
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}

for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
])
  process.once(signal, () => {
    for (const child of running) end(child);
    process.exit(code);
  });

await main(async () => {
  await setup({ programs: ['chromium'] });
  // Tests open sockets below it, whose paths may have 107 bytes.
  const base = Buffer.byteLength(tmpdir()) <= 40 ? tmpdir() : '/tmp';
  const folder = mkdtempSync(join(base, 'at-'));
  // Like any folder for temporary files: tests become other users, who work in it too.
  chmodSync(folder, 0o1777);
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const results = [];
  const waiting = [...chosen];
  const lane = async () => {
    for (let name = waiting.shift(); name !== undefined; name = waiting.shift())
      results.push(await one(name, folder));
  };
  await Promise.all(Array.from({ length: sideBySide }, lane));

  const passed = results.reduce((sum, each) => sum + each.passed, 0);
  const failed = results.reduce((sum, each) => sum + each.failed, 0);
  process.stdout.write(`\n${passed} passed, ${failed} failed\n`);
  return failed === 0 && passed > 0 ? 0 : 1;
});

/** Runs one suite and says how it went. A suite that crashed, timed out or ran nothing has failed. */
async function one(name, folder) {
  const began = Date.now();
  const report = join(folder, `${name}.json`);
  const counted = await suites(name, report, folder);
  const seconds = ((Date.now() - began) / 1000).toFixed(1);
  const skipped = counted.skipped ? `, ${counted.skipped} skipped` : '';
  process.stdout.write(
    `${name}: ${counted.passed} passed, ${counted.failed} failed${skipped} (${seconds} s)\n`,
  );
  return counted;
}

async function suites(name, report, folder) {
  if (name in commands) {
    const code = await run('npm', ['run', '--silent', commands[name]], {}, folder, true);
    return code === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 };
  }
  if (name === 'e2e') {
    const playwright = join(root, 'node_modules/@playwright/test/cli.js');
    const output = ['--output', join(folder, 'playwright')];
    const code = await run(
      node,
      [playwright, 'test', '--reporter=line,json', ...output],
      { PLAYWRIGHT_JSON_OUTPUT_NAME: report },
      folder,
    );
    return whole(code, playwrightCount(report));
  }
  const vitest = join(root, 'node_modules/vitest/vitest.mjs');
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const code = await run(node, [vitest, 'run', '--project', name, ...reporters], {}, folder);
  return whole(code, vitestCount(report));
}

function whole(code, counted) {
  if (counted === undefined) return { passed: 0, failed: 1 };
  const nothing = counted.passed + counted.failed === 0;
  return code !== 0 || nothing ? { ...counted, failed: Math.max(1, counted.failed) } : counted;
}

function vitestCount(report) {
  if (!existsSync(report)) return undefined;
  const { testResults } = JSON.parse(readFileSync(report, 'utf8'));
  const counted = { passed: 0, failed: 0, skipped: 0 };
  for (const file of testResults) {
    for (const { status } of file.assertionResults) {
      if (status === 'passed') counted.passed += 1;
      else if (status === 'failed') counted.failed += 1;
      else counted.skipped += 1;
    }
    // A file that could not be read has no test of its own that could fail.
    if (file.status === 'failed' && !file.assertionResults.some(({ status }) => status === 'failed'))
      counted.failed += 1;
  }
  return counted;
}

function playwrightCount(report) {
  if (!existsSync(report)) return undefined;
  const { stats, errors } = JSON.parse(readFileSync(report, 'utf8'));
  return {
    passed: stats.expected,
    failed: stats.unexpected + stats.flaky + (stats.unexpected === 0 ? errors.length : 0),
    skipped: stats.skipped,
  };
}

/** Exit code of a program; it and all that it started are ended when it takes too long. */
function run(program, args, extra, folder, quiet = false) {
  const env = environment({ ...extra, TMPDIR: folder, NO_COLOR: '1', CI: '1' });
  for (const name of Object.keys(env))
    if (
      /^(ATRIUM_(WORKSPACE|NOW)|GEMINI_|GOOGLE_GEMINI_|ANTHROPIC_|OPENAI_|CODEX_|OPENCODE_|CLAUDE_|FORCE_COLOR)/.test(
        name,
      )
    )
      delete env[name];
  const child = spawn(program, args, {
    cwd: root,
    env,
    detached: true,
    stdio: ['ignore', quiet ? 'pipe' : 1, quiet ? 'pipe' : 2],
  });
  let output = '';
  child.stdout?.on('data', (data) => (output += data));
  child.stderr?.on('data', (data) => (output += data));
  running.add(child);
  const timer = setTimeout(() => {
    process.stdout.write(
      `${args.join(' ')} took longer than ${suiteWithin / 60_000} minutes and was ended.\n`,
    );
    end(child);
  }, suiteWithin);
  return new Promise((resolve) => {
    const done = (code) => {
      clearTimeout(timer);
      running.delete(child);
      if (quiet && code !== 0) process.stdout.write(output);
      resolve(code);
    };
    child.once('error', () => done(1));
    child.once('close', (code) => done(code ?? 1));
  });
}
