import { dirname, join } from 'node:path';
import { ok } from '../../contract/errors.ts';
import type { AgentProgram } from './agent-program.ts';
import { driveClaude } from './claude-drive.ts';
import { nativeProgram, readManifest } from './find-program.ts';
import type { Task } from './port.ts';

const inside = '/opt/agent/claude/claude';
const quiet = { CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1', DISABLE_AUTOUPDATER: '1' };

/** Claude Code over its host protocol: JSON lines, with every call brought to a hook of the host's. */
export const claude: AgentProgram = {
  name: 'claude',
  title: 'Claude Code',
  install: 'it',
  part: 'native program',
  tried: '2.1.329',
  capabilities: [
    ...['output', 'thoughts', 'tools', 'permissions', 'every call decided', 'check-in'],
    ...['usage', 'context', 'interrupt', 'resume'],
  ],
  inside,
  locate: (named) => {
    const architecture = process.arch === 'arm64' ? 'linux-arm64' : 'linux-x64';
    const file = nativeProgram(named, join('@anthropic-ai', `claude-code-${architecture}`, 'claude'));
    return file === undefined ? undefined : { file, version: versionOf(file), source: file, start: [inside] };
  },
  use: (task) =>
    ok({
      environment: { ...environmentAt(task.gatewayUrl), CLAUDE_CODE_MAX_RETRIES: '3' },
      parameters: [
        '-p',
        ...['--input-format', 'stream-json', '--output-format', 'stream-json', '--verbose'],
        ...['--permission-prompt-tool', 'stdio', '--permission-mode', 'default', '--setting-sources', ''],
        // Nobody answers a question, nothing outlives the run, and the checkout is the only one.
        ...['--disallowed-tools', 'AskUserQuestion,EnterWorktree,ExitWorktree,ScheduleWakeup,CronCreate'],
        ...['--strict-mcp-config', '--mcp-config', JSON.stringify({ mcpServers: serversOf(task) })],
        ...(task.model === null ? [] : ['--model', task.model]),
        ...(task.session === null ? [] : ['--resume', task.session]),
      ],
    }),
  drive: driveClaude,
  desk: (gatewayUrl) => ({
    environment: environmentAt(gatewayUrl),
    homeFiles: [{ path: '.claude.json', content: `${JSON.stringify(firstRun, null, 2)}\n` }],
  }),
  login: {
    parameters: ['auth', 'login'],
    environment: quiet,
    steps: 'Open the address that it shows, sign in there, and paste the code that you are given.',
    hosts: ['platform.claude.com', 'api.anthropic.com'],
    then: { environment: quiet },
  },
  logins: ['.claude/.credentials.json'],
  sessions: ['.claude/projects'],
};

function environmentAt(gatewayUrl: string): Record<string, string> {
  return {
    ANTHROPIC_BASE_URL: gatewayUrl,
    // The key is put on outside; the program only wants to see one.
    ANTHROPIC_API_KEY: 'dummy',
    ...quiet,
  };
}

/** The run's own tools and, because the configuration is strict, no other server's. */
function serversOf({ tools }: Task): Record<string, unknown> {
  if (tools === null) return {};
  const { name, command, args, environment } = tools;
  return { [name]: { type: 'stdio', command, args, env: environment } };
}

/** What the program would ask in a terminal when it first runs. */
const firstRun = {
  hasCompletedOnboarding: true,
  customApiKeyResponses: { approved: ['dummy'], rejected: [] },
  projects: { '/work': { hasTrustDialogAccepted: true } },
};

/** The version that the package says, or that stands in the path of an installation of its own; empty where neither does. */
function versionOf(file: string): string {
  const said = readManifest(dirname(file))?.version;
  return said ?? /(?:^|\/)(\d+\.\d+\.\d+)(?:\/|$)/.exec(file)?.[1] ?? '';
}
