import { writeSync } from 'node:fs';
import { open } from './store.ts';

/** Appends without end and prints each acknowledged position and its command: what the test of crashes kills. */
const [file, run] = process.argv.slice(2);
if (file === undefined || run === undefined) throw new Error('Expected a file and the number of the run.');
const store = open(file);
for (let n = 0; ; n += 1) {
  const stream = `s-${n % 7}`;
  const commandId = `${run}-${n}`;
  const result = store.append({
    stream,
    expectedVersion: store.readStream(stream).length,
    events: Array.from({ length: (n % 3) + 1 }, (_, index) => ({
      type: `t-${index}`,
      data: { n, pad: 'x'.repeat(500) },
    })),
    commandId,
    actor: 'process',
    at: '2026-01-01T00:00:00.000Z',
    receipt: { n },
  });
  if (!result.ok) throw new Error(result.code);
  writeSync(1, `${result.position} ${commandId}\n`);
}
