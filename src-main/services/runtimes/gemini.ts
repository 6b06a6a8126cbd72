import { join, relative } from 'node:path';
import { fail, ok } from '../../contract/errors.ts';
import { acpDriver } from './acp-drive.ts';
import { fileAt, findOnPath, packageOf } from './find-program.ts';
import type { FoundPackage } from './find-program.ts';
import type { Runtime } from './port.ts';

const packageName = '@google/gemini-cli';
const inside = '/opt/agent/gemini';
const policyInside = '/opt/agent/gemini-policy.toml';
/** Without a model named, a side question that picks one comes first. */
const usualModel = 'gemini-2.5-pro';
const triedVersion = '0.61.0';

/** Gemini CLI over the Agent Client Protocol. */
export function createGeminiRuntime(options: {
  program: string | undefined;
  nodeInside: string;
  path: string;
  appRoot: string;
  now(): number;
}): Runtime {
  const find = (): FoundPackage | undefined => {
    const own = join(options.appRoot, 'node_modules', packageName, 'bundle', 'gemini.js');
    const named = options.program ?? findOnPath(options.path, 'gemini') ?? own;
    const file = fileAt(named);
    return file === undefined ? undefined : packageOf(file, packageName);
  };
  const where = options.program === undefined ? 'on PATH' : `at ${options.program}`;
  const absent = `Gemini CLI was not found ${where}: install ${packageName}, or name its file in workspace.yaml under programs.gemini.`;

  return {
    name: 'gemini',
    title: 'Gemini CLI',
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
        detail: `Found at ${found.entry}.${tried}`,
        probedAt,
        capabilities: [
          ...['output', 'thoughts', 'tools', 'permissions', 'every call decided'],
          ...['plan', 'usage', 'interrupt', 'resume'],
        ],
      });
    },
    prepare: (task) => {
      const found = find();
      if (found === undefined) return fail('runtime-missing', `Gemini CLI was not found ${where}.`, absent);
      const policy = fileAt(join(options.appRoot, 'resources', 'runtimes', 'gemini-policy.toml'));
      if (policy === undefined) {
        const message = "Atrium's own file resources/runtimes/gemini-policy.toml is missing.";
        return fail('runtime-missing', message, 'Install Atrium again.');
      }
      const entry = join(inside, relative(found.folder, found.entry));
      const model = task.model ?? usualModel;
      return ok({
        mounts: [
          { source: found.folder, target: inside, access: 'read' },
          // Read-only, so that the agent cannot take back what it must ask for.
          { source: policy, target: policyInside, access: 'read' },
        ],
        environment: {
          GOOGLE_GEMINI_BASE_URL: task.gatewayUrl,
          // The key is put on outside; the program only wants to see one.
          GEMINI_API_KEY: 'dummy',
          GEMINI_CLI_NO_RELAUNCH: 'true',
        },
        command: [
          ...[options.nodeInside, entry, '--acp', '--approval-mode', 'default', '-m', model],
          ...['--admin-policy', policyInside],
        ],
        homeFiles: [{ path: '.gemini/settings.json', content: `${JSON.stringify(settings, null, 2)}\n` }],
        sessions: ['.gemini/tmp'],
      });
    },
    drive: acpDriver('every-call'),
    desk: (gatewayUrl) => {
      const found = find();
      if (found === undefined) return null;
      return {
        mounts: [{ source: found.folder, target: inside, access: 'read' }],
        environment: {
          GOOGLE_GEMINI_BASE_URL: gatewayUrl,
          GEMINI_API_KEY: 'dummy',
          GEMINI_CLI_NO_RELAUNCH: 'true',
        },
        command: [options.nodeInside, join(inside, relative(found.folder, found.entry))],
        homeFiles: [{ path: '.gemini/settings.json', content: `${JSON.stringify(settings, null, 2)}\n` }],
      };
    },
    logins: ['.gemini/oauth_creds.json', '.gemini/google_accounts.json'],
  };
}

const settings = {
  general: { enableAutoUpdate: false, enableAutoUpdateNotification: false, maxAttempts: 3 },
  security: { auth: { selectedType: 'gemini-api-key' }, folderTrust: { enabled: false } },
  telemetry: { enabled: false },
  privacy: { usageStatisticsEnabled: false },
};
