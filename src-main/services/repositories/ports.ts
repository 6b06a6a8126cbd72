/** Where the sandbox shows a checkout. */
export const CHECKOUT_INSIDE = '/work';
/** Where the sandbox shows the objects that a checkout borrows. */
export const BASE_INSIDE = '/opt/atrium/base';

/**
 * Runs a command inside the walls with `checkout` bound at `/work` (its working folder) and `baseObjects` bound read-only at
 * `/opt/atrium/base`. No network; `/usr` is there. What it prints is an agent's word: nothing in it is trusted.
 */
export type SandboxedCommand = (input: {
  checkout: string;
  access: 'read' | 'write';
  baseObjects: string;
  command: string[];
  stdin?: string;
  timeoutMs: number;
  maxOutputBytes: number;
  onOutput?(stream: 'stdout' | 'stderr', chunk: Buffer): void;
}) => Promise<{
  outcome: 'exited' | 'timeout' | 'output-limit' | 'killed';
  code: number | null;
  stdout: Buffer;
  stderr: Buffer;
}>;
