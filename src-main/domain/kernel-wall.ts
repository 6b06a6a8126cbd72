import type { AgentContract } from '../contract/config.ts';
import { INSIDE } from './inside.ts';
import type { ProfileFacts } from './sandbox-profile.ts';

/**
 * What the kernel layer lets a run use, beside the system that every sandbox has: trees and ports by their names inside. It is
 * computed from the contract by rules of its own, never from the mounts: what a mistake there shows, this still denies.
 */
export interface KernelWall {
  /** Trees that may be read and executed. */
  read: string[];
  /** Trees that may be changed in every way. */
  write: string[];
  /**
   * TCP ports that the run may listen on and reach, beside the gateway's. Null: any. The kernel tells ports apart and not
   * machines, so that any of them may be the host's where the room does not hold.
   */
  ports: readonly number[] | null;
  /** Nothing starts where this machine's kernel cannot hold all of it. */
  required: boolean;
}

/** The part of a profile's facts that the kernel layer goes by. */
export type KernelFacts = Pick<ProfileFacts, 'prepared' | 'program' | 'protocol' | 'sealed' | 'ports'>;

/**
 * The kernel layer of a run. A sealed brand's runs have the ports that its `brand.yaml` names and no other; the runs of other
 * brands may use any on their private loopback, for half of all test suites start a server.
 */
export function kernelWall(contract: AgentContract, facts: KernelFacts): KernelWall {
  const seesCheckout = contract.reads.includes('checkout');
  const changesCheckout = seesCheckout && contract.writes.includes('checkout');
  const read = [
    INSIDE.tools,
    ...(facts.protocol ? [INSIDE.protocol] : []),
    ...facts.program.mounts.map((mount) => mount.target),
  ];
  const write: string[] = [INSIDE.home];
  if (seesCheckout) {
    read.push(INSIDE.base);
    (changesCheckout ? write : read).push(INSIDE.checkout);
    write.push(...facts.prepared.map(({ path }) => `${INSIDE.checkout}/${path}/.cache`));
  }
  return { read, write, ports: facts.sealed ? facts.ports : null, required: facts.sealed };
}
