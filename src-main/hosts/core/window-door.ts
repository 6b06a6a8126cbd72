import { RPCHandler } from '@orpc/server/message-port';
import type { CoreOutcome, OwnedCore } from './core.ts';
import { TERMINAL_PATH } from '../../contract/terminal-names.ts';
import { openSocket } from './client.ts';
import type { CallContext } from '../../app/index.ts';

/** One end of a channel, as a utility process gets it. */
export interface PortEnd {
  on(event: 'message', listener: (event: { data: unknown }) => void): unknown;
  on(event: 'close', listener: () => void): unknown;
  postMessage(message: unknown): void;
  start(): void;
  close(): void;
}

/** What a process that Electron forked hears its parent through. */
export interface ParentPort {
  on(event: 'message', listener: (event: { data: unknown; ports: PortEnd[] }) => void): unknown;
}

/**
 * Serves every port that Electron's main sends: each is a window. Ports that come while the core starts are served then.
 * Where another process owns the workspace, what a window says is carried to that core's socket, word for word.
 * @returns what to call once the core is there
 */
export function awaitWindows(parent: ParentPort): (core: CoreOutcome) => void {
  const early: [port: PortEnd, terminal: boolean][] = [];
  let serve = (port: PortEnd, terminal: boolean): void => void early.push([port, terminal]);
  parent.on('message', ({ data, ports: [port] }) => {
    const wanted = (data as { channel?: unknown } | null)?.channel;
    if (port !== undefined) serve(port, wanted === 'terminal');
  });
  return (core) => {
    serve = (port, terminal) => {
      if (core.kind === 'owned') serveOwn(port, core, terminal);
      else void carry(port, core.file.socket, terminal);
    };
    for (const [port, terminal] of early) serve(port, terminal);
  };
}

function serveOwn(port: PortEnd, core: OwnedCore, terminal: boolean): void {
  port.on('close', core.lifetime.enter('window'));
  if (terminal) {
    core.serveTerminal({
      send: (message) => port.postMessage(message),
      listen(onMessage, onClose) {
        port.on('message', (event) => onMessage(event.data));
        port.on('close', onClose);
        port.start();
      },
      close: () => port.close(),
    });
    return;
  }
  new RPCHandler<CallContext>(core.windowRouter).upgrade(port, { context: { door: 'window' } });
  port.start();
}

async function carry(port: PortEnd, address: string, terminal: boolean): Promise<void> {
  const waiting: unknown[] = [];
  let send = (data: unknown): void => void waiting.push(data);
  port.on('message', (event) => send(event.data));
  port.start();
  const socket = await openSocket(
    address,
    { need: 'window', now: undefined },
    terminal ? TERMINAL_PATH : '/',
  );
  if (socket === undefined) {
    port.close();
    return;
  }
  socket.on('message', (data: Buffer, binary) =>
    port.postMessage(binary ? new Uint8Array(data) : data.toString('utf8')),
  );
  socket.on('close', () => port.close());
  port.on('close', () => socket.close());
  send = (data) => socket.send(data as string | Uint8Array);
  for (const data of waiting) send(data);
}
