import { EventEmitter, on } from 'node:events';
import { createReadStream, existsSync, mkdirSync } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { RunOutput } from '../contract/runs.ts';
import type { RunId } from '../contract/ids.ts';

/** One line of a transcript before it has its place. */
export type OutputLine = Pick<RunOutput, 'kind' | 'text'>;

/** Longest text of one line; the rest of it is cut and said. */
const MAX_LINE = 16_384;

/** What runs said, a file a run, and what live ones say now. */
export interface Transcripts {
  /** Begins the transcript of a run; `end` closes it. */
  begin(run: RunId): Transcript;
  /** The lines after a place; follows while the run lives. */
  follow(run: RunId, after: number, signal?: AbortSignal): AsyncGenerator<RunOutput>;
}

export interface Transcript {
  write(line: OutputLine): void;
  /** Resolves when everything is on disk. */
  end(): Promise<void>;
}

interface Live {
  emitter: EventEmitter;
  lines: RunOutput[];
  ended: boolean;
}

export function createTranscripts(options: {
  folder: string;
  now(): string;
  onFault(error: unknown): void;
}): Transcripts {
  const { folder, now, onFault } = options;
  const live = new Map<RunId, Live>();
  const fileOf = (run: RunId) => join(folder, `${run}.jsonl`);

  const begin = (run: RunId): Transcript => {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const state: Live = { emitter: new EventEmitter(), lines: [], ended: false };
    state.emitter.setMaxListeners(0);
    live.set(run, state);
    let file: Promise<FileHandle | null> = open(fileOf(run), 'a', 0o600).catch((error: unknown) => {
      onFault(error);
      return null;
    });
    return {
      write({ kind, text }) {
        const cut =
          text.length > MAX_LINE
            ? `${text.slice(0, MAX_LINE)} … (${text.length - MAX_LINE} characters more)`
            : text;
        const line: RunOutput = { index: state.lines.length, at: now(), kind, text: cut };
        state.lines.push(line);
        state.emitter.emit('line', line);
        file = file.then(async (handle) => {
          await handle?.appendFile(`${JSON.stringify(line)}\n`).catch(onFault);
          return handle;
        });
      },
      async end() {
        const handle = await file;
        await handle?.close();
        state.ended = true;
        state.emitter.emit('end');
        live.delete(run);
      },
    };
  };

  async function* follow(run: RunId, after: number, signal?: AbortSignal): AsyncGenerator<RunOutput> {
    const state = live.get(run);
    if (!state) {
      yield* stored(fileOf(run), after);
      return;
    }
    let next = after + 1;
    const wake = on(state.emitter, 'line', { close: ['end'], ...(signal ? { signal } : {}) });
    try {
      for (;;) {
        for (let line = state.lines[next]; line; line = state.lines[next]) {
          yield line;
          next += 1;
        }
        if (state.ended) return;
        const woken = await wake.next().catch(() => ({ done: true }));
        if (woken.done && state.lines.length <= next) return;
      }
    } finally {
      await wake.return?.();
    }
  }

  return { begin, follow };
}

async function* stored(file: string, after: number): AsyncGenerator<RunOutput> {
  if (!existsSync(file)) return;
  for await (const text of createInterface({ input: createReadStream(file), crlfDelay: Infinity })) {
    const parsed = RunOutput.safeParse(parseLine(text));
    if (parsed.success && parsed.data.index > after) yield parsed.data;
  }
}

/** The last line of a run that was killed may be torn. */
function parseLine(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
