import type { RunId } from '../contract/ids.ts';
import { LONGEST_INPUT, ViewerMessage, type ChannelMessage } from '../contract/terminals.ts';
import type { Attachment, Terminals } from '../services/terminals/index.ts';

/** One viewer's line, whichever door it came through: text and bytes, each a message of its own. */
export interface TerminalLine {
  send(message: string | Uint8Array): void;
  /** Hears what the viewer says from now on. */
  listen(onMessage: (message: unknown) => void, onClose: () => void): void;
  close(): void;
}

/** Serves one viewer of one terminal (`contract/terminals`). The door has seen to it that the operator is at the other end. */
export function serveTerminal(terminals: Terminals, line: TerminalLine): void {
  let attachment: Attachment | null = null;
  let over = false;
  const say = (message: ChannelMessage) => line.send(JSON.stringify(message));
  const finish = (message: ChannelMessage) => {
    if (over) return;
    over = true;
    attachment?.detach();
    say(message);
    line.close();
  };

  const attach = (id: RunId, size: { columns: number; rows: number }) => {
    attachment = terminals.attach(id, {
      begin(now, replay) {
        say({ type: 'attached', ...now, replayBytes: replay.length });
        if (replay.length > 0) line.send(replay);
      },
      data: (bytes) => line.send(bytes),
      size: (now) => say({ type: 'size', ...now }),
      ended: ({ code, signal }) => finish({ type: 'ended', code, signal }),
      dropped: () => finish({ type: 'dropped' }),
    });
    if (attachment) attachment.resize(size);
    else finish({ type: 'refused', reason: `There is no terminal ${id} any more.` });
  };

  const hear = (message: unknown) => {
    if (over) return;
    if (message instanceof Uint8Array) {
      if (attachment && message.length <= LONGEST_INPUT) attachment.write(message);
      else finish({ type: 'refused', reason: 'What was typed is too long, or no terminal is attached.' });
      return;
    }
    const said = ViewerMessage.safeParse(parse(message));
    if (!said.success) {
      finish({ type: 'refused', reason: 'What was said on the terminal’s channel is not understood.' });
    } else if (said.data.type === 'attach') {
      if (attachment) finish({ type: 'refused', reason: 'A channel shows one terminal.' });
      else attach(said.data.id, said.data);
    } else if (said.data.type === 'ack') attachment?.acknowledge(said.data.bytes);
    else attachment?.resize(said.data);
  };

  line.listen(hear, () => {
    over = true;
    attachment?.detach();
  });
}

function parse(message: unknown): unknown {
  if (typeof message !== 'string') return null;
  try {
    return JSON.parse(message);
  } catch {
    return null;
  }
}
