import { dirname, join, relative } from 'node:path';
import { fail, ok } from '../../contract/errors.ts';
import { driveCodex } from './codex-drive.ts';
import { fileAt, findOnPath, isNativeProgram, readManifest } from './find-program.ts';
import type { Runtime } from './port.ts';

const inside = '/opt/agent/codex';
const triedVersion = '0.169.0';

/** Codex over its app server's protocol, in which every command and every change of a file is asked of the host. */
export function createCodexRuntime(options: {
  program: string | undefined;
  path: string;
  now(): number;
}): Runtime {
  const where = options.program === undefined ? 'on PATH' : `at ${options.program}`;
  const absent = `Codex was not found ${where}: install @openai/codex, or name its native program in workspace.yaml under programs.codex.`;
  const find = (): { folder: string; file: string; version: string } | undefined => {
    const named = options.program ?? findOnPath(options.path, 'codex');
    const file = named === undefined ? undefined : nativeProgram(named);
    if (file === undefined) return undefined;
    // The program finds its companions beside itself.
    const beside = dirname(dirname(file));
    const packaged = readManifest(beside, 'codex-package.json');
    const folder = packaged === undefined ? dirname(file) : beside;
    return { folder, file, version: packaged?.version ?? '' };
  };

  return {
    name: 'codex',
    title: 'Codex',
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
      if (found === undefined) return fail('runtime-missing', `Codex was not found ${where}.`, absent);
      return ok({
        mounts: [{ source: found.folder, target: inside, access: 'read' }],
        environment: {
          // The key is put on outside; the program only wants to see one.
          OPENAI_API_KEY: 'dummy',
        },
        command: [
          join(inside, relative(found.folder, found.file)),
          'app-server',
          ...settingsAt(task.gatewayUrl).flatMap((setting) => ['-c', setting]),
          // Nothing that reaches out, outlives the run or works beside it.
          ...off.flatMap((feature) => ['--disable', feature]),
        ],
        homeFiles: [],
        sessions: ['.codex/sessions'],
      });
    },
    drive: driveCodex,
    desk: (gatewayUrl) => {
      const found = find();
      if (found === undefined) return null;
      const settings = [...settingsAt(gatewayUrl), 'sandbox_mode="danger-full-access"'];
      return {
        mounts: [{ source: found.folder, target: inside, access: 'read' }],
        environment: { OPENAI_API_KEY: 'dummy' },
        command: [
          join(inside, relative(found.folder, found.file)),
          ...settings.flatMap((setting) => ['-c', setting]),
        ],
        homeFiles: [],
      };
    },
    logins: ['.codex/auth.json'],
  };
}

function settingsAt(gatewayUrl: string): string[] {
  const provider = `{name="Atrium",base_url="${gatewayUrl}/v1",wire_api="responses",env_key="OPENAI_API_KEY",request_max_retries=3,stream_max_retries=3}`;
  return [
    'model_provider="atrium"',
    `model_providers.atrium=${provider}`,
    // What the repository holds of settings, rules and hooks for the program is not its own to say.
    'projects={"/work"={trust_level="untrusted"}}',
    'web_search="disabled"',
    'analytics.enabled=false',
    'check_for_update_on_startup=false',
  ];
}

const off = [
  ...['apps', 'plugins', 'remote_plugin', 'hooks', 'memories', 'goals', 'multi_agent', 'multi_agent_v2'],
  ...['shell_snapshot', 'image_generation', 'browser_use', 'computer_use', 'tool_suggest', 'view_image'],
];

/** The native program behind a name: the file itself, or the one in the package of this system beside an npm package's script. */
function nativeProgram(named: string): string | undefined {
  const file = fileAt(named);
  if (file === undefined) return undefined;
  if (isNativeProgram(file)) return file;
  const [architecture, triple] =
    process.arch === 'arm64'
      ? ['linux-arm64', 'aarch64-unknown-linux-musl']
      : ['linux-x64', 'x86_64-unknown-linux-musl'];
  for (let folder = dirname(file); folder !== dirname(folder); folder = dirname(folder)) {
    const owner = join(folder, 'node_modules', '@openai', `codex-${architecture}`);
    const beside = fileAt(join(owner, 'vendor', triple, 'bin', 'codex'));
    if (beside !== undefined && isNativeProgram(beside)) return beside;
  }
  return undefined;
}
