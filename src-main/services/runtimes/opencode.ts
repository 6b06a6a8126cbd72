import { dirname, join } from 'node:path';
import { z } from 'zod';
import { fail, ok } from '../../contract/errors.ts';
import { acpDriver } from './acp-drive.ts';
import { fileAt, findOnPath, isNativeProgram, readManifest } from './find-program.ts';
import type { Runtime } from './port.ts';

const inside = '/opt/agent/opencode/opencode';
const triedVersion = '1.18.33';
const usualModel = 'anthropic/claude-sonnet-4-5';

/** OpenCode over the Agent Client Protocol, told by its environment to ask before every call. */
export function createOpenCodeRuntime(options: {
  program: string | undefined;
  path: string;
  now(): number;
}): Runtime {
  const where = options.program === undefined ? 'on PATH' : `at ${options.program}`;
  const absent = `OpenCode was not found ${where}: install opencode-ai, or name its native program in workspace.yaml under programs.opencode.`;
  const find = (): { file: string; version: string } | undefined => {
    const named = options.program ?? findOnPath(options.path, 'opencode');
    const file = named === undefined ? undefined : nativeProgram(named);
    if (file === undefined) return undefined;
    return { file, version: readManifest(dirname(dirname(file)))?.version ?? '' };
  };

  return {
    name: 'opencode',
    title: 'OpenCode',
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
          ...['output', 'thoughts', 'tools', 'permissions', 'every call decided'],
          ...['plan', 'usage', 'context', 'interrupt', 'resume'],
        ],
      });
    },
    prepare: (task) => {
      const found = find();
      if (found === undefined) return fail('runtime-missing', `OpenCode was not found ${where}.`, absent);
      return ok({
        mounts: [{ source: found.file, target: inside, access: 'read' }],
        environment: environmentAt(task.gatewayUrl, task.model ?? usualModel),
        command: [inside, 'acp', '--cwd', '/work', '--pure'],
        homeFiles: [],
        sessions: ['.local/share/opencode'],
      });
    },
    drive: acpDriver('every-call', isRefusal),
    desk: (gatewayUrl) => {
      const found = find();
      if (found === undefined) return null;
      return {
        mounts: [{ source: found.file, target: inside, access: 'read' }],
        environment: environmentAt(gatewayUrl, usualModel),
        command: [inside],
        homeFiles: [],
      };
    },
    logins: ['.local/share/opencode/auth.json'],
  };
}

function environmentAt(gatewayUrl: string, model: string): Record<string, string> {
  return {
    // Of all places for settings this one wins, and the agent cannot change it.
    OPENCODE_CONFIG_CONTENT: JSON.stringify(settings(gatewayUrl, model)),
    OPENCODE_PERMISSION: JSON.stringify(permission),
    OPENCODE_DISABLE_PROJECT_CONFIG: '1',
    OPENCODE_PURE: '1',
    OPENCODE_DISABLE_AUTOUPDATE: '1',
    OPENCODE_DISABLE_MODELS_FETCH: '1',
    OPENCODE_DISABLE_LSP_DOWNLOAD: '1',
    OPENCODE_DISABLE_DEFAULT_PLUGINS: '1',
    OPENCODE_DISABLE_SHARE: '1',
  };
}

const permission = { '*': 'ask', task: 'deny', question: 'deny', websearch: 'deny' } as const;

/** What stands in for a call that the model got wrong: a tool of the program's own that only says so. */
const Refusal = z.object({
  title: z.literal('Invalid Tool'),
  rawInput: z.strictObject({ tool: z.string(), error: z.string() }),
});
const isRefusal = (call: unknown): boolean => Refusal.safeParse(call).success;

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

/** The native program behind a name: the file itself, or the one in the package of this system beside an npm package's script. */
function nativeProgram(named: string): string | undefined {
  const file = fileAt(named);
  if (file === undefined) return undefined;
  if (isNativeProgram(file)) return file;
  const architecture = process.arch === 'arm64' ? 'linux-arm64' : 'linux-x64';
  for (let folder = dirname(file); folder !== dirname(folder); folder = dirname(folder)) {
    const beside = fileAt(join(folder, 'node_modules', `opencode-${architecture}`, 'bin', 'opencode'));
    if (beside !== undefined && isNativeProgram(beside)) return beside;
  }
  return undefined;
}
