import { readFileSync } from 'node:fs';
import { setTimeout as pass } from 'node:timers/promises';
import type { BenchResult } from './result.ts';
import { openSlice } from './slice.ts';

const SECONDS = Number(process.env['BENCH_IDLE_SECONDS'] ?? 60);
const TICKS_A_SECOND = 100;

/** What a core that has nothing to do takes: processor time as a share of one core, and memory. */
export async function run(): Promise<BenchResult[]> {
  const slice = await openSlice({ test: 'true', lint: 'none' });
  await slice.core.close();
  const core = await slice.place.start();
  try {
    const before = ticks(core.pid);
    await pass(SECONDS * 1000);
    const share = (ticks(core.pid) - before) / TICKS_A_SECOND / SECONDS;
    const memory =
      Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${core.pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
    const plain = { baseline: null, ratio: null, n: 1, p50: null, p95: null, p99: null };
    return [
      { name: 'idle-cpu', value: share * 100, unit: '% of a core', ...plain },
      { name: 'idle-memory', value: memory, unit: 'MB', ...plain },
    ];
  } finally {
    await core.stop();
    slice.place.remove();
  }
}

function ticks(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return Number(fields[11]) + Number(fields[12]);
}
