import type { DriveHooks, LaunchedProcess, RuntimeOutcome, Task } from './port.ts';
import { supervise } from './supervise.ts';

/** Drives Claude Code. */
export function driveClaude(
  process: LaunchedProcess,
  _task: Task,
  hooks: DriveHooks,
): Promise<RuntimeOutcome> {
  return supervise(process, hooks, () => Promise.reject(new Error('not yet')));
}
