import { RPCHandler } from '@orpc/server/ws';
import type { AnyRouter } from '@orpc/server';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import type { MessageEvent, RawData, WebSocket } from 'ws';
import { z } from 'zod';
import type { TerminalLine } from '../../app/index.ts';
import { lineOf } from '../terminal-line.ts';
import { createRate } from '../rate.ts';
import { isCallFrame } from './call-frame.ts';
import type { Sessions } from './sessions.ts';

/** Longest message, in bytes. */
const longestMessage = 4 * 1024 * 1024;
/** How long a connection has to show its token, in milliseconds. */
const helloWithin = 5_000;
/** What may wait for a browser that does not read, in bytes. */
const mostUnread = 64 * 1024 * 1024;
/** Close code of a connection that showed no valid token. */
const unauthorized = 4401;

const Hello = z.union([
  z.object({ type: z.literal('hello'), token: z.string().min(1).max(200) }),
  z.object({ type: z.literal('hello'), session: z.string().min(1).max(200) }),
]);

export interface DoorSockets {
  /** Takes over a connection whose Host and Origin were checked; `terminal` is one for a viewer of a terminal. */
  accept(request: IncomingMessage, socket: Duplex, head: Buffer, terminal: boolean): void;
  /** Ends every connection. */
  close(): void;
}

export interface DoorSocketOptions {
  router: AnyRouter;
  /** Serves a viewer of a terminal. */
  serveTerminal(line: TerminalLine): void;
  sessions: Sessions;
  /** Milliseconds of a clock that never goes back. */
  clock(): number;
  /** A browser is in; call what comes back when it is gone. */
  enter(): () => void;
}

/** The WebSocket side of the browser door: nothing is served before a token or a session was shown. */
export function createDoorSockets(options: DoorSocketOptions): DoorSockets {
  const handler = new RPCHandler<{ door: 'browser' }>(options.router);
  const server = new WebSocketServer({
    noServer: true,
    maxPayload: longestMessage,
    perMessageDeflate: false,
  });

  const welcome = (socket: WebSocket, session: string, terminal: boolean): void => {
    const leave = options.enter();
    socket.once('close', () => {
      options.sessions.resume(session);
      leave();
    });
    const rate = createRate(2_000, 500, options.clock);
    socket.on('message', () => {
      options.sessions.resume(session);
      if (!rate.take()) socket.close(1008, 'too many messages');
    });
    const hear = (type: 'message', listener: (event: MessageEvent) => void): void => {
      socket.addEventListener(type, (event) => {
        if (type !== 'message' || terminal || isCallFrame(event.data)) listener(event);
        else socket.close(1008, 'not a call');
      });
    };
    const guarded: Pick<WebSocket, 'addEventListener' | 'send'> = {
      addEventListener: hear as WebSocket['addEventListener'],
      send: (data: Parameters<WebSocket['send']>[0]) => {
        if (socket.bufferedAmount > mostUnread) socket.terminate();
        else socket.send(data);
      },
    };
    if (terminal) options.serveTerminal(lineOf(socket, guarded));
    else void handler.upgrade(guarded, { context: { door: 'browser' } });
    socket.send(JSON.stringify({ type: 'welcome', session }));
  };

  const connected = (socket: WebSocket, terminal: boolean): void => {
    // ws closes the connection by itself, with the code that says why.
    socket.on('error', () => undefined);
    const timer = setTimeout(() => socket.close(unauthorized, 'no token in time'), helloWithin);
    socket.once('close', () => clearTimeout(timer));
    socket.once('message', (data, binary) => {
      clearTimeout(timer);
      const session = binary ? undefined : sessionOf(data, options.sessions);
      if (session === undefined) socket.close(unauthorized, 'the token is not good');
      else welcome(socket, session, terminal);
    });
  };

  return {
    accept: (request, socket, head, terminal) =>
      server.handleUpgrade(request, socket, head, (opened) => connected(opened, terminal)),
    close() {
      for (const socket of server.clients) {
        socket.close(1001);
        setTimeout(() => socket.terminate(), 500).unref();
      }
    },
  };
}

function sessionOf(data: RawData, sessions: Sessions): string | undefined {
  let said: unknown;
  try {
    said = JSON.parse((data as Buffer).toString('utf8'));
  } catch {
    return undefined;
  }
  const hello = Hello.safeParse(said);
  if (!hello.success) return undefined;
  if ('token' in hello.data) return sessions.redeem(hello.data.token);
  return sessions.resume(hello.data.session) ? hello.data.session : undefined;
}
