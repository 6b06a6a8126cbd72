import { z } from 'zod';
import type { Checks } from '../../contract/config.ts';
import { askGit, git, gitLine, recordsOf } from './git.ts';
import type { GitProgram } from './git.ts';

/** What a repository seems to be checked with; `none` where nothing was recognised. */
export interface GuessedChecks extends Checks {
  /** Files that decide whether setup must run again. */
  lockfiles: string[];
  /** Hosts that setup alone needs to reach. */
  setupHosts: string[];
}

const SETUP_HOSTS = {
  npm: ['registry.npmjs.org'],
  yarn: ['registry.yarnpkg.com', 'registry.npmjs.org'],
  python: ['pypi.org', 'files.pythonhosted.org'],
  rust: ['index.crates.io', 'static.crates.io', 'crates.io'],
  go: ['proxy.golang.org', 'sum.golang.org'],
};

const NODE_LOCKFILES: Array<[file: string, setup: string, run: string, hosts: string[]]> = [
  ['package-lock.json', 'npm ci', 'npm', SETUP_HOSTS.npm],
  ['npm-shrinkwrap.json', 'npm ci', 'npm', SETUP_HOSTS.npm],
  ['pnpm-lock.yaml', 'pnpm install --frozen-lockfile', 'pnpm', SETUP_HOSTS.npm],
  ['yarn.lock', 'yarn install --frozen-lockfile', 'yarn', SETUP_HOSTS.yarn],
];

const PackageFile = z.object({
  scripts: z.record(z.string(), z.string()).catch({}).default({}),
  dependencies: z.record(z.string(), z.unknown()).catch({}).default({}),
  devDependencies: z.record(z.string(), z.unknown()).catch({}).default({}),
});

const NOTHING: GuessedChecks = {
  setup: 'none',
  test: 'none',
  lint: 'none',
  count: 'exit',
  lockfiles: [],
  setupHosts: [],
};

/** Guesses the checks of a repository from what is committed (not from what lies in its folder). */
export async function guessChecks(input: {
  path: string;
  git: GitProgram;
  commit?: string;
}): Promise<GuessedChecks> {
  const here = { cwd: input.path };
  const commit = input.commit ?? (await gitLine(input.git, ['rev-parse', '--verify', 'HEAD^{commit}'], here));
  const listed = await git(input.git, ['ls-tree', '-z', '--name-only', '--full-tree', commit], here);
  const read = async (name: string): Promise<string> => {
    const result = await askGit(input.git, ['cat-file', 'blob', `${commit}:${name}`], {
      ...here,
      maxOutputBytes: 1024 * 1024,
    });
    return result.code === 0 && result.outcome === 'exited' ? result.stdout.toString('utf8') : '';
  };
  return await guessFromFiles(recordsOf(listed.stdout), read);
}

/** The guess from the names at the top of a tree; `read` gives the text of one of them. */
export async function guessFromFiles(
  names: string[],
  read: (name: string) => Promise<string>,
): Promise<GuessedChecks> {
  const has = new Set(names);
  if (has.has('package.json')) return guessNode(has, await read('package.json'));
  if (has.has('Cargo.toml')) {
    return {
      ...NOTHING,
      setup: 'cargo fetch',
      test: 'cargo test',
      lockfiles: has.has('Cargo.lock') ? ['Cargo.lock'] : [],
      setupHosts: SETUP_HOSTS.rust,
    };
  }
  if (has.has('go.mod')) {
    return {
      ...NOTHING,
      setup: has.has('go.sum') ? 'go mod download' : 'none',
      test: 'go test ./...',
      lint: 'go vet ./...',
      lockfiles: ['go.mod', 'go.sum'].filter((name) => has.has(name)),
      setupHosts: has.has('go.sum') ? SETUP_HOSTS.go : [],
    };
  }
  if (has.has('pyproject.toml') || has.has('requirements.txt')) {
    return guessPython(has, has.has('pyproject.toml') ? await read('pyproject.toml') : '');
  }
  for (const name of ['Makefile', 'makefile', 'GNUmakefile']) {
    if (has.has(name)) return guessMake(await read(name));
  }
  return NOTHING;
}

function guessNode(has: Set<string>, text: string): GuessedChecks {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return NOTHING;
  }
  const parsed = PackageFile.safeParse(json);
  if (!parsed.success) return NOTHING;
  const { scripts, dependencies, devDependencies } = parsed.data;
  const lock = NODE_LOCKFILES.find(([file]) => has.has(file));
  const runner = lock?.[2] ?? 'npm';
  const test = scripts['test'] ?? '';
  const placeholder = test.trim() === '' || test.includes('no test specified');
  const needsPackages = Object.keys(dependencies).length + Object.keys(devDependencies).length > 0;
  const counted = countedTest(`${runner} test`, test);
  return {
    setup: lock !== undefined && needsPackages ? lock[1] : needsPackages ? 'npm install' : 'none',
    test: placeholder ? 'none' : counted.command,
    lint: (scripts['lint'] ?? '').trim() === '' ? 'none' : `${runner} run lint`,
    count: placeholder ? 'exit' : counted.count,
    lockfiles: [...(lock === undefined ? [] : [lock[0]]), 'package.json'],
    setupHosts: needsPackages ? (lock?.[3] ?? SETUP_HOSTS.npm) : [],
  };
}

/** The test command, asked to print TAP where the script's one runner can be asked from outside. */
function countedTest(command: string, script: string): { command: string; count: Checks['count'] } {
  if (/reporters?[= ]+junit\b/.test(script)) return { command, count: 'junit' };
  if (/reporters?[= ]+tap\b/.test(script) || /(?:^|[\s;&|])(?:tap|tape)(?:\s|$)/.test(script))
    return { command, count: 'tap' };
  const alone = !/[;&|]|reporter/.test(script);
  if (alone && /^node\s(?:.*\s)?--test(?:\s|$)/.test(script.trim())) {
    return { command: `NODE_OPTIONS=--test-reporter=tap ${command}`, count: 'tap' };
  }
  if (alone && /^(?:npx\s+)?vitest(?:\s+(?:run|--run))?(?:\s|$)/.test(script.trim())) {
    return { command: `${command} -- --reporter=tap-flat`, count: 'tap' };
  }
  return { command, count: 'exit' };
}

function guessPython(has: Set<string>, pyproject: string): GuessedChecks {
  const lockfiles = ['uv.lock', 'poetry.lock', 'requirements.txt', 'pyproject.toml'].filter((name) =>
    has.has(name),
  );
  const { setup, python, run } = has.has('uv.lock')
    ? { setup: 'uv sync --frozen', python: 'uv run python', run: 'uv run ' }
    : has.has('poetry.lock')
      ? { setup: 'poetry install', python: 'poetry run python', run: 'poetry run ' }
      : has.has('requirements.txt')
        ? {
            setup: 'python3 -m venv .venv && .venv/bin/pip install -r requirements.txt',
            python: '.venv/bin/python',
            run: '.venv/bin/python -m ',
          }
        : { setup: 'none', python: 'python3', run: 'python3 -m ' };
  const pytest = /\bpytest\b/.test(pyproject) || has.has('pytest.ini') || has.has('conftest.py');
  const unittest = has.has('tests') || has.has('test');
  return {
    setup,
    test: pytest ? `${run}pytest` : unittest ? `${python} -m unittest discover` : 'none',
    lint: /\[tool\.ruff/.test(pyproject) || has.has('ruff.toml') ? `${run}ruff check` : 'none',
    count: 'exit',
    lockfiles,
    setupHosts: setup === 'none' ? [] : SETUP_HOSTS.python,
  };
}

function guessMake(text: string): GuessedChecks {
  const has = (target: string): boolean => new RegExp(`^${target}[ \\t]*:(?!=)`, 'm').test(text);
  return { ...NOTHING, test: has('test') ? 'make test' : 'none', lint: has('lint') ? 'make lint' : 'none' };
}
