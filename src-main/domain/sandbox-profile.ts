import type { AgentContract } from '../contract/config.ts';
import { branchOfTicket, type TicketId } from '../contract/ids.ts';
import { INSIDE } from './inside.ts';
import { kernelWall, type KernelWall } from './kernel-wall.ts';

export type Mount =
  | { kind: 'bind'; source: string; target: string; access: 'read' | 'write' }
  | { kind: 'tmpfs'; target: string; sizeMb: number };

export interface SandboxProfile {
  name: string;
  mounts: Mount[];
  workdir: string;
  environment: Record<string, string>;
  socket: { source: string } | null;
  limits: {
    memoryMb: number;
    processes: number;
    temporaryMb: number;
    /** What all trees of the same group take together. */
    together?: { group: string; memoryMb: number; processes: number } | undefined;
  };
  identity: { uid: number; gid: number } | null;
  /** What the kernel layer lets through, whatever is mounted. */
  kernel: KernelWall;
}

/** Room for what tools keep beside their dependencies while a run lasts. */
const CACHE_MB = 256;

/** What a profile is made from, beside the contract: places on this machine, all absolute. */
export interface ProfileFacts {
  name: string;
  /** Host folder of the checkout. */
  checkout: string;
  /** Host folder of the objects that the checkout borrows. */
  baseObjects: string;
  /** Folders made by setup, mounted read-only over the checkout; each holds an empty `.cache` for what tools write there. */
  prepared: { path: string; source: string }[];
  /** What a run finds as `atrium`, on the host. */
  tools: string;
  /** Host folder of the bundled `atrium mcp`; null where it is not built. */
  protocol?: string | null;
  /** What an agent program is there for. */
  stage?: 'plan' | 'review' | 'work' | 'verify';
  /** Host folder of the agent's home in this brand; a fresh one in memory where there is none. */
  home: string | null;
  socket: string | null;
  ticket: TicketId | null;
  base: string | null;
  limits: SandboxProfile['limits'];
  /** Variables that make programs trust the certificate authorities that this machine trusts. */
  trust: Record<string, string>;
  identity: SandboxProfile['identity'];
  /** A sealed brand's run starts only with every layer, and has no TCP port but the gateway's and `ports`. */
  sealed: boolean;
  ports: readonly number[];
  /** What the agent program needs: it can be read, never written. */
  program: {
    mounts: { source: string; target: string; access: 'read' | 'write' }[];
    environment: Record<string, string>;
  };
}

/**
 * The room of a run, from its contract: what exists in it and what can be written. It names nothing of another brand, of
 * Atrium's state or of the operator's home, because it is given none of them.
 */
export function sandboxProfile(contract: AgentContract, facts: ProfileFacts): SandboxProfile {
  const mayWrite = contract.writes.includes('checkout');
  const mounts: Mount[] = [];
  if (contract.reads.includes('checkout')) {
    mounts.push({
      kind: 'bind',
      source: facts.checkout,
      target: INSIDE.checkout,
      access: mayWrite ? 'write' : 'read',
    });
    mounts.push({ kind: 'bind', source: facts.baseObjects, target: INSIDE.base, access: 'read' });
    for (const { path, source } of facts.prepared) {
      const target = `${INSIDE.checkout}/${path}`;
      mounts.push({ kind: 'bind', source, target, access: 'read' });
      mounts.push({ kind: 'tmpfs', target: `${target}/.cache`, sizeMb: CACHE_MB });
    }
  }
  mounts.push({ kind: 'bind', source: facts.tools, target: INSIDE.tools, access: 'read' });
  if (facts.protocol)
    mounts.push({ kind: 'bind', source: facts.protocol, target: INSIDE.protocol, access: 'read' });
  if (facts.home) mounts.push({ kind: 'bind', source: facts.home, target: INSIDE.home, access: 'write' });
  for (const mount of facts.program.mounts) mounts.push({ kind: 'bind', ...mount, access: 'read' });
  return {
    name: facts.name,
    mounts,
    workdir: contract.reads.includes('checkout') ? INSIDE.checkout : INSIDE.home,
    environment: {
      PATH: `${INSIDE.tools}/bin:/opt/node/bin:/usr/local/bin:/usr/bin:/bin`,
      ...facts.trust,
      ...facts.program.environment,
      ...(facts.ticket ? { ATRIUM_TICKET: facts.ticket, ATRIUM_BRANCH: branchOfTicket(facts.ticket) } : {}),
      ...(facts.stage ? { ATRIUM_STAGE: facts.stage } : {}),
      ...(facts.base ? { ATRIUM_BASE: facts.base } : {}),
    },
    socket: contract.calls.length > 0 && facts.socket ? { source: facts.socket } : null,
    limits: facts.limits,
    identity: facts.identity,
    kernel: kernelWall(contract, facts),
  };
}
