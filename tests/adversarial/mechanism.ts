/** The families of attacks; every one of them has mechanisms in the registry. */
export const FAMILIES = [
  'state writes',
  'links, renames and mounts',
  'planted git',
  'network',
  'environment and /proc',
  'sockets',
  'processes',
  'kernel calls',
  'forged words',
  'tests that say nothing',
  'hook sabotage',
  'wiki authority',
  'browser door',
  'hostile texts',
  'words carried out',
  'secrets',
  'plan gate',
  'human checkpoints',
  'questions',
  'agent protocols',
  'terminals',
] as const;
export type Family = (typeof FAMILIES)[number];

/** Where a wall stands: the tool call, the room round the process, the kernel's ruleset, the exits and entries. */
export type Layer = 'call' | 'room' | 'kernel' | 'exits';

/** One way to attack: what is done, not how it is spelt. Each has a test of the shipped walls and a control without its wall. */
export interface Mechanism {
  /** Unique, and stable: findings name it. */
  id: string;
  family: Family;
  /** What is tried: goes on after "a run tries to". */
  tries: string;
  /** The layers that stop it, each alone. */
  stoppedBy: readonly Layer[];
}
