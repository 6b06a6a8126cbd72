import { spawnSync } from 'node:child_process';
import type { BenchResult } from './result.ts';
import { percentile } from './result.ts';
import { approve, openSlice, runDay, timeOf } from './slice.ts';

const TICKETS = Number(process.env['BENCH_GATE_TICKETS'] ?? 12);

/** The gate's own time from candidate to merge, round a test command that does nothing; beside that command bare. */
export async function run(): Promise<BenchResult[]> {
  const slice = await openSlice({ test: 'true', lint: 'none' });
  try {
    const gate: number[] = [];
    const bare: number[] = [];
    for (let n = 0; n < TICKETS; n += 1) {
      const ticket = await approve(slice.core.client, {
        title: `File ${n}`,
        acceptance: ['true'],
        command: `echo ${n} > made-${n}.txt`,
      });
      await runDay(slice.core.client);
      gate.push(
        (await timeOf(slice.core.client, ticket, 'ticket.merged')) -
          (await timeOf(slice.core.client, ticket, 'ticket.submitted')),
      );
      const began = performance.now();
      spawnSync('/bin/sh', ['-c', 'true']);
      spawnSync('/bin/sh', ['-c', 'true']);
      bare.push(performance.now() - began);
    }
    const value = percentile(gate, 0.5) ?? 0;
    const baseline = percentile(bare, 0.5) ?? 0;
    return [
      {
        name: 'gate',
        value,
        unit: 'ms',
        baseline,
        ratio: value / baseline,
        n: gate.length,
        p50: value,
        p95: percentile(gate, 0.95),
        p99: percentile(gate, 0.99),
      },
    ];
  } finally {
    await slice.close();
  }
}
