import type { Sandbox, SandboxProbe } from '../services/sandbox/index.ts';

/** How long a trial that succeeded stands, in milliseconds; each run's launch proves its walls anew. */
const STANDS_MS = 60_000;

/**
 * Tries whether anything can be started behind walls. A trial that succeeded stands for a minute while the programs that it was
 * made with are the same.
 * @param clock milliseconds, from any beginning
 */
export function createSandboxTrial(
  sandbox: Pick<Sandbox, 'probe' | 'stamp'>,
  clock: () => number,
): () => Promise<SandboxProbe> {
  let succeeded: { probe: SandboxProbe; stamp: string; at: number } | null = null;
  return async () => {
    const stamp = sandbox.stamp();
    if (succeeded?.stamp === stamp && clock() - succeeded.at < STANDS_MS) return succeeded.probe;
    const probe = await sandbox.probe();
    succeeded = probe.available ? { probe, stamp, at: clock() } : null;
    return probe;
  };
}
