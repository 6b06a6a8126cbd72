import { RPCHandler } from '@orpc/server/ws';
import type { AnyRouter } from '@orpc/server';
import { chmodSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { WebSocketServer } from 'ws';
import { createRate } from '../rate.ts';
import { DoorNeed } from '../../contract/host-api.ts';
import { TERMINAL_PATH } from '../../contract/terminal-names.ts';
import type { CallContext, TerminalLine } from '../../app/index.ts';
import { lineOf } from '../terminal-line.ts';

/** Longest message on the operator's socket, in bytes: a difference or an export may be large. */
const longestMessage = 64 * 1024 * 1024;

/** The operator's Unix socket: WebSocket, for whoever may open the file. */
export interface OperatorSocket {
  close(): Promise<void>;
}

export interface OperatorSocketOptions {
  /** Absolute path; whatever is there is replaced, so the workspace's lock must be held. */
  path: string;
  router: AnyRouter;
  /** Serves a viewer of a terminal. */
  serveTerminal(line: TerminalLine): void;
  /** False once the core ends: whoever comes then is turned away and starts the next one. */
  accepting(): boolean;
  /** A door connected; call what comes back when it is gone. */
  enter(need: DoorNeed): () => void;
}

/** Listens on the operator's socket, mode 0600. */
export async function listenForOperator(options: OperatorSocketOptions): Promise<OperatorSocket> {
  const handler = new RPCHandler<CallContext>(options.router);
  const http = createServer((_request, response) => {
    response.writeHead(426, { connection: 'close' }).end();
  });
  const sockets = new WebSocketServer({
    server: http,
    maxPayload: longestMessage,
    perMessageDeflate: false,
    verifyClient: (_info, decide) => decide(options.accepting(), 503),
  });

  sockets.on('connection', (socket, request) => {
    const { pathname, searchParams: query } = new URL(request.url ?? '/', 'ws://core');
    const need = DoorNeed.catch('command').parse(query.get('need'));
    const now = query.get('now');
    const leave = options.enter(need);
    // What a door does wrong ends its own connection: ws closes it with the code that says why.
    socket.on('error', () => undefined);
    socket.on('close', leave);
    const rate = createRate(5_000, 1_000, () => performance.now());
    socket.on('message', () => {
      if (!rate.take()) socket.close(1008, 'too many messages');
    });
    if (pathname === TERMINAL_PATH) {
      options.serveTerminal(lineOf(socket));
      return;
    }
    const context: CallContext = {
      door: need === 'window' ? 'window' : 'cli',
      ...(now === null ? {} : { now }),
    };
    void handler.upgrade(socket, { context });
  });

  rmSync(options.path, { force: true });
  await new Promise<void>((resolve, reject) => {
    http.once('error', reject);
    // A Unix socket is made inside this call: no moment passes in which another user could open it.
    const before = process.umask(0o177);
    http.listen(options.path, resolve);
    process.umask(before);
  });
  chmodSync(options.path, 0o600);

  return {
    async close() {
      const closed = new Promise<void>((resolve) => http.close(() => resolve()));
      for (const socket of sockets.clients) {
        socket.close(1001);
        // A door that does not answer the close must not hold the core.
        setTimeout(() => socket.terminate(), 500).unref();
      }
      await closed;
    },
  };
}
