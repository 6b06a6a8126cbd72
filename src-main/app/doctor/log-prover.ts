import { dirname, extname, join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { BrandLogProof, LogTask, StoreProof } from './log-proof.ts';

/** Proves logs in a thread of its own, which is there from the first task until it is closed. */
export interface LogProver {
  workspace(task: Extract<LogTask, { kind: 'workspace' }>): Promise<StoreProof>;
  brand(task: Extract<LogTask, { kind: 'brand' }>): Promise<BrandLogProof>;
  /** Ends the thread; what has not come to its end is rejected. */
  close(): Promise<void>;
}

/** The worker's file: beside this one, or, of a built core, beside its entry. */
function workerFile(appRoot: string): string {
  const self = import.meta.filename;
  return extname(self) === '.ts'
    ? join(dirname(self), 'log-worker.ts')
    : join(appRoot, 'out', 'main', 'log-worker.js');
}

export function createLogProver(appRoot: string): LogProver {
  const waiting = new Map<number, { done(proof: unknown): void; failed(error: Error): void }>();
  let worker: Worker | undefined;
  let next = 0;

  const failAll = (error: Error) => {
    for (const { failed } of waiting.values()) failed(error);
    waiting.clear();
  };
  const start = (): Worker => {
    // What this process was started with, such as a script on its command line, is none of the thread's business.
    const started = new Worker(workerFile(appRoot), { execArgv: [] });
    started.on('message', ({ id, proof }: { id: number; proof: unknown }) => {
      waiting.get(id)?.done(proof);
      waiting.delete(id);
    });
    started.on('error', failAll);
    started.on('exit', () => failAll(new Error('the thread that proves logs ended')));
    return started;
  };
  const ask = (task: LogTask): Promise<unknown> =>
    new Promise((done, failed) => {
      worker ??= start();
      next += 1;
      waiting.set(next, { done, failed });
      worker.postMessage({ id: next, task });
    });

  return {
    workspace: async (task) => (await ask(task)) as StoreProof,
    brand: async (task) => (await ask(task)) as BrandLogProof,
    close: async () => void (await worker?.terminate()),
  };
}
