import type WebSocket from 'ws';
import { ChannelMessage } from '../../contract/terminals.ts';
import type { ViewerMessage } from '../../contract/terminals.ts';
import type { RunId } from '../../contract/ids.ts';
import { createPlainTerminal } from './plain-terminal.ts';

/** How looking at a terminal came to its end. */
export type Attached =
  { how: 'ended'; code: number; signal: number } | { how: 'left' } | { how: 'refused'; reason: string };

/** Ctrl-], which leaves the terminal and what runs in it alone. */
const LEAVE = 0x1d;
const PIECE = 32 * 1024;
const UNSEEN = { columns: 120, rows: 32 };

/**
 * Puts this process's own terminal on one of the core's until it ends or Ctrl-] is typed. Where there is no terminal, what
 * comes on stdin is typed and what is shown is written.
 */
export function attachTerminal(
  line: WebSocket,
  id: RunId,
  input: NodeJS.ReadStream,
  output: NodeJS.WriteStream,
): Promise<Attached> {
  const plain = createPlainTerminal();
  const say = (message: ViewerMessage): void => line.send(JSON.stringify(message));
  const size = () => (output.isTTY ? { columns: output.columns, rows: output.rows } : { ...UNSEEN });
  const raw = (on: boolean): void => {
    if (input.isTTY) input.setRawMode(on);
  };

  return new Promise((resolve) => {
    const finish = (how: Attached): void => {
      raw(false);
      input.off('data', type);
      input.pause();
      output.off('resize', resize);
      line.close();
      resolve(how);
    };
    const type = (bytes: Buffer): void => {
      if (input.isTTY && bytes.includes(LEAVE)) {
        finish({ how: 'left' });
        return;
      }
      for (let at = 0; at < bytes.length; at += PIECE) line.send(bytes.subarray(at, at + PIECE));
    };
    const resize = (): void => say({ type: 'resize', ...size() });
    line.on('message', (data: Buffer, binary) => {
      if (binary) {
        output.write(plain(data), () => {
          if (line.readyState === line.OPEN) say({ type: 'ack', bytes: data.length });
        });
        return;
      }
      const said = ChannelMessage.parse(JSON.parse(data.toString('utf8')));
      if (said.type === 'ended') finish({ how: 'ended', code: said.code, signal: said.signal });
      else if (said.type === 'refused') finish({ how: 'refused', reason: said.reason });
      else if (said.type === 'dropped')
        finish({ how: 'refused', reason: 'What was shown was not taken in time.' });
    });
    line.once('close', () => finish({ how: 'refused', reason: 'The core ended.' }));
    say({ type: 'attach', id, ...size() });
    raw(true);
    output.on('resize', resize);
    input.on('data', type);
  });
}
