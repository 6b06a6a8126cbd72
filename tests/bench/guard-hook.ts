import { laySiege, loot, nodeProgram } from '../adversarial/siege.ts';
import type { BenchResult } from './result.ts';
import { percentile } from './result.ts';
import { openSlice } from './slice.ts';

const CALLS = Number(process.env['BENCH_GUARD_CALLS'] ?? 60);

/** The same rule as the guard's first: ticket files are not written. */
const PYTHON = `
import json, sys
call = json.load(sys.stdin)
path = call["tool_input"].get("file_path", "")
if path.rsplit("/", 1)[-1] in ("tickets.json", "tickets.jsonl"):
    print("tickets change only through Atrium", file=sys.stderr)
    sys.exit(2)
`;
const NODE = `
let text = '';
process.stdin.on('data', (piece) => (text += piece)).on('end', () => {
  const path = JSON.parse(text).tool_input.file_path ?? '';
  if (['tickets.json', 'tickets.jsonl'].includes(path.split('/').at(-1))) {
    console.error('tickets change only through Atrium');
    process.exit(2);
  }
});
`;

/** Inside a run, in turns: a call over the run's socket, and the script hooks that it is measured against. */
const MEASURE = `
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
writeFileSync('/tmp/hook.py', ${JSON.stringify(PYTHON)});
writeFileSync('/tmp/hook.mjs', ${JSON.stringify(NODE)});
const input = { hook_event_name: 'PreToolUse', tool_name: 'Edit', tool_input: { file_path: '/work/src/file-1.js' }, cwd: '/work' };
const agent = new Agent({ keepAlive: true });
const ask = () => new Promise((done, failed) => {
  const call = request({ agent, socketPath: process.env.ATRIUM_SOCKET, path: '/api/run/guard', method: 'POST', headers: { 'content-type': 'application/json' } }, (response) => {
    let text = '';
    response.on('data', (piece) => (text += piece)).on('end', () => done(JSON.parse(text).decision));
  });
  call.on('error', failed);
  call.end(JSON.stringify({ event: 'PreToolUse', input }));
});
const script = (program, file) => spawnSync(program, [file], { input: JSON.stringify(input) }).status === 0 ? 'allow' : 'deny';
const ways = {
  guard: ask,
  python: () => script('python3', '/tmp/hook.py'),
  node: () => script(process.execPath, '/tmp/hook.mjs'),
};
const taken = { guard: [], python: [], node: [] };
for (let n = 0; n < ${CALLS} + 3; n += 1)
  for (const [name, decide] of Object.entries(ways)) {
    const began = performance.now();
    const decision = await decide();
    if (decision !== 'allow') throw new Error(name + ' answered ' + decision);
    if (n >= 3) taken[name].push(performance.now() - began);
  }
agent.destroy();
console.log('LOOT ' + JSON.stringify(taken));
`;

/** One tool call through the live hook path of a run, beside the same rule as a Python and as a Node script hook. */
export async function run(): Promise<BenchResult[]> {
  const slice = await openSlice({ test: 'true', lint: 'none' });
  const siege = laySiege(slice.core);
  try {
    const measured = await siege.attack('label', {
      title: 'measure',
      acceptance: ['true'],
      command: nodeProgram(MEASURE),
    });
    const taken = loot<Record<'guard' | 'python' | 'node', number[]>>(measured);
    const value = percentile(taken.guard, 0.5) ?? 0;
    return (['python', 'node'] as const).map((name) => {
      const baseline = percentile(taken[name], 0.5) ?? 0;
      return {
        name: `guard-hook-${name}`,
        value,
        unit: 'ms',
        baseline,
        ratio: value / baseline,
        n: taken.guard.length,
        p50: value,
        p95: percentile(taken.guard, 0.95),
        p99: percentile(taken.guard, 0.99),
      };
    });
  } finally {
    await siege.end();
    await slice.close();
  }
}
