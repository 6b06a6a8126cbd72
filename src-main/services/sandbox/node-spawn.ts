import { spawn } from 'node:child_process';
import { closeSync, constants, openSync } from 'node:fs';
import { inheritableDescriptors } from './descriptors.ts';
import { SandboxError } from './failure.ts';
import type { SpawnPort } from './profile.ts';

const HIGHEST_DESCRIPTOR = 65_536;

/**
 * Node's own `spawn`, and nothing that this process was itself started with passed on: Node closes its own descriptors at exec,
 * others are covered with /dev/null. Its pipes are sockets, which nobody can open by their path.
 */
export const spawnByNode: SpawnPort = (file, args, { env, cwd, stdio: named, detached }) => {
  const stdio: ('pipe' | 'ignore' | number)[] = [...named];
  const strays = inheritableDescriptors().filter((descriptor) => descriptor >= stdio.length);
  const highest = Math.max(...strays, 0);
  if (highest > HIGHEST_DESCRIPTOR) {
    throw new SandboxError(
      'launch-failed',
      `File descriptor ${highest} was left open by whoever started this process and would reach the sandbox.`,
      'Start the core from a shell or service manager that leaves no descriptors open.',
    );
  }
  const nothing = strays.length === 0 ? null : openSync('/dev/null', constants.O_RDWR);
  try {
    while (stdio.length <= highest) stdio.push('ignore');
    for (const descriptor of strays) if (nothing !== null) stdio[descriptor] = nothing;
    return spawn(file, args, { env, cwd, stdio, detached });
  } finally {
    if (nothing !== null) closeSync(nothing);
  }
};
