import type { AnyRouter } from '@orpc/server';
import { readFileSync, writeFileSync } from 'node:fs';
import { STATUS_CODES, createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { fail } from '../../contract/errors.ts';
import type { Result } from '../../contract/errors.ts';
import { TERMINAL_PATH } from '../../contract/terminal-names.ts';
import type { TerminalLine } from '../../app/index.ts';
import { headersFor, refuse, servePage } from './pages.ts';
import { createRate } from '../rate.ts';
import { createSessions } from './sessions.ts';
import { createDoorSockets } from './socket.ts';

/** Longest address of a request, and longest body that is not refused as too large, in bytes. */
const longestUrl = 8 * 1024;

/** The same page for the operator's own browser, on 127.0.0.1. */
export interface BrowserDoor {
  /**
   * Opens the door, or finds it open, and makes an address that is good once within a minute.
   * @param port what was asked for; without it the port kept for the workspace, or a free one
   */
  open(port: number | undefined): Promise<Result<{ url: string; port: number }>>;
  close(): Promise<void>;
}

export interface BrowserDoorOptions {
  /** Absolute path of the file that keeps the workspace's port. */
  portFile: string;
  /** Absolute path of the built page. */
  pages: string;
  router: AnyRouter;
  /** Serves a viewer of a terminal. */
  serveTerminal(line: TerminalLine): void;
  /** A browser is in; call what comes back when it is gone. */
  enter(): () => void;
}

interface OpenDoor {
  port: number;
  close(): Promise<void>;
}

/** Makes a closed door. */
export function createBrowserDoor(options: BrowserDoorOptions): BrowserDoor {
  const clock = (): number => performance.now();
  const sessions = createSessions(clock);
  let opening: Promise<Result<OpenDoor>> | undefined;

  const openFirst = async (asked: number | undefined): Promise<Result<OpenDoor>> => {
    const server = createServer({ maxHeaderSize: 16 * 1024, requestTimeout: 30_000 });
    const kept = asked ?? keptPort(options.portFile);
    let bound = await listen(server, kept ?? 0);
    if (!bound && asked === undefined) bound = await listen(server, 0);
    if (!bound) {
      return fail(
        'refused-transition',
        `Port ${kept} of 127.0.0.1 is taken by another program.`,
        'Give another with --port, or none.',
      );
    }
    const port = (server.address() as AddressInfo).port;
    writeFileSync(options.portFile, `${port}\n`, { mode: 0o600 });
    return { ok: true, value: serve(server, port) };
  };

  const serve = (server: Server, port: number): OpenDoor => {
    const authority = `127.0.0.1:${port}`;
    const origin = `http://${authority}`;
    const requests = createRate(600, 100, clock);
    const connections = createRate(60, 2, clock);
    const sockets = createDoorSockets({
      router: options.router,
      serveTerminal: options.serveTerminal,
      sessions,
      clock,
      enter: options.enter,
    });

    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      if (!requests.take()) return refuse(response, 429, 'Too many requests: wait a moment.', port);
      if (request.headers.host !== authority)
        return refuse(response, 403, 'This address is not served.', port);
      const from = request.headers.origin;
      if (from !== undefined && from !== origin)
        return refuse(response, 403, 'This origin is not served.', port);
      const body = Number(request.headers['content-length'] ?? 0);
      if ((request.url ?? '').length > longestUrl || body > longestUrl) {
        return refuse(response, 413, 'The request is too large.', port);
      }
      if (request.method !== 'GET' && request.method !== 'HEAD') {
        response.setHeader('allow', 'GET, HEAD');
        return refuse(response, 405, 'Only GET and HEAD are served.', port);
      }
      if ((request.url ?? '').split('?', 1)[0] === '/ws') {
        return refuse(response, 404, 'This is where a WebSocket connects.', port);
      }
      void servePage(request, response, options.pages, port);
    });

    server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      socket.on('error', () => socket.destroy());
      const status = !connections.take()
        ? 429
        : request.headers.host !== authority || request.headers.origin !== origin
          ? 403
          : request.url !== '/ws' && request.url !== TERMINAL_PATH
            ? 404
            : 101;
      if (status === 101) sockets.accept(request, socket, head, request.url === TERMINAL_PATH);
      else refuseUpgrade(socket, status, port);
    });

    return {
      port,
      close: () =>
        new Promise((resolve) => {
          server.close(() => resolve());
          sockets.close();
          server.closeAllConnections();
        }),
    };
  };

  return {
    async open(port) {
      opening ??= openFirst(port);
      const opened = await opening;
      if (!opened.ok) {
        opening = undefined;
        return opened;
      }
      if (port !== undefined && port !== opened.value.port) {
        return fail(
          'already-exists',
          `The browser door of this workspace is open on port ${opened.value.port} already.`,
          'Leave out --port, or end the other `atrium serve` first.',
        );
      }
      const url = `http://127.0.0.1:${opened.value.port}/#token=${sessions.issueToken()}`;
      return { ok: true, value: { url, port: opened.value.port } };
    },
    async close() {
      const opened = await opening;
      opening = undefined;
      if (opened?.ok) await opened.value.close();
    },
  };
}

function keptPort(file: string): number | undefined {
  try {
    const port = Number(readFileSync(file, 'utf8').trim());
    return Number.isInteger(port) && port > 0 && port < 65_536 ? port : undefined;
  } catch {
    return undefined;
  }
}

/** True when the server listens; false when the port is taken or not allowed. */
function listen(server: Server, port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException): void => {
      if (error.code === 'EADDRINUSE' || error.code === 'EACCES') resolve(false);
      else reject(error);
    };
    server.once('error', failed);
    server.listen(port, '127.0.0.1', () => {
      server.off('error', failed);
      resolve(true);
    });
  });
}

function refuseUpgrade(socket: Duplex, status: number, port: number): void {
  const headers = { ...headersFor(port), connection: 'close', 'content-length': '0' };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  socket.end([`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`, ...lines, '', ''].join('\r\n'));
}
