import type { AcpAgentConfig } from '../../contract/config.ts';
import { createAcpAgentRuntime } from './acp-agent.ts';
import { agentRuntime } from './agent-program.ts';
import { claude } from './claude.ts';
import { codex } from './codex.ts';
import { gemini } from './gemini.ts';
import { opencode } from './opencode.ts';
import { createCommandRuntime, createScriptedRuntime } from './own-programs.ts';
import type { Runtime } from './port.ts';

export type {
  DeskProgram,
  DriveHooks,
  LaunchedProcess,
  PermissionDecision,
  PermissionRequest,
  Runtime,
  RuntimeEvent,
  RuntimeNeeds,
  RuntimeOutcome,
  RuntimeProbe,
  Task,
  ToolKind,
  ToolServer,
} from './port.ts';

/**
 * Makes all runtimes, present or not. Nothing is looked for before a runtime is probed or prepares a task.
 *
 * @param options.programs where agent programs are, when they are not to be looked for
 * @param options.acpAgents further agents over ACP, by name
 * @param options.nodeInside Node's path inside the walls
 * @param options.path the PATH to look in
 * @param options.appRoot Atrium's own folder: its `resources/run`, and its `node_modules`, which may hold Gemini CLI
 * @param options.now the clock that dates a probe, in milliseconds
 */
export function createRuntimes(options: {
  programs: { gemini?: string; claude?: string; codex?: string; opencode?: string };
  acpAgents?: Readonly<Record<string, AcpAgentConfig>>;
  nodeInside: '/opt/node/bin/node';
  path: string;
  appRoot: string;
  now?: () => number;
}): Runtime[] {
  const { nodeInside, path, appRoot, programs } = options;
  const now = options.now ?? Date.now;
  return [
    createCommandRuntime({ nodeInside, appRoot, now }),
    createScriptedRuntime({ nodeInside, appRoot, now }),
    ...[gemini({ nodeInside, appRoot }), claude, codex, opencode].map((agent) =>
      agentRuntime(agent, { program: programs[agent.name], path, now }),
    ),
    ...Object.entries(options.acpAgents ?? {}).map(([name, agent]) =>
      createAcpAgentRuntime({ name, agent, now }),
    ),
  ];
}
