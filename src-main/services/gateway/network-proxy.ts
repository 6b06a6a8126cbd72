import { lookup } from 'node:dns/promises';
import { request as httpRequest } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { pipeline } from 'node:stream';
import type { Duplex } from 'node:stream';
import { decideByList, isPublicAddress, normalHost } from './network-list.ts';
import type { HostLookup, NetworkDecision } from './ports.ts';

export interface NetworkProxyOptions {
  network: readonly string[];
  /** A rejected promise is a refusal. */
  allowHost(host: string): Promise<{ allowed: boolean; reason: string }>;
  dns: HostLookup;
  connectMs: number;
  onDecision(decision: NetworkDecision): void;
}

/** The run's way to listed hosts: CONNECT, and plain HTTP by absolute address. */
export interface NetworkProxy {
  tunnel(request: IncomingMessage, client: Duplex, head: Buffer): Promise<void>;
  /** `target` is the request's absolute address. */
  forward(request: IncomingMessage, response: ServerResponse, target: string): Promise<void>;
  close(): void;
}

/** The machine's own resolver; addresses that are not public are refused. */
export const systemLookup: HostLookup = {
  resolve: async (host) => (await lookup(host, { all: true })).map((found) => found.address),
  allowPrivate: false,
};

type Opened = { ok: true; socket: Socket } | { ok: false; status: 403 | 502; message: string };

const hopByHop = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

export function createNetworkProxy(options: NetworkProxyOptions): NetworkProxy {
  const open = new Set<Duplex>();
  const keep = (socket: Duplex): void => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
  };

  /** Looks at list and addresses; the connection goes to the very address that was looked at. */
  const reach = async (host: string, port: number): Promise<Opened> => {
    const name = normalHost(host);
    const decide = (allowed: boolean, reason: string): void => {
      options.onDecision({ host: name, port, allowed, reason });
    };
    const listed = decideByList(options.network, name, port);
    if (!listed.allowed) {
      decide(false, listed.reason);
      return { ok: false, status: 403, message: listed.reason };
    }
    const ruled = await options
      .allowHost(name)
      .catch(() => ({ allowed: false, reason: `What policy says of ${name} could not be had.` }));
    if (!ruled.allowed) {
      decide(false, ruled.reason);
      return { ok: false, status: 403, message: ruled.reason };
    }
    const addresses = await options.dns.resolve(name).catch(() => []);
    const hidden = options.dns.allowPrivate
      ? undefined
      : addresses.find((address) => !isPublicAddress(address));
    if (hidden !== undefined) {
      const reason = `${name} is on the list, but leads to ${hidden}, which is not a public address.`;
      decide(false, reason);
      return { ok: false, status: 403, message: reason };
    }
    decide(true, listed.reason);
    for (const address of addresses.slice(0, 4)) {
      const socket = await dial(address, port, options.connectMs, keep);
      if (socket !== undefined) return { ok: true, socket };
    }
    return { ok: false, status: 502, message: `${name}:${port} is allowed, but could not be reached.` };
  };

  return {
    async tunnel(request, client, head) {
      keep(client);
      client.on('error', () => client.destroy());
      const target = /^(\[[^\]]*\]|[^:]*):([0-9]{1,5})$/.exec(request.url ?? '');
      const port = Number(target?.[2]);
      if (target === null || port < 1 || port > 65535) {
        answer(client, 400, 'CONNECT takes host:port.');
        return;
      }
      const opened = await reach(target[1] ?? '', port);
      if (!opened.ok) {
        answer(client, opened.status, opened.message);
        return;
      }
      if (client.destroyed) {
        opened.socket.destroy();
        return;
      }
      client.write('HTTP/1.1 200 Connection Established\r\n\r\n');
      if (head.length > 0) opened.socket.write(head);
      await new Promise<void>((resolve) => {
        pipeline(client, opened.socket, client, () => {
          client.destroy();
          opened.socket.destroy();
          resolve();
        });
      });
    },

    async forward(request, response, target) {
      const url = URL.canParse(target) ? new URL(target) : undefined;
      if (url === undefined || url.protocol !== 'http:') {
        sendText(response, 403, 'Only http addresses can be asked of the proxy; https goes through CONNECT.');
        return;
      }
      const port = url.port === '' ? 80 : Number(url.port);
      const opened = await reach(url.hostname, port);
      if (!opened.ok) {
        sendText(response, opened.status, opened.message);
        return;
      }
      await new Promise<void>((resolve) => {
        const headers = Object.fromEntries(
          Object.entries(request.headers).filter(([name]) => !hopByHop.has(name)),
        );
        const outgoing = httpRequest({
          createConnection: () => opened.socket,
          method: request.method,
          path: url.pathname + url.search,
          headers: { ...headers, host: url.host, connection: 'close' },
        });
        const end = (): void => {
          outgoing.destroy();
          opened.socket.destroy();
          resolve();
        };
        response.once('close', end);
        outgoing.on('error', () =>
          sendText(response, 502, `${url.host} ended the connection without an answer.`),
        );
        outgoing.on('response', (incoming) => {
          const passed = Object.entries(incoming.headers).filter(([name]) => !hopByHop.has(name));
          response.writeHead(incoming.statusCode ?? 502, Object.fromEntries(passed));
          pipeline(incoming, response, () => response.destroy());
        });
        pipeline(request, outgoing, () => undefined);
      });
    },

    close() {
      for (const socket of open) socket.destroy();
    },
  };
}

function dial(
  address: string,
  port: number,
  connectMs: number,
  keep: (socket: Socket) => void,
): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port });
    keep(socket);
    socket.on('error', () => socket.destroy());
    socket.once('close', () => resolve(undefined));
    socket.setTimeout(connectMs, () => socket.destroy());
    socket.once('connect', () => {
      socket.setTimeout(0);
      resolve(socket);
    });
  });
}

function answer(client: Duplex, status: number, message: string): void {
  const title = status === 400 ? 'Bad Request' : status === 403 ? 'Forbidden' : 'Bad Gateway';
  const body = `${message}\n`;
  client.end(
    `HTTP/1.1 ${status} ${title}\r\ncontent-type: text/plain; charset=utf-8\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
}

function sendText(response: ServerResponse, status: number, message: string): void {
  if (response.headersSent || response.destroyed) return;
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', connection: 'close' });
  response.end(`${message}\n`);
}
