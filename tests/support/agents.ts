import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { appRoot } from './workspace.ts';

/** Agent programs that are too large, or not free enough, to be dependencies: tests fetch them when they are run. */
export type FetchedAgent = 'claude' | 'codex' | 'opencode';

const architecture = process.arch === 'arm64' ? 'arm64' : 'x64';
const triple = process.arch === 'arm64' ? 'aarch64-unknown-linux-musl' : 'x86_64-unknown-linux-musl';

/** The native program's own package of each, by exact version: npm runs no script of theirs. */
const packages: Readonly<
  Record<FetchedAgent, { title: string; version: string; spec: string; program: string }>
> = {
  claude: {
    title: 'Claude Code',
    version: '2.1.329',
    spec: `@anthropic-ai/claude-code-linux-${architecture}@2.1.329`,
    program: `@anthropic-ai/claude-code-linux-${architecture}/claude`,
  },
  codex: {
    title: 'Codex',
    version: '0.169.0',
    spec: `@openai/codex@0.169.0-linux-${architecture}`,
    program: `@openai/codex/vendor/${triple}/bin/codex`,
  },
  opencode: {
    title: 'OpenCode',
    version: '1.18.33',
    spec: `opencode-linux-${architecture}@1.18.33`,
    program: `opencode-linux-${architecture}/bin/opencode`,
  },
};

/** What one download may take, in milliseconds. */
const within = 5 * 60_000;

export const fetchedAgents = Object.keys(packages) as FetchedAgent[];

/** "Claude Code 2.1.329": what a test's title calls it. */
export function titleOf(agent: FetchedAgent): string {
  return `${packages[agent].title} ${packages[agent].version}`;
}

/**
 * The program of an agent, fetched from the package registry into `out/.agents` where it is not there yet (0.2 to 0.4 GB each).
 *
 * @throws Error the registry cannot be reached or does not serve it: what needs it has not run, and has not passed
 */
export function agentProgram(agent: FetchedAgent): string {
  const { version, spec, program } = packages[agent];
  const agents = path.join(appRoot, 'out', '.agents');
  const folder = path.join(agents, `${agent}-${version}`);
  const file = path.join(folder, 'node_modules', program);
  if (existsSync(file)) return file;

  mkdirSync(agents, { recursive: true });
  const fresh = mkdtempSync(path.join(agents, '.fetching-'));
  try {
    writeFileSync(path.join(fresh, 'package.json'), '{"private":true}\n');
    const options = ['--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error'];
    const done = spawnSync('npm', ['install', '--save-exact', ...options, spec], {
      cwd: fresh,
      encoding: 'utf8',
      timeout: within,
      killSignal: 'SIGKILL',
    });
    if (done.status !== 0 || !existsSync(path.join(fresh, 'node_modules', program))) {
      const said = done.error?.message ?? done.stderr.trim().split('\n').slice(-3).join(' ');
      throw new Error(`${titleOf(agent)} could not be fetched from the package registry: ${said}`);
    }
    rmSync(folder, { recursive: true, force: true });
    renameSync(fresh, folder);
    return file;
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}
