// `npm run bench [-- NAME]`: each file of tests/bench that has a `run`, in a process of its own; one JSON line a result.
import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { environment, main, node, root, setup } from './setup.mjs';

const folder = join(root, 'tests/bench');
const wanted = process.argv[2];
const inside =
  "const { run } = await import(process.argv[1]); process.stdout.write('\\0' + JSON.stringify(await run()));";

await main(async () => {
  await setup();
  const files = readdirSync(folder)
    .filter(
      (name) =>
        name.endsWith('.ts') &&
        /export (async )?function run\b|export const run\b/.test(readFileSync(join(folder, name), 'utf8')),
    )
    .sort();
  const chosen =
    wanted === undefined ? files : files.filter((name) => basename(name, '.ts').includes(wanted));
  if (chosen.length === 0) {
    process.stderr.write(
      `No benchmark is called ${wanted}: there are ${files.map((name) => basename(name, '.ts')).join(', ')}.\n`,
    );
    return 2;
  }
  const results = [];
  let failed = 0;
  for (const name of chosen) {
    const measured = measure(join(folder, name));
    if (measured === undefined) failed += 1;
    for (const result of measured ?? []) {
      process.stdout.write(`${JSON.stringify(result)}\n`);
      results.push(result);
    }
  }
  writeFileSync(join(root, 'bench-results.json'), `${JSON.stringify(results, undefined, 2)}\n`);
  return failed === 0 ? 0 : 1;
});

/** What a benchmark measured; undefined when it failed. What it prints by itself goes to stderr. */
function measure(file) {
  const done = spawnSync(node, ['--no-warnings', '--input-type=module', '-e', inside, file], {
    cwd: root,
    env: environment(),
    stdio: ['ignore', 'pipe', 2],
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  const [said, result] = done.stdout.split('\0');
  process.stderr.write(said);
  if (done.status === 0 && result !== undefined) return JSON.parse(result);
  process.stderr.write(`${basename(file)} failed.\n`);
  return undefined;
}
