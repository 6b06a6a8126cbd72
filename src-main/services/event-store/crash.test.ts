import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { open, temporaryFolder } from './testing/store.ts';

const program = fileURLToPath(new URL('./testing/appending-process.ts', import.meta.url));
const lanes = 3;
const killsALane = 10;

interface Acknowledged {
  position: number;
  commandId: string;
}

/** Runs the appending process and kills it once it has acknowledged `after` appends; what it acknowledged in whole lines. */
async function killed(file: string, run: string, after: number): Promise<Acknowledged[]> {
  const child = spawn(process.execPath, [program, file, run], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  let errors = '';
  let lines = 0;
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
    lines += text.split('\n').length - 1;
    if (lines >= after) child.kill('SIGKILL');
  });
  const [, signal] = (await once(child, 'close')) as [number | null, string | null];
  if (signal !== 'SIGKILL') throw new Error(`The appending process ended by itself: ${errors}`);
  return output
    .split('\n')
    .slice(0, -1)
    .map((line) => {
      const [position, commandId] = line.split(' ');
      return { position: Number(position), commandId: String(commandId) };
    });
}

test(
  `killed ${lanes * killsALane} times while appending, no acknowledged event is lost and the chain stays whole`,
  { timeout: 120_000 },
  async () => {
    const lane = async (index: number): Promise<number> => {
      using folder = temporaryFolder();
      const acknowledged: Acknowledged[] = [];
      for (let run = 0; run < killsALane; run += 1) {
        const after = 1 + Math.floor(Math.random() * 40);
        acknowledged.push(...(await killed(folder.file, `${index}-${run}`, after)));
        using store = open(folder.file);
        const { position } = store.head();
        expect(store.verifyChain()).toEqual({ ok: true, position });
        expect(acknowledged.at(-1)?.position).toBeLessThanOrEqual(position);
        // At most the one append in hand was committed without being acknowledged.
        expect(position - (acknowledged.at(-1)?.position ?? 0)).toBeLessThanOrEqual(3);
        expect(store.compareProjections()).toMatchObject([{ ok: true }]);
      }
      using store = open(folder.file);
      expect(store.integrity()).toMatchObject({ ok: true });
      const events = new Map(store.readAll(0, 1_000_000).map((event) => [event.position, event.commandId]));
      for (const { position, commandId } of acknowledged) {
        expect(events.get(position)).toBe(commandId);
        expect(store.receipt(commandId)?.position).toBe(position);
      }
      return acknowledged.length;
    };
    const counts = await Promise.all(Array.from({ length: lanes }, (_, index) => lane(index)));
    for (const count of counts) expect(count).toBeGreaterThanOrEqual(killsALane);
  },
);
