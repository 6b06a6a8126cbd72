import { createRequire } from 'node:module';
import type * as Headless from '@xterm/headless';
import type { TerminalLine } from '../../src-main/app/index.ts';
import { ChannelMessage } from '../../src-main/contract/terminals.ts';
import type { ViewerMessage } from '../../src-main/contract/terminals.ts';

const { Terminal } = createRequire(import.meta.url)('@xterm/headless') as typeof Headless;

/** A viewer of a terminal that draws it, as a window does. */
export interface TerminalViewer {
  type(text: string): void;
  resize(columns: number, rows: number): void;
  /** Resolves when the terminal shows this, wherever. */
  shows(text: string): Promise<string>;
  text(): string;
  /** Resolves with what the core said when it closed the line. */
  ended: Promise<ChannelMessage>;
  leave(): void;
}

/** @param view opens the line at some door */
export function viewTerminal(
  id: string,
  view: (line: TerminalLine) => void,
  size = { columns: 100, rows: 30 },
): TerminalViewer {
  const screen = new Terminal({
    cols: size.columns,
    rows: size.rows,
    scrollback: 10_000,
    allowProposedApi: true,
  });
  let hear: (message: unknown) => void = () => undefined;
  let hangUp = (): void => undefined;
  let settle: (message: ChannelMessage) => void = () => undefined;
  const waiting = new Set<() => void>();
  const say = (message: ViewerMessage) => hear(JSON.stringify(message));
  const text = () =>
    Array.from({ length: screen.buffer.active.length }, (_, line) =>
      screen.buffer.active.getLine(line)?.translateToString(true),
    ).join('\n');
  view({
    send(message) {
      if (typeof message === 'string') {
        const said = ChannelMessage.parse(JSON.parse(message));
        if (said.type === 'attached' || said.type === 'size') screen.resize(said.columns, said.rows);
        else settle(said);
        return;
      }
      screen.write(message, () => {
        say({ type: 'ack', bytes: message.length });
        for (const look of waiting) look();
      });
    },
    listen(onMessage, onClose) {
      hear = onMessage;
      hangUp = onClose;
    },
    close: () => undefined,
  });
  const ended = new Promise<ChannelMessage>((resolve) => (settle = resolve));
  say({ type: 'attach', id: id as Extract<ViewerMessage, { type: 'attach' }>['id'], ...size });
  return {
    type: (typed) => hear(new Uint8Array(Buffer.from(typed))),
    resize: (columns, rows) => {
      screen.resize(columns, rows);
      say({ type: 'resize', columns, rows });
    },
    shows: (wanted) =>
      new Promise((resolve) => {
        const look = () => {
          const now = text();
          if (!now.includes(wanted)) return;
          waiting.delete(look);
          resolve(now);
        };
        waiting.add(look);
        look();
      }),
    text,
    ended,
    leave: () => hangUp(),
  };
}
