import type { Terminal } from '@xterm/xterm';
import type { ChannelMessage, ViewerMessage } from '../../../src-main/contract/terminals.ts';
import { openTerminalLine } from '../../connection.ts';
import type { TerminalLine } from '../../transports.ts';

/** What a viewer is told beside what it draws. */
export interface FollowEvents {
  /** False while there is no line: what is shown may be old, and what is typed goes nowhere. */
  onLine(live: boolean): void;
  onEnded(code: number, signal: number): void;
  /** There is no such terminal any more. */
  onGone(): void;
}

/** So much is drawn before it is acknowledged, in bytes; a pause acknowledges what there is. */
const acknowledgeEvery = 64 * 1024;
/** Longest message of what is typed or pasted, in bytes; the core takes no longer one. */
const longestPiece = 32 * 1024;
const againAfter = 500;

/**
 * Draws a terminal of the core and sends it what is typed, for as long as the terminal lives: a line that ends is opened
 * again, and everything is drawn anew.
 *
 * @returns how to stop
 */
export function follow(id: string, terminal: Terminal, events: FollowEvents): () => void {
  const stopped = new AbortController();
  let line: TerminalLine | null = null;
  let fromCore = false;
  let over = false;

  const say = (message: ViewerMessage) => line?.send(JSON.stringify(message));
  const type = (bytes: Uint8Array) => {
    for (let at = 0; at < bytes.length; at += longestPiece) line?.send(bytes.slice(at, at + longestPiece));
  };
  const resize = ({ columns, rows }: { columns: number; rows: number }) => {
    fromCore = true;
    terminal.resize(columns, rows);
    fromCore = false;
  };

  const encoder = new TextEncoder();
  const listeners = [
    terminal.onData((text) => type(encoder.encode(text))),
    // Reports of the mouse in its oldest form are bytes, not text.
    terminal.onBinary((text) => type(Uint8Array.from(text, (character) => character.charCodeAt(0)))),
    terminal.onResize(({ cols, rows }) => {
      if (!fromCore) say({ type: 'resize', columns: cols, rows });
    }),
  ];

  const view = async () => {
    const own = await openTerminalLine(stopped.signal);
    if (stopped.signal.aborted) {
      own.close();
      return;
    }
    line = own;
    const wanted = { columns: terminal.cols, rows: terminal.rows };
    let drawing = 0;
    let drawn = 0;
    const acknowledge = () => {
      if (drawn === 0 || (drawing > 0 && drawn < acknowledgeEvery)) return;
      if (line === own) say({ type: 'ack', bytes: drawn });
      drawn = 0;
    };
    own.listen((message) => {
      if (typeof message !== 'string') {
        drawing += message.length;
        terminal.write(message, () => {
          drawing -= message.length;
          drawn += message.length;
          acknowledge();
        });
        return;
      }
      const said = JSON.parse(message) as ChannelMessage;
      switch (said.type) {
        case 'attached':
          terminal.reset();
          resize(said);
          events.onLine(true);
          break;
        case 'size':
          resize(said);
          break;
        case 'ended':
          over = true;
          events.onEnded(said.code, said.signal);
          break;
        case 'refused':
          over = true;
          events.onGone();
          break;
        case 'dropped':
          break;
      }
    });
    say({ type: 'attach', id: id as Extract<ViewerMessage, { type: 'attach' }>['id'], ...wanted });
    await own.closed;
    line = null;
  };

  const run = async () => {
    while (!stopped.signal.aborted && !over) {
      await view().catch(() => undefined);
      if (stopped.signal.aborted || over) return;
      events.onLine(false);
      await new Promise((resolve) => setTimeout(resolve, againAfter));
    }
  };
  void run();

  return () => {
    stopped.abort();
    for (const listener of listeners) listener.dispose();
    line?.close();
  };
}
