/**
 * wiki-index: building the index, and the time from a saved page to its being found through the watcher. wiki-search: an
 * and-query with its snippet, and a prefix query. Beside them stands a plain recursive text search of the same folder.
 * 10,000 pages of 3 KB; with BENCH_LARGE=1 also 100,000.
 */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { promisify } from 'node:util';
import { openWikiIndex } from '../../src-main/services/wiki/index.ts';
import type { WikiIndex } from '../../src-main/services/wiki/index.ts';
import { percentile } from './result.ts';
import type { BenchResult } from './result.ts';

const execute = promisify(execFile);
const SYLLABLES = ['ba', 'ke', 'li', 'mo', 'nu', 'ra', 'se', 'ti', 'vo', 'zu'];

/** The n-th of 10,000 invented words; low numbers are used more often. */
function word(n: number): string {
  return [...String(n).padStart(4, '0')].map((digit) => SYLLABLES[Number(digit)] ?? '').join('');
}

/** Deterministic numbers from 0 to 1. */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

function pageText(n: number): string {
  const random = numbers(n + 1);
  const words = Array.from({ length: 350 }, () => word(Math.floor(random() ** 3 * 10_000)));
  const head = `---\ntitle: ${word(n % 10_000)} ${n}\nauthority: librarian\nconfidence: high\nsources:\n  - { kind: ticket, ref: T-label-${n + 1} }\nupdated: 2026-01-01\n---\n`;
  return `${head}\n# ${word(n % 10_000)} ${n}\n\n${words.join(' ')}\n`;
}

/** Milliseconds from saving a page until the index has it. */
async function saveAndFind(index: WikiIndex, root: string, n: number): Promise<number> {
  const page = `wiki/label/${n % 100}/p${n}.md`;
  const marker = `unique${n}x${SYLLABLES[n % 10]}`;
  let stop = () => undefined as void;
  const found = new Promise<void>((resolve) => {
    stop = index.onChange((change) => {
      if (change.page === page && index.search(marker).length > 0) resolve();
    });
  });
  const began = performance.now();
  await writeFile(join(root, `${n % 100}/p${n}.md`), `${pageText(n)}\n${marker}\n`);
  await found;
  stop();
  return performance.now() - began;
}

/** Milliseconds of one recursive search for a word in the files, by ripgrep where it is installed, else by grep. */
async function plainSearch(root: string, term: string): Promise<number> {
  const began = performance.now();
  await execute('rg', ['-l', '-F', term, root], { maxBuffer: 1 << 26 }).catch(() =>
    execute('grep', ['-rlF', term, root], { maxBuffer: 1 << 26 }).catch(() => undefined),
  );
  return performance.now() - began;
}

function result(name: string, samples: readonly number[], baseline: number | null): BenchResult {
  const value = percentile(samples, 0.95) ?? 0;
  const [p50, p95, p99] = [0.5, 0.95, 0.99].map((share) => percentile(samples, share) ?? null);
  const ratio = baseline === null ? null : value / baseline;
  return {
    name,
    value,
    unit: 'ms',
    baseline,
    ratio,
    n: samples.length,
    p50: p50 ?? null,
    p95: p95 ?? null,
    p99: p99 ?? null,
  };
}

async function measure(count: number): Promise<BenchResult[]> {
  const home = await mkdtemp(join(tmpdir(), 'atrium-bench-wiki-'));
  const root = join(home, 'wiki/label');
  const index = openWikiIndex({ file: join(home, 'index.db'), roots: [{ brand: 'label', root }] });
  try {
    for (let folder = 0; folder < 100; folder += 1)
      await mkdir(join(root, String(folder)), { recursive: true });
    for (let n = 0; n < count; n += 1) await writeFile(join(root, `${n % 100}/p${n}.md`), pageText(n));
    const began = performance.now();
    await index.refresh();
    const built = performance.now() - began;

    const and: number[] = [];
    const prefix: number[] = [];
    const plain: number[] = [];
    const random = numbers(7);
    for (let i = 0; i < 300; i += 1) {
      const first = word(Math.floor(random() * 3_000));
      const second = word(Math.floor(random() * 3_000));
      let from = performance.now();
      index.search(`${first} ${second} `, { brand: 'label', limit: 20 });
      and.push(performance.now() - from);
      from = performance.now();
      index.search(first.slice(0, 4), { brand: 'label', limit: 20 });
      prefix.push(performance.now() - from);
      if (i % 60 === 0) plain.push(await plainSearch(root, first));
    }

    await index.watch((error) => {
      throw error;
    });
    const changed: number[] = [];
    for (let n = 0; n < 40; n += 1) changed.push(await saveAndFind(index, root, n * 7));

    const beside = percentile(plain, 0.5);
    return [
      result(`wiki-index build ${count}`, [built], null),
      result(`wiki-index change ${count}`, changed, null),
      result(`wiki-search and ${count}`, and, beside),
      result(`wiki-search prefix ${count}`, prefix, beside),
    ];
  } finally {
    await index.close();
    await rm(home, { recursive: true, force: true });
  }
}

/** Runs both benches; the percentiles are of one build, one change, one search. */
export async function run(): Promise<BenchResult[]> {
  const results = await measure(10_000);
  return process.env['BENCH_LARGE'] === '1' ? [...results, ...(await measure(100_000))] : results;
}
