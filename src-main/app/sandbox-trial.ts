import type { Sandbox } from '../services/sandbox/index.ts';

/** How long a trial that succeeded lets tickets be taken up, in milliseconds; each run's launch proves its walls anew. */
const STANDS_MS = 60_000;

/**
 * Says whether anything can be started behind walls: null, or one sentence why not and what to do. A trial that succeeded
 * stands for a minute while the programs that it was made with are the same.
 * @param clock milliseconds, from any beginning
 */
export function createSandboxTrial(
  sandbox: Pick<Sandbox, 'probe' | 'stamp'>,
  clock: () => number,
): () => Promise<string | null> {
  let succeeded: { stamp: string; at: number } | null = null;
  return async () => {
    const stamp = sandbox.stamp();
    if (succeeded?.stamp === stamp && clock() - succeeded.at < STANDS_MS) return null;
    const probe = await sandbox.probe();
    succeeded = probe.available ? { stamp, at: clock() } : null;
    return probe.available ? null : `${probe.message} ${probe.hint}`;
  };
}
