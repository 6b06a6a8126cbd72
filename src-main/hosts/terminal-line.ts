import type { WebSocket } from 'ws';
import type { TerminalLine } from '../app/index.ts';

/** A terminal's line on a WebSocket. @param sender sends in its place, where the door watches what is sent */
export function lineOf(socket: WebSocket, sender: Pick<WebSocket, 'send'> = socket): TerminalLine {
  return {
    send: (message) => sender.send(message),
    listen(onMessage, onClose) {
      socket.on('message', (data: Buffer, binary) =>
        onMessage(binary ? new Uint8Array(data) : data.toString('utf8')),
      );
      socket.once('close', onClose);
    },
    close: () => socket.close(),
  };
}
