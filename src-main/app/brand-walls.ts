import type { BrandConfig } from '../contract/config.ts';
import type { BrandId } from '../contract/ids.ts';
import { INSIDE } from '../domain/inside.ts';
import type { SandboxedCommand } from '../services/repositories/index.ts';
import type { Sandbox, SandboxProfile } from '../services/sandbox/index.ts';

/** What one tree of the brand may take, and all of them together. */
export function limitsOf(brand: BrandId, { limits }: Pick<BrandConfig, 'limits'>): SandboxProfile['limits'] {
  const { memoryMb, processes } = limits;
  const together = limits.together ?? { memoryMb: 4 * memoryMb, processes: 4 * processes };
  return { ...limits, together: { group: brand, ...together } };
}

/** What runs in a folder that an agent can write, for git's own plumbing: no network, no socket. */
export function plumbing(
  sandbox: Sandbox,
  shared: Pick<BrandConfig, 'sealed'> & Pick<SandboxProfile, 'limits' | 'identity'> & { brand: BrandId },
): SandboxedCommand {
  return (input) =>
    sandbox.run(
      {
        name: `${shared.brand} git`,
        mounts: [
          { kind: 'bind', source: input.checkout, target: INSIDE.checkout, access: input.access },
          { kind: 'bind', source: input.baseObjects, target: INSIDE.base, access: 'read' },
        ],
        workdir: INSIDE.checkout,
        environment: {},
        socket: null,
        // What an agent takes must not keep Atrium from looking at it.
        limits: { ...shared.limits, together: undefined },
        identity: shared.identity,
        kernel: {
          read: [INSIDE.base],
          write: [INSIDE.checkout, INSIDE.home],
          ports: [],
          required: shared.sealed,
        },
      },
      input.command,
      {
        timeoutMs: input.timeoutMs,
        maxOutputBytes: input.maxOutputBytes,
        ...(input.stdin === undefined ? {} : { stdin: input.stdin }),
        onOutput: (stream, chunk) => input.onOutput?.(stream, chunk),
      },
    );
}
