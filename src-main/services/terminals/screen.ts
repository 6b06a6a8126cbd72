import { createRequire } from 'node:module';
import type * as Headless from '@xterm/headless';
import type * as Serialize from '@xterm/addon-serialize';
import type { TerminalSize } from './port.ts';

// Both packages are CommonJS without names that Node could find.
const require = createRequire(import.meta.url);
const { Terminal } = require('@xterm/headless') as typeof Headless;
const { SerializeAddon } = require('@xterm/addon-serialize') as typeof Serialize;

/** Lines that are kept above the screen. */
const MOST_LINES = 10_000;
/** A replay is not longer than this, in bytes: where it would be, it begins later. */
const MOST_BYTES = 2 * 1024 * 1024;
/** So many of the last lines tell how long the others are. */
const SAMPLE_LINES = 500;

/** What a program asks of its terminal is answered with numbers alone: an answer that carries text could be typed as a command. */
const PLAIN_ANSWER = /^\x1b\[[?>]?[0-9;]*\$?[Rncy]$/;

/** What a terminal shows, kept by the core: any viewer can be given it again at any time. */
export interface Screen {
  size(): TerminalSize;
  resize(size: TerminalSize): void;
  /** Takes in what the program wrote; `done` when it is part of the picture. */
  write(bytes: Uint8Array, done?: () => void): void;
  /** What makes an empty terminal of this size show the same, at most 10,000 lines and 2 MB. */
  replay(): Uint8Array;
  dispose(): void;
}

/** @param onAnswer gets what a terminal answers to a program by itself */
export function createScreen(size: TerminalSize, onAnswer: (bytes: Uint8Array) => void): Screen {
  const terminal = new Terminal({
    cols: size.columns,
    rows: size.rows,
    scrollback: MOST_LINES,
    allowProposedApi: true,
  });
  const serialize = new SerializeAddon();
  terminal.loadAddon(serialize);
  terminal.onData((answer) => {
    if (PLAIN_ANSWER.test(answer)) onAnswer(Buffer.from(answer));
  });
  return {
    size: () => ({ columns: terminal.cols, rows: terminal.rows }),
    resize: ({ columns, rows }) => terminal.resize(columns, rows),
    write: (bytes, done) => terminal.write(bytes, done),
    replay() {
      const last = (lines: number) => Buffer.from(serialize.serialize({ scrollback: lines }));
      const sample = last(SAMPLE_LINES);
      if (terminal.buffer.normal.length <= SAMPLE_LINES) return sample;
      // To make it whole and find it too long would hold everything else up twice.
      const fitting = Math.floor((MOST_BYTES / (sample.length + 1)) * SAMPLE_LINES);
      for (let lines = Math.min(MOST_LINES, fitting); ; lines = Math.floor(lines / 2)) {
        const bytes = last(lines);
        if (bytes.length <= MOST_BYTES || lines === 0) return bytes;
      }
    },
    dispose: () => terminal.dispose(),
  };
}
