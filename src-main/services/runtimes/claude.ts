import { dirname, join } from 'node:path';
import { fail, ok } from '../../contract/errors.ts';
import { driveClaude } from './claude-drive.ts';
import { fileAt, findOnPath, isNativeProgram, readManifest } from './find-program.ts';
import type { Runtime } from './port.ts';

const inside = '/opt/agent/claude/claude';
const triedVersion = '2.1.329';

/** Claude Code over its host protocol: JSON lines, with every call brought to a hook of the host's. */
export function createClaudeRuntime(options: {
  program: string | undefined;
  path: string;
  now(): number;
}): Runtime {
  const where = options.program === undefined ? 'on PATH' : `at ${options.program}`;
  const absent = `Claude Code was not found ${where}: install it, or name its native program in workspace.yaml under programs.claude.`;
  const find = (): { file: string; version: string } | undefined => {
    const named = options.program ?? findOnPath(options.path, 'claude');
    const file = named === undefined ? undefined : nativeProgram(named);
    return file === undefined ? undefined : { file, version: versionOf(file) };
  };

  return {
    name: 'claude',
    title: 'Claude Code',
    probe: () => {
      const found = find();
      const probedAt = new Date(options.now()).toISOString();
      if (found === undefined) {
        return Promise.resolve({ present: false, version: '', detail: absent, probedAt, capabilities: [] });
      }
      const tried =
        found.version === triedVersion ? '' : ` Tried with ${triedVersion}; this version was not.`;
      return Promise.resolve({
        present: true,
        version: found.version,
        detail: `Found at ${found.file}.${tried}`,
        probedAt,
        capabilities: [
          ...['output', 'thoughts', 'tools', 'permissions', 'every call decided', 'check-in'],
          ...['usage', 'context', 'interrupt', 'resume'],
        ],
      });
    },
    prepare: (task) => {
      const found = find();
      if (found === undefined) return fail('runtime-missing', `Claude Code was not found ${where}.`, absent);
      return ok({
        mounts: [{ source: found.file, target: inside, access: 'read' }],
        environment: {
          ANTHROPIC_BASE_URL: task.gatewayUrl,
          // The key is put on outside; the program only wants to see one.
          ANTHROPIC_API_KEY: 'dummy',
          CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
          DISABLE_AUTOUPDATER: '1',
          CLAUDE_CODE_MAX_RETRIES: '3',
        },
        command: [
          inside,
          '-p',
          ...['--input-format', 'stream-json', '--output-format', 'stream-json', '--verbose'],
          ...['--permission-prompt-tool', 'stdio', '--permission-mode', 'default', '--setting-sources', ''],
          // Nobody answers a question, nothing outlives the run, and the checkout is the only one.
          ...['--disallowed-tools', 'AskUserQuestion,EnterWorktree,ExitWorktree,ScheduleWakeup,CronCreate'],
          ...(task.model === null ? [] : ['--model', task.model]),
          ...(task.session === null ? [] : ['--resume', task.session]),
        ],
        homeFiles: [],
        sessions: ['.claude/projects'],
      });
    },
    drive: driveClaude,
    desk: (gatewayUrl) => {
      const found = find();
      if (found === undefined) return null;
      return {
        mounts: [{ source: found.file, target: inside, access: 'read' }],
        environment: {
          ANTHROPIC_BASE_URL: gatewayUrl,
          ANTHROPIC_API_KEY: 'dummy',
          CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
          DISABLE_AUTOUPDATER: '1',
        },
        command: [inside],
        homeFiles: [{ path: '.claude.json', content: `${JSON.stringify(firstRun, null, 2)}\n` }],
      };
    },
    logins: ['.claude/.credentials.json'],
  };
}

/** What the program would ask in a terminal when it first runs. */
const firstRun = {
  hasCompletedOnboarding: true,
  customApiKeyResponses: { approved: ['dummy'], rejected: [] },
  projects: { '/work': { hasTrustDialogAccepted: true } },
};

/** The native program behind a name: the file itself, or the one beside an npm package's stub. */
function nativeProgram(named: string): string | undefined {
  const file = fileAt(named);
  if (file === undefined) return undefined;
  if (isNativeProgram(file)) return file;
  const architecture = process.arch === 'arm64' ? 'linux-arm64' : 'linux-x64';
  for (let folder = dirname(file); folder !== dirname(folder); folder = dirname(folder)) {
    const beside = fileAt(
      join(folder, 'node_modules', '@anthropic-ai', `claude-code-${architecture}`, 'claude'),
    );
    if (beside !== undefined && isNativeProgram(beside)) return beside;
  }
  return undefined;
}

/** The version that the package says, or that stands in the path of an installation of its own; empty where neither does. */
function versionOf(file: string): string {
  const said = readManifest(dirname(file))?.version;
  return said ?? /(?:^|\/)(\d+\.\d+\.\d+)(?:\/|$)/.exec(file)?.[1] ?? '';
}
