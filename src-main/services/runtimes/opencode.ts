import { dirname, join } from 'node:path';
import { z } from 'zod';
import { ok } from '../../contract/errors.ts';
import { acpDriver } from './acp-drive.ts';
import type { AgentProgram } from './agent-program.ts';
import { nativeProgram, readManifest } from './find-program.ts';

const inside = '/opt/agent/opencode/opencode';
const usualModel = 'anthropic/claude-sonnet-4-5';
const permission = { '*': 'ask', task: 'deny', question: 'deny', websearch: 'deny' } as const;

/** What stands in for a call that the model got wrong: a tool of the program's own that only says so. */
const Refusal = z.object({
  title: z.literal('Invalid Tool'),
  rawInput: z.strictObject({ tool: z.string(), error: z.string() }),
});

/** OpenCode over the Agent Client Protocol, told by its environment to ask before every call. */
export const opencode: AgentProgram = {
  name: 'opencode',
  title: 'OpenCode',
  install: 'opencode-ai',
  part: 'native program',
  tried: '1.18.33',
  capabilities: [
    ...['output', 'thoughts', 'tools', 'permissions', 'every call decided'],
    ...['plan', 'usage', 'context', 'interrupt', 'resume'],
  ],
  inside,
  locate: (named) => {
    const architecture = process.arch === 'arm64' ? 'linux-arm64' : 'linux-x64';
    const file = nativeProgram(named, join(`opencode-${architecture}`, 'bin', 'opencode'));
    if (file === undefined) return undefined;
    const version = readManifest(dirname(dirname(file)))?.version ?? '';
    return { file, version, source: file, start: [inside] };
  },
  use: (task) =>
    ok({
      environment: environmentAt(task.gatewayUrl, task.model ?? usualModel),
      parameters: ['acp', '--cwd', '/work', '--pure'],
    }),
  drive: acpDriver('every-call', (call) => Refusal.safeParse(call).success),
  desk: (gatewayUrl) => ({ environment: environmentAt(gatewayUrl, usualModel) }),
  login: {
    parameters: ['auth', 'login'],
    environment: own(),
    steps:
      'Choose the provider, open the address that it shows, sign in there, and paste what you are given. Which hosts that reaches hangs on the provider; models.dev has the list of providers.',
    hosts: ['models.dev'],
    then: { environment: own() },
  },
  logins: ['.local/share/opencode/auth.json'],
  sessions: ['.local/share/opencode'],
};

/** What holds whoever's model answers. */
function own(): Record<string, string> {
  return {
    OPENCODE_PERMISSION: JSON.stringify(permission),
    OPENCODE_DISABLE_PROJECT_CONFIG: '1',
    OPENCODE_PURE: '1',
    OPENCODE_DISABLE_AUTOUPDATE: '1',
    OPENCODE_DISABLE_LSP_DOWNLOAD: '1',
    OPENCODE_DISABLE_SHARE: '1',
  };
}

function environmentAt(gatewayUrl: string, model: string): Record<string, string> {
  return {
    // Of all places for settings this one wins, and the agent cannot change it.
    OPENCODE_CONFIG_CONTENT: JSON.stringify(settings(gatewayUrl, model)),
    OPENCODE_DISABLE_MODELS_FETCH: '1',
    OPENCODE_DISABLE_DEFAULT_PLUGINS: '1',
    ...own(),
  };
}

/** The providers by their own wire formats, each at the gateway, and the one model of the run. */
function settings(gatewayUrl: string, named: string): Record<string, unknown> {
  const model = named.includes('/') ? named : `${providerOf(named)}/${named}`;
  const [provider = '', id = ''] = [model.slice(0, model.indexOf('/')), model.slice(model.indexOf('/') + 1)];
  const options = {
    // The key is put on outside; the program only wants to see one.
    apiKey: 'dummy',
    baseURL: provider === 'google' ? `${gatewayUrl}/v1beta` : `${gatewayUrl}/v1`,
  };
  return {
    autoupdate: false,
    share: 'disabled',
    snapshot: false,
    // The answer to a question may take so long, in milliseconds.
    experimental: { mcp_timeout: 600_000 },
    model,
    small_model: model,
    enabled_providers: [provider],
    permission,
    provider: { [provider]: { npm: packages[provider], options, models: { [id]: { name: id } } } },
  };
}

const packages: Readonly<Record<string, string>> = {
  anthropic: '@ai-sdk/anthropic',
  google: '@ai-sdk/google',
  openai: '@ai-sdk/openai',
};

function providerOf(model: string): string {
  if (model.startsWith('gemini')) return 'google';
  return model.startsWith('claude') ? 'anthropic' : 'openai';
}
