import { parentPort } from 'node:worker_threads';
import { proveLog, type LogTask } from './log-proof.ts';

/** A worker thread that proves logs: what takes long there keeps no keystroke waiting here. */
parentPort?.on('message', ({ id, task }: { id: number; task: LogTask }) => {
  parentPort?.postMessage({ id, proof: proveLog(task) });
});
