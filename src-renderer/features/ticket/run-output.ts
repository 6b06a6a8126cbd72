import { useEffect, useState } from 'react';
import type { Failure } from '../../../src-main/contract/errors.ts';
import type { RunOutput } from '../../../src-main/contract/runs.ts';
import { failureOf, nextClient } from '../../connection.ts';
import { useLive } from '../../store.ts';

interface Output {
  lines: readonly RunOutput[];
  /** What came before the kept lines and is not shown. */
  dropped: number;
  ended: boolean;
  failure: Failure | null;
}

/** What is said comes in pieces, which are read as one. */
const inPieces: ReadonlySet<RunOutput['kind']> = new Set(['text', 'thought']);

/** The transcript with neighbouring pieces of what a program says or thinks put together, under the first one's place. */
export function blocksOf(lines: readonly RunOutput[]): RunOutput[] {
  const blocks: RunOutput[] = [];
  let pieces: string[] = [];
  const close = () => {
    const last = blocks.at(-1);
    if (last !== undefined && pieces.length > 1)
      blocks[blocks.length - 1] = { ...last, text: pieces.join('') };
    pieces = [];
  };
  for (const line of lines) {
    if (pieces.length > 0 && blocks.at(-1)?.kind === line.kind) {
      pieces.push(line.text);
      continue;
    }
    close();
    blocks.push(line);
    if (inPieces.has(line.kind)) pieces.push(line.text);
  }
  close();
  return blocks;
}

const keptAtMost = 3_000;
const nothing: Output = { lines: [], dropped: 0, ended: false, failure: null };

/** A run's transcript as it grows. Lines that come together are shown together, so that a fast run does not stall the window. */
export function useRunOutput(run: string): Output {
  const [output, setOutput] = useState<Output>(nothing);
  const line = useLive((live) => live.lines);

  useEffect(() => {
    const gone = new AbortController();
    let fresh: RunOutput[] = [];
    let frame = 0;
    const flush = () => {
      frame = 0;
      const added = fresh;
      fresh = [];
      setOutput((before) => {
        const last = before.lines.at(-1)?.index ?? -1;
        const all = [...before.lines, ...added.filter((each) => each.index > last)];
        const over = Math.max(0, all.length - keptAtMost);
        return {
          ...before,
          lines: over > 0 ? all.slice(over) : all,
          dropped: before.dropped + over,
          failure: null,
        };
      });
    };
    const follow = async () => {
      const client = await nextClient(gone.signal);
      const stream = await client.run.output({ id: run, after: -1 }, { signal: gone.signal });
      for await (const each of stream) {
        fresh.push(each);
        if (frame === 0) frame = requestAnimationFrame(flush);
      }
      if (!gone.signal.aborted) setOutput((before) => ({ ...before, ended: true }));
    };
    follow().catch((error: unknown) => {
      if (!gone.signal.aborted) setOutput((before) => ({ ...before, failure: failureOf(error).failure }));
    });
    return () => {
      gone.abort();
      cancelAnimationFrame(frame);
    };
  }, [run, line]);

  return output;
}
