import { join, relative } from 'node:path';
import { fail, ok } from '../../contract/errors.ts';
import { acpDriver } from './acp-drive.ts';
import type { AgentProgram } from './agent-program.ts';
import { fileAt, packageOf } from './find-program.ts';

const packageName = '@google/gemini-cli';
const inside = '/opt/agent/gemini';
const policyInside = '/opt/agent/gemini-policy.toml';
/** Without a model named, a side question that picks one comes first. */
const usualModel = 'gemini-2.5-pro';

/**
 * Gemini CLI over the Agent Client Protocol, told by a policy above its own settings to ask before every call.
 *
 * @param options.nodeInside Node's path inside the walls
 * @param options.appRoot Atrium's own folder, whose `node_modules` may hold it
 */
export function gemini(options: { nodeInside: string; appRoot: string }): AgentProgram {
  return {
    name: 'gemini',
    title: 'Gemini CLI',
    install: packageName,
    part: 'file',
    tried: '0.61.0',
    capabilities: [
      ...['output', 'thoughts', 'tools', 'permissions', 'every call decided'],
      ...['plan', 'usage', 'interrupt'],
    ],
    inside,
    locate: (named) => {
      const own = join(options.appRoot, 'node_modules', packageName, 'bundle', 'gemini.js');
      const file = fileAt(named ?? own);
      const found = file === undefined ? undefined : packageOf(file, packageName);
      if (file === undefined || found === undefined) return undefined;
      const start = [options.nodeInside, join(inside, relative(found.folder, file))];
      return { file, version: found.version, source: found.folder, start };
    },
    use: (task) => {
      const policy = fileAt(join(options.appRoot, 'resources', 'runtimes', 'gemini-policy.toml'));
      if (policy === undefined) {
        const message = "Atrium's own file resources/runtimes/gemini-policy.toml is missing.";
        return fail('runtime-missing', message, 'Install Atrium again.');
      }
      return ok({
        environment: environmentAt(task.gatewayUrl),
        parameters: [
          ...['--acp', '--approval-mode', 'default', '-m', task.model ?? usualModel],
          ...['--admin-policy', policyInside],
        ],
        homeFiles,
        // Read-only, so that the agent cannot take back what it must ask for.
        mounts: [{ source: policy, target: policyInside, access: 'read' }],
      });
    },
    drive: acpDriver('every-call'),
    desk: (gatewayUrl) => ({ environment: environmentAt(gatewayUrl), homeFiles }),
    login: {
      parameters: [],
      environment: { ...quiet, NO_BROWSER: 'true' },
      steps:
        'Choose to log in with Google, open the address that it shows, sign in there, and paste the code that you are given; then leave it by /quit.',
      hosts: [
        ...['accounts.google.com', 'oauth2.googleapis.com', 'www.googleapis.com'],
        'cloudcode-pa.googleapis.com',
      ],
      then: { environment: quiet },
    },
    logins: ['.gemini/oauth_creds.json', '.gemini/google_accounts.json'],
    // It goes through a session's past again after it has taken it up, where what was is not told from what is.
    sessions: [],
  };
}

const quiet = { GEMINI_CLI_NO_RELAUNCH: 'true' };

function environmentAt(gatewayUrl: string): Record<string, string> {
  return {
    GOOGLE_GEMINI_BASE_URL: gatewayUrl,
    // The key is put on outside; the program only wants to see one.
    GEMINI_API_KEY: 'dummy',
    ...quiet,
  };
}

const settings = {
  general: { enableAutoUpdate: false, enableAutoUpdateNotification: false, maxAttempts: 3 },
  security: { auth: { selectedType: 'gemini-api-key' }, folderTrust: { enabled: false } },
  telemetry: { enabled: false },
  privacy: { usageStatisticsEnabled: false },
};
const homeFiles = [{ path: '.gemini/settings.json', content: `${JSON.stringify(settings, null, 2)}\n` }];
