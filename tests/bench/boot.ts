import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { chromium } from '@playwright/test';
import { held, appRoot, nodePath } from '../support/workspace.ts';
import { approve, openSlice, runDay } from './slice.ts';
import type { BenchResult } from './result.ts';
import { percentile } from './result.ts';

const TICKETS = Number(process.env['BENCH_BOOT_TICKETS'] ?? 10_000);
const ROUNDS = 5;
const CHROMIUM = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
];

/** From the start of the process to a window that takes input, with one ticket and with many. */
export async function run(): Promise<BenchResult[]> {
  return [await boot('boot', 1), await boot('boot-many-tickets', TICKETS)];
}

async function boot(name: string, tickets: number): Promise<BenchResult> {
  const slice = await openSlice({ test: 'true', lint: 'none' });
  try {
    await approve(slice.core.client, { title: 'One', acceptance: ['true'], command: 'echo 1 > one.txt' });
    await runDay(slice.core.client);
    const [exported] = held(await slice.core.client.export({}));
    await slice.core.close();
    if (tickets > 1) await fill(slice.place, exported?.file ?? '', tickets);
    const samples: number[] = [];
    const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: CHROMIUM });
    try {
      for (let round = 0; round < ROUNDS; round += 1) samples.push(await once(slice.place, browser));
    } finally {
      await browser.close();
    }
    const value = percentile(samples, 0.5) ?? 0;
    return {
      name,
      value,
      unit: 'ms',
      baseline: null,
      ratio: null,
      n: ROUNDS,
      p50: value,
      p95: percentile(samples, 0.95),
      p99: null,
    };
  } finally {
    slice.place.remove();
  }
}

/** A second brand whose tickets come from an import. */
async function fill(
  place: Awaited<ReturnType<typeof openSlice>>['place'],
  exported: string,
  tickets: number,
): Promise<void> {
  const line = JSON.parse(readFileSync(exported, 'utf8').split('\n')[0] ?? '') as Record<string, unknown>;
  const file = path.join(place.around, 'many.jsonl');
  const lines = Array.from({ length: tickets }, (_, n) => JSON.stringify({ ...line, id: `T-many-${n + 1}` }));
  writeFileSync(file, `${lines.join('\n')}\n`);
  const repository = place.repository('many', { 'a.txt': 'a\n' });
  const core = await place.open();
  held(
    await core.client.brand.add({
      ...{ id: 'many', name: 'Many', repositories: [repository.path], sealed: false },
      ...{ setup: 'none', test: 'none', lint: 'none', count: 'exit' as const, confirmed: true },
    }),
  );
  held(await core.client.import({ brand: 'many', file }));
  await core.close();
}

async function once(
  place: { workspace: string; environment: NodeJS.ProcessEnv },
  browser: Awaited<ReturnType<typeof chromium.launch>>,
): Promise<number> {
  const page = await browser.newPage();
  const began = performance.now();
  const served = spawn(
    nodePath,
    [path.join(appRoot, 'out/main/cli.js'), 'serve', '--workspace', place.workspace, '--no-open', '--json'],
    { env: place.environment, stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const line = await new Promise<string>((done) =>
    createInterface({ input: served.stdout }).once('line', done),
  );
  const { url, pid } = JSON.parse(line) as { url: string; pid: number };
  await page.goto(url);
  await page.getByRole('textbox').first().fill('x');
  const took = performance.now() - began;
  await page.close();
  served.kill('SIGTERM');
  await new Promise((done) => served.once('close', done));
  await gone(pid);
  return took;
}

/** Settles when a process that is not a child has ended. */
function gone(pid: number): Promise<void> {
  return new Promise((done) => {
    spawn('tail', ['--pid', String(pid), '-f', '/dev/null'], { stdio: 'ignore' }).once('close', () => done());
  });
}
