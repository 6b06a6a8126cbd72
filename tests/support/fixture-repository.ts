import { execFile } from 'node:child_process';
import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

const execute = promisify(execFile);

/** Git as the operator uses it: with a name of its own and none of this machine's configuration. */
const operator = {
  GIT_AUTHOR_NAME: 'Olga Operator',
  GIT_AUTHOR_EMAIL: 'olga@example.org',
  GIT_COMMITTER_NAME: 'Olga Operator',
  GIT_COMMITTER_EMAIL: 'olga@example.org',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_NOSYSTEM: '1',
};

/** Runs git in a folder; gives its stdout without the last line break. */
export async function git(folder: string, ...args: string[]): Promise<string> {
  const { stdout } = await execute('git', args, { cwd: folder, env: { ...process.env, ...operator } });
  return stdout.replace(/\n$/, '');
}

/** Runs a program in a folder; gives what it printed and how it ended. */
export async function run(
  folder: string,
  program: string,
  ...args: string[]
): Promise<{ code: number; output: string }> {
  try {
    const { stdout, stderr } = await execute(program, args, { cwd: folder, env: withoutVitest() });
    return { code: 0, output: stdout + stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as { code?: unknown; stdout?: string; stderr?: string };
    return { code: typeof code === 'number' ? code : -1, output: `${stdout ?? ''}${stderr ?? ''}` };
  }
}

/** A test runner of a fixture must not take itself for a part of this one. */
function withoutVitest(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(VITEST|NODE_OPTIONS|NODE_TEST|NODE_ENV$)/.test(name)),
  );
}

/** Writes files below a folder, by relative path. */
export async function write(folder: string, files: Record<string, string>): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    const file = path.join(folder, name);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, text);
  }
}

/** Writes files and commits all that the folder holds; gives the commit. */
export async function commit(
  folder: string,
  message: string,
  files: Record<string, string> = {},
): Promise<string> {
  await write(folder, files);
  await git(folder, 'add', '-A');
  await git(folder, 'commit', '-q', '-m', message);
  return git(folder, 'rev-parse', 'HEAD');
}

/** A new repository with these files on `main`. */
export async function makeRepository(folder: string, files: Record<string, string>): Promise<string> {
  await mkdir(folder, { recursive: true });
  await git(folder, 'init', '-q', '-b', 'main');
  await commit(folder, 'First', files);
  return folder;
}

/**
 * A repository whose check is a shell script, `check.sh`: it runs with nothing but `sh` and in no time. It fails where a file
 * `broken` is there.
 */
export async function makeShellRepository(
  folder: string,
  files: Record<string, string> = {},
): Promise<string> {
  return makeRepository(folder, {
    'check.sh': 'test ! -e broken || { echo "broken is there" >&2; exit 1; }\n',
    'notes.txt': 'one\n',
    ...files,
  });
}

/**
 * A repository with real tests, a lint command and an npm dependency that is packed beside it, so that its setup needs no
 * network: `npm ci` takes it from `vendor/`.
 */
export async function makeNpmRepository(folder: string): Promise<string> {
  const dependency = path.join(`${folder}.dependency`, 'package');
  await write(dependency, {
    'package.json': `${JSON.stringify({ name: 'small-sums', version: '1.0.0', main: 'index.js' })}\n`,
    'index.js': 'exports.sum = (...numbers) => numbers.reduce((total, each) => total + each, 0);\n',
  });
  await mkdir(path.join(folder, 'vendor'), { recursive: true });
  const packed = path.join(folder, 'vendor', 'small-sums-1.0.0.tgz');
  await execute('tar', ['-czf', packed, '-C', path.dirname(dependency), 'package']);
  await rm(path.dirname(dependency), { recursive: true });
  await write(folder, {
    '.gitignore': 'node_modules/\n',
    'package.json': `${JSON.stringify(
      {
        name: 'catalogue',
        version: '1.0.0',
        private: true,
        scripts: { test: 'node --test', lint: 'node lint.js' },
        dependencies: { 'small-sums': 'file:vendor/small-sums-1.0.0.tgz' },
      },
      undefined,
      2,
    )}\n`,
    'catalogue.js':
      "const { sum } = require('small-sums');\nexports.total = (releases) => sum(...releases.map((each) => each.tracks));\n",
    'test/catalogue.test.js': [
      "const test = require('node:test');",
      "const assert = require('node:assert');",
      "const { total } = require('../catalogue.js');",
      "test('counts tracks', () => assert.equal(total([{ tracks: 3 }, { tracks: 4 }]), 7));",
      '',
    ].join('\n'),
    'lint.js': [
      "const { readdirSync, readFileSync } = require('node:fs');",
      "const files = readdirSync('.').filter((name) => name.endsWith('.js'));",
      "const wrong = files.filter((name) => /[ \\t]$/m.test(readFileSync(name, 'utf8')));",
      'if (wrong.length > 0) { console.error(`trailing blanks: ${wrong.join(", ")}`); process.exit(1); }',
      '',
    ].join('\n'),
  });
  await git(folder, 'init', '-q', '-b', 'main');
  const locked = await run(
    folder,
    'npm',
    'install',
    '--package-lock-only',
    '--offline',
    '--no-audit',
    '--no-fund',
  );
  if (locked.code !== 0) throw new Error(`npm could not lock the fixture: ${locked.output}`);
  await commit(folder, 'A catalogue');
  return folder;
}

/** A program that can be run, at a path. */
export async function writeProgram(file: string, text: string): Promise<string> {
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, text);
  await chmod(file, 0o755);
  return file;
}

/** The text of a file below a folder. */
export function read(folder: string, name: string): Promise<string> {
  return readFile(path.join(folder, name), 'utf8');
}
