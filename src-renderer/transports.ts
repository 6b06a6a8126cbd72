import { createORPCClient } from '@orpc/client';
import { RPCLink as PortLink } from '@orpc/client/message-port';
import { RPCLink as SocketLink } from '@orpc/client/websocket';
import type { ContractRouterClient } from '@orpc/contract';
import { TERMINAL_PATH } from '../src-main/contract/terminal-names.ts';
import type { operatorApi } from '../src-main/contract/operator-api.ts';

export type OperatorClient = ContractRouterClient<typeof operatorApi>;

/** One live line to the core. `closed` settles when it is gone. */
export interface Line {
  client: OperatorClient;
  /** Opens a line for a viewer of a terminal, at the same door. */
  openTerminal(): Promise<TerminalLine>;
  closed: Promise<void>;
  close(): void;
}

/** A raw line for one viewer of one terminal: text and bytes, each a message of its own. */
export interface TerminalLine {
  send(message: string | Uint8Array): void;
  /** Hears what the core says; asked once, at once. */
  listen(onMessage: (message: string | Uint8Array) => void): void;
  closed: Promise<void>;
  close(): void;
}

export type OpenLine = () => Promise<Line>;

/** The core does not know this page's token: only a new address from the operator helps. */
export class Refused extends Error {}

const sessionSlot = 'atrium.session';
const refusedCode = 4401;
/** How long an unanswered hello may take before the line is given up, in milliseconds. */
const helloTimeout = 10_000;

function credentials(): { token: string } | { session: string } | null {
  const fragment = new URLSearchParams(location.hash.slice(1)).get('token');
  if (fragment !== null && fragment !== '') return { token: fragment };
  const session = sessionStorage.getItem(sessionSlot);
  return session === null ? null : { session };
}

function forgetToken(): void {
  if (location.hash !== '') history.replaceState(history.state, '', location.pathname + location.search);
}

function welcomeOf(data: unknown): string | null {
  if (typeof data !== 'string') return null;
  try {
    const message: unknown = JSON.parse(data);
    if (typeof message !== 'object' || message === null) return null;
    const { type, session } = message as Record<string, unknown>;
    return type === 'welcome' && typeof session === 'string' ? session : null;
  } catch {
    return null;
  }
}

/** The browser's door: one WebSocket whose first frame carries the token of the address, or the session got for it. */
export const openSocket: OpenLine = () =>
  new Promise<Line>((resolve, reject) => {
    const who = credentials();
    if (who === null) {
      reject(new Refused('This page has no token.'));
      return;
    }
    const socket = new WebSocket(`${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/ws`);
    socket.binaryType = 'arraybuffer';
    const timer = setTimeout(() => socket.close(), helloTimeout);
    socket.addEventListener('open', () => socket.send(JSON.stringify({ type: 'hello', ...who })), {
      once: true,
    });
    socket.addEventListener('close', (event) => {
      clearTimeout(timer);
      if (event.code !== refusedCode) {
        reject(new Error('The line to the core closed before it was open.'));
        return;
      }
      forgetToken();
      // A token is good once; the session that it was exchanged for may still be.
      if ('token' in who && sessionStorage.getItem(sessionSlot) !== null) {
        reject(new Error('The token was used before; the session is tried next.'));
        return;
      }
      sessionStorage.removeItem(sessionSlot);
      reject(new Refused('The core refused the token of this page.'));
    });
    socket.addEventListener(
      'message',
      (event) => {
        clearTimeout(timer);
        const session = welcomeOf(event.data);
        if (session === null) {
          socket.close();
          return;
        }
        sessionStorage.setItem(sessionSlot, session);
        if (location.hash !== '')
          history.replaceState(history.state, '', location.pathname + location.search);
        const client: OperatorClient = createORPCClient(new SocketLink({ websocket: socket }));
        const closed = new Promise<void>((done) =>
          socket.addEventListener('close', () => done(), { once: true }),
        );
        resolve({ client, openTerminal, closed, close: () => socket.close() });
      },
      { once: true },
    );
  });

/** A WebSocket of its own, by the session that this page has. */
const openTerminal = () =>
  new Promise<TerminalLine>((resolve, reject) => {
    const session = sessionStorage.getItem(sessionSlot);
    const origin = `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}`;
    const socket = new WebSocket(`${origin}${TERMINAL_PATH}`);
    socket.binaryType = 'arraybuffer';
    const closed = new Promise<void>((done) =>
      socket.addEventListener('close', () => done(), { once: true }),
    );
    void closed.then(() => reject(new Error('The line to the terminal closed before it was open.')));
    socket.addEventListener('open', () => socket.send(JSON.stringify({ type: 'hello', session })), {
      once: true,
    });
    socket.addEventListener(
      'message',
      (event) => {
        if (welcomeOf(event.data) === null) {
          socket.close();
          return;
        }
        resolve({
          // What is said to a line that has ended goes nowhere, like what is typed without one.
          send: (message) => {
            if (socket.readyState === WebSocket.OPEN)
              socket.send(message as string | Uint8Array<ArrayBuffer>);
          },
          listen: (onMessage) =>
            socket.addEventListener('message', ({ data }: MessageEvent<string | ArrayBuffer>) =>
              onMessage(typeof data === 'string' ? data : new Uint8Array(data)),
            ),
          closed,
          close: () => socket.close(),
        });
      },
      { once: true },
    );
  });

/**
 * The desktop window's door. The page posts `{ atrium: 'connect' }` to itself; the preload answers, now and after every
 * restart of the core, with `{ atrium: 'port' }` and a MessagePort.
 */
export const openPort: OpenLine = () =>
  new Promise<Line>((resolve) => {
    const receive = (event: MessageEvent<unknown>) => {
      const port = event.ports[0];
      const data = event.data;
      if (event.source !== window || port === undefined || typeof data !== 'object' || data === null) return;
      const { atrium, key } = data as Record<string, unknown>;
      if (atrium !== 'port' || typeof key === 'string') return;
      window.removeEventListener('message', receive);
      port.start();
      const client: OperatorClient = createORPCClient(new PortLink({ port }));
      const closed = new Promise<void>((done) =>
        port.addEventListener('close', () => done(), { once: true }),
      );
      resolve({ client, openTerminal: openTerminalPort, closed, close: () => port.close() });
    };
    window.addEventListener('message', receive);
    window.postMessage({ atrium: 'connect' }, '*');
  });

/** A port of its own, known again by its key. */
const openTerminalPort = () =>
  new Promise<TerminalLine>((resolve) => {
    const key = crypto.randomUUID();
    const receive = (event: MessageEvent<unknown>) => {
      const port = event.ports[0];
      const data = event.data as Record<string, unknown> | null;
      if (event.source !== window || port === undefined) return;
      if (data?.['atrium'] !== 'port' || data['key'] !== key) return;
      window.removeEventListener('message', receive);
      resolve({
        send: (message) => port.postMessage(message),
        listen(onMessage) {
          port.addEventListener('message', ({ data: said }: MessageEvent<string | Uint8Array>) =>
            onMessage(said),
          );
          port.start();
        },
        closed: new Promise((done) => port.addEventListener('close', () => done(), { once: true })),
        close: () => port.close(),
      });
    };
    window.addEventListener('message', receive);
    window.postMessage({ atrium: 'connect', channel: 'terminal', key }, '*');
  });

/** Which door this page stands at. */
export function transportOfPage(): OpenLine {
  const desktop = navigator.userAgent.includes('Electron/') || !location.protocol.startsWith('http');
  return desktop ? openPort : openSocket;
}
