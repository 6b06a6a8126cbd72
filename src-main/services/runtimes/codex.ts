import { dirname, join, relative } from 'node:path';
import { ok } from '../../contract/errors.ts';
import type { AgentProgram } from './agent-program.ts';
import { driveCodex } from './codex-drive.ts';
import { nativeProgram, readManifest } from './find-program.ts';
import type { Task } from './port.ts';

const inside = '/opt/agent/codex';
const own = [
  // What the repository holds of settings, rules and hooks for the program is not its own to say.
  'projects={"/work"={trust_level="untrusted"}}',
  'web_search="disabled"',
  'analytics.enabled=false',
  'check_for_update_on_startup=false',
];
/** The walls stand round the desk: the program's own inside them would stop what is meant to work there. */
const walled = 'sandbox_mode="danger-full-access"';

/** Codex over its app server's protocol, in which every command and every change of a file is asked of the host. */
export const codex: AgentProgram = {
  name: 'codex',
  title: 'Codex',
  install: '@openai/codex',
  part: 'native program',
  tried: '0.169.0',
  capabilities: [
    ...['output', 'thoughts', 'tools', 'permissions', 'every call decided', 'terms told'],
    ...['plan', 'usage', 'context', 'interrupt', 'resume'],
  ],
  inside,
  locate: (named) => {
    const file = nativeProgram(named, packaged());
    if (file === undefined) return undefined;
    // The program finds its companions beside itself.
    const beside = dirname(dirname(file));
    const manifest = readManifest(beside, 'codex-package.json');
    const source = manifest === undefined ? dirname(file) : beside;
    return { file, version: manifest?.version ?? '', source, start: [join(inside, relative(source, file))] };
  },
  use: (task) =>
    ok({
      environment: key,
      parameters: [
        'app-server',
        ...given([...settingsAt(task.gatewayUrl), ...serverOf(task)]),
        // Nothing that reaches out, outlives the run or works beside it.
        ...off.flatMap((feature) => ['--disable', feature]),
      ],
    }),
  drive: driveCodex,
  desk: (gatewayUrl) => ({ environment: key, parameters: given([...settingsAt(gatewayUrl), walled]) }),
  login: {
    parameters: ['login', '--device-auth'],
    environment: {},
    steps: 'Open the address that it shows, sign in there, and enter the code that stands beside it.',
    hosts: ['auth.openai.com', 'chatgpt.com'],
    then: { environment: {}, parameters: given([...own, walled]) },
  },
  logins: ['.codex/auth.json'],
  sessions: ['.codex/sessions'],
};

/** The key is put on outside; the program only wants to see one. */
const key = { OPENAI_API_KEY: 'dummy' };

function given(settings: readonly string[]): string[] {
  return settings.flatMap((setting) => ['-c', setting]);
}

function settingsAt(gatewayUrl: string): string[] {
  const provider = `{name="Atrium",base_url="${gatewayUrl}/v1",wire_api="responses",env_key="OPENAI_API_KEY",request_max_retries=3,stream_max_retries=3}`;
  return ['model_provider="atrium"', `model_providers.atrium=${provider}`, ...own];
}

/** The run's own tools, each call of which is asked of us. An answer to a question may take ten minutes. */
function serverOf({ tools }: Task): string[] {
  if (tools === null) return [];
  const text = JSON.stringify;
  const environment = Object.entries(tools.environment).map(([name, value]) => `${name}=${text(value)}`);
  const server = [
    `command=${text(tools.command)}`,
    `args=[${tools.args.map((each) => text(each)).join(',')}]`,
    `env={${environment.join(',')}}`,
    'default_tools_approval_mode="prompt"',
    'tool_timeout_sec=600',
    // Without it a turn may begin before its tools are there.
    'required=true',
    'startup_timeout_sec=60',
  ];
  return [`mcp_servers.${tools.name}={${server.join(',')}}`];
}

const off = [
  ...['apps', 'plugins', 'remote_plugin', 'hooks', 'memories', 'goals', 'multi_agent', 'multi_agent_v2'],
  ...['shell_snapshot', 'image_generation', 'browser_use', 'computer_use', 'tool_suggest', 'view_image'],
];

/** The program in the package of this system. */
function packaged(): string {
  const [architecture, triple] =
    process.arch === 'arm64'
      ? ['linux-arm64', 'aarch64-unknown-linux-musl']
      : ['linux-x64', 'x86_64-unknown-linux-musl'];
  return join('@openai', `codex-${architecture}`, 'vendor', triple, 'bin', 'codex');
}
