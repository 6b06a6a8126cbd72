import type { AcpAgentConfig } from '../../contract/config.ts';
import { fail, ok } from '../../contract/errors.ts';
import { existsSync } from 'node:fs';
import { acpDriver } from './acp-drive.ts';
import { probed } from './agent-program.ts';
import type { Runtime } from './port.ts';

/**
 * An agent of the operator's own choice that speaks the Agent Client Protocol. What it asks leave for is decided before the call,
 * what it does without asking when it is seen: then a denial ends the run.
 */
export function createAcpAgentRuntime(options: {
  name: string;
  agent: AcpAgentConfig;
  now(): number;
}): Runtime {
  const { name, agent } = options;
  const lost = (): string | undefined => agent.mounts.find(({ source }) => !existsSync(source))?.source;
  const hint = `Mend acpAgents.${name}.mounts in workspace.yaml.`;
  return {
    name: `acp-${name}`,
    title: `${name} (ACP)`,
    probe: () => {
      const missing = lost();
      if (missing !== undefined)
        return probed(options.now, { absent: `${missing} was not found, which ${name} needs. ${hint}` });
      return probed(options.now, {
        version: '',
        detail: `Declared in workspace.yaml: ${agent.command}`,
        capabilities: ['output', 'tools', 'permissions', 'what it asks decided', 'interrupt'],
      });
    },
    prepare: (task) => {
      const missing = lost();
      if (missing !== undefined) return fail('runtime-missing', `${missing} was not found.`, hint);
      return ok({
        mounts: agent.mounts.map((mount) => ({ ...mount, access: 'read' })),
        environment: {
          // The keys are put on outside; a program only wants to see one.
          ANTHROPIC_BASE_URL: task.gatewayUrl,
          ANTHROPIC_API_KEY: 'dummy',
          OPENAI_BASE_URL: `${task.gatewayUrl}/v1`,
          OPENAI_API_KEY: 'dummy',
          GOOGLE_GEMINI_BASE_URL: task.gatewayUrl,
          GEMINI_API_KEY: 'dummy',
          ...(task.model === null ? {} : { ATRIUM_MODEL: task.model }),
          ...agent.environment,
        },
        command: ['/bin/sh', '-c', `exec ${agent.command}`],
        homeFiles: [],
      });
    },
    drive: acpDriver('some-calls'),
  };
}
