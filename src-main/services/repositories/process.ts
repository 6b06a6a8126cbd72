import type { Readable, Writable } from 'node:stream';
import { RepositoryFault } from './fault.ts';

/** What one child process gave back. */
export interface ProcessResult {
  outcome: 'exited' | 'timeout' | 'output-limit';
  /** The exit code; null where a signal ended it. */
  code: number | null;
  stdout: Buffer;
  stderr: string;
}

/** Starts a program by its absolute path as the first of a session; `spawn` of node:child_process does. */
export type SpawnPort = (
  file: string,
  args: string[],
  options: {
    env: Record<string, string>;
    cwd: string;
    stdio: ('pipe' | 'ignore' | number)[];
    detached: true;
  },
) => {
  readonly pid?: number | undefined;
  readonly stdin: Writable | null;
  readonly stdout: Readable | null;
  readonly stderr: Readable | null;
  kill(signal: NodeJS.Signals): boolean;
  once(event: 'close', listener: (code: number | null) => void): unknown;
  once(event: 'error', listener: (error: Error) => void): unknown;
};

export interface ProcessInput {
  spawn: SpawnPort;
  file: string;
  args: string[];
  cwd: string;
  env: Record<string, string>;
  /** What is written to its standard input, or an open file that is read from there; nothing where none is given. */
  stdin?: Buffer | string | { descriptor: number };
  /** An open file that takes the standard output; it is collected where none is given. */
  stdoutDescriptor?: number;
  timeoutMs: number;
  maxOutputBytes: number;
}

const STDERR_LIMIT = 64 * 1024;

/**
 * Runs one process in a session of its own (no terminal to ask on) and ends its whole group when its time or its output
 * is used up. Never throws for an exit code; throws `git-missing` where the file cannot be started.
 */
export function runProcess(input: ProcessInput): Promise<ProcessResult> {
  return new Promise((resolve, reject) => {
    const given = input.stdin;
    const child = input.spawn(input.file, input.args, {
      cwd: input.cwd,
      env: input.env,
      detached: true,
      stdio: [
        given === undefined
          ? 'ignore'
          : typeof given === 'object' && 'descriptor' in given
            ? given.descriptor
            : 'pipe',
        input.stdoutDescriptor ?? 'pipe',
        'pipe',
      ],
    });
    let outcome: ProcessResult['outcome'] = 'exited';
    const chunks: Buffer[] = [];
    let size = 0;
    let stderr = '';
    const end = (why: 'timeout' | 'output-limit'): void => {
      if (outcome !== 'exited') return;
      outcome = why;
      if (child.pid === undefined) return;
      try {
        process.kill(-child.pid, 'SIGKILL');
      } catch {
        child.kill('SIGKILL');
      }
    };
    const timer = setTimeout(() => end('timeout'), input.timeoutMs);
    child.once('error', (error) => {
      clearTimeout(timer);
      reject(new RepositoryFault('git-missing', `${input.file} could not be started: ${error.message}.`));
    });
    child.stdout?.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > input.maxOutputBytes) end('output-limit');
      else chunks.push(chunk);
    });
    child.stderr?.on('data', (chunk: Buffer) => {
      if (stderr.length < STDERR_LIMIT) stderr += chunk.toString('utf8');
    });
    if (child.stdin !== null && (typeof given === 'string' || Buffer.isBuffer(given))) {
      // A process that ends before it has read everything closes the pipe: its exit code says why.
      child.stdin.on('error', () => undefined);
      child.stdin.end(given);
    }
    child.once('close', (code) => {
      clearTimeout(timer);
      resolve({ outcome, code, stdout: Buffer.concat(chunks), stderr });
    });
  });
}
