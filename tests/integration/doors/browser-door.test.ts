import { createORPCClient } from '@orpc/client';
import { RPCLink } from '@orpc/client/websocket';
import type { ContractRouterClient } from '@orpc/contract';
import { request } from 'node:http';
import type { IncomingHttpHeaders } from 'node:http';
import { createServer } from 'node:net';
import { readFile, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import WebSocket from 'ws';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { operatorApi } from '../../../src-main/contract/operator-api.ts';
import { makeWorkspace } from '../../support/doors.ts';
import type { Served, TestWorkspace } from '../../support/doors.ts';

let workspace: TestWorkspace;
let served: Served;

beforeAll(async () => {
  workspace = await makeWorkspace();
  served = await workspace.serve();
});
afterAll(() => workspace.remove());

interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
}

function ask(
  target: string,
  options: { method?: string; headers?: Record<string, string>; body?: string } = {},
): Promise<Answer> {
  const { hostname, port } = new URL(served.origin);
  return new Promise((resolve, reject) => {
    const asking = request(
      {
        hostname,
        port,
        path: target,
        method: options.method ?? 'GET',
        headers: options.headers,
        agent: false,
      },
      (answer) => {
        let body = '';
        answer.on('data', (data: Buffer) => (body += data.toString()));
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body }));
      },
    );
    asking.on('error', reject);
    asking.end(options.body);
  });
}

/** A fresh address: each `serve` makes one. */
async function freshToken(): Promise<string> {
  const another = await workspace.serve();
  await another.interrupt();
  return another.token;
}

interface Opened {
  socket: WebSocket;
  closed: Promise<{ code: number }>;
}

function connect(
  options: { origin?: string | null; hello?: unknown; target?: string; host?: string } = {},
): Opened {
  const origin = options.origin === undefined ? served.origin : options.origin;
  const headers = {
    ...(origin === null ? {} : { origin }),
    ...(options.host === undefined ? {} : { host: options.host }),
  };
  const socket = new WebSocket(served.origin.replace('http', 'ws') + (options.target ?? '/ws'), { headers });
  const closed = new Promise<{ code: number }>((resolve) =>
    socket.once('close', (code) => resolve({ code })),
  );
  const { hello } = options;
  if (hello !== undefined)
    socket.once('open', () => socket.send(typeof hello === 'string' ? hello : JSON.stringify(hello)));
  socket.on('error', () => undefined);
  return { socket, closed };
}

function refusal(options: Parameters<typeof connect>[0]): Promise<number> {
  const { socket } = connect(options);
  return new Promise((resolve) => {
    socket.once('unexpected-response', (_request, response) => {
      resolve(response.statusCode ?? 0);
      socket.terminate();
    });
    socket.once('open', () => resolve(101));
  });
}

function nextMessage(socket: WebSocket): Promise<Record<string, unknown>> {
  return new Promise((resolve, reject) => {
    socket.once('message', (data: Buffer) => resolve(JSON.parse(data.toString()) as Record<string, unknown>));
    socket.once('close', (code) => reject(new Error(`closed with ${code}`)));
  });
}

describe('pages', () => {
  test('the page is served with strict headers and holds no secret', async () => {
    const page = await ask('/');
    expect(page.status).toBe(200);
    expect(page.headers['content-type']).toBe('text/html; charset=utf-8');
    expect(page.headers['cache-control']).toBe('no-store');
    expect(page.headers['x-content-type-options']).toBe('nosniff');
    expect(page.headers['referrer-policy']).toBe('no-referrer');
    expect(page.headers['cross-origin-opener-policy']).toBe('same-origin');
    expect(page.headers['cross-origin-resource-policy']).toBe('same-origin');
    const policy = String(page.headers['content-security-policy']);
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self';");
    expect(policy).toContain(`connect-src 'self' ${served.origin.replace('http', 'ws')}`);
    expect(policy).toContain("frame-ancestors 'none'");
    expect(page.headers['set-cookie']).toBeUndefined();
    expect(page.body).not.toContain(served.token);
  });

  test('a place inside the page gets the page, a missing file does not', async () => {
    expect((await ask('/brand/label')).status).toBe(200);
    expect((await ask('/assets/missing.js')).status).toBe(404);
    expect((await ask('/missing.css')).status).toBe(404);
    expect((await ask('/ws')).status).toBe(404);
  });

  test.each([
    '/../package.json',
    '/..%2f..%2fpackage.json',
    '/%2e%2e/%2e%2e/package.json',
    '/assets/..%5c..%5cpackage.json',
    '/.git/config',
    '/%00',
    '/%zz',
  ])('nothing outside the page is served: %s', async (target) => {
    expect((await ask(target)).status).toBe(404);
  });

  test.each(['localhost', 'evil.example', '127.0.0.1', '127.0.0.1:1'])(
    'the host %s is refused',
    async (host) => {
      const port = new URL(served.origin).port;
      expect(
        (await ask('/', { headers: { host: host === 'localhost' ? `localhost:${port}` : host } })).status,
      ).toBe(403);
    },
  );

  test('another origin is refused', async () => {
    expect((await ask('/', { headers: { origin: 'https://evil.example' } })).status).toBe(403);
    expect((await ask('/', { headers: { origin: 'null' } })).status).toBe(403);
    expect((await ask('/', { headers: { origin: served.origin } })).status).toBe(200);
  });

  test('only GET and HEAD, and nothing large', async () => {
    expect((await ask('/', { method: 'POST' })).status).toBe(405);
    expect((await ask('/', { method: 'HEAD' })).body).toBe('');
    expect((await ask('/', { method: 'POST', body: 'x'.repeat(20_000) })).status).toBe(413);
    expect((await ask(`/${'x'.repeat(9_000)}`)).status).toBe(413);
  });
});

describe('the WebSocket', () => {
  test('needs the right Host, Origin and place', async () => {
    expect(await refusal({ origin: null })).toBe(403);
    expect(await refusal({ origin: 'https://evil.example' })).toBe(403);
    expect(await refusal({ origin: served.origin.replace('127.0.0.1', 'localhost') })).toBe(403);
    expect(await refusal({ host: `localhost:${new URL(served.origin).port}` })).toBe(403);
    expect(await refusal({ target: '/other' })).toBe(404);
  });

  test.each([
    ['a wrong token', { type: 'hello', token: 'x'.repeat(43) }],
    ['a wrong session', { type: 'hello', session: 'x'.repeat(43) }],
    ['no token', { type: 'hello' }],
    ['another frame', { type: 'status' }],
    ['no JSON', 'hello'],
  ])('is closed with 4401 after %s', async (_what, hello) => {
    expect(await connect({ hello }).closed).toEqual({ code: 4401 });
    expect(await connect({ hello, target: '/terminal' }).closed).toEqual({ code: 4401 });
  });

  test('is closed with 4401 when it says nothing for five seconds', async () => {
    const began = performance.now();
    expect(await connect().closed).toEqual({ code: 4401 });
    expect(performance.now() - began).toBeGreaterThan(4_500);
  });

  test('serves the operator after a token, which is good once; the session then opens the next', async () => {
    const token = await freshToken();
    const first = connect({ hello: { type: 'hello', token } });
    const welcome = await nextMessage(first.socket);
    expect(welcome).toMatchObject({
      type: 'welcome',
      session: expect.stringMatching(/^[\w-]{43}$/) as string,
    });

    const link = new RPCLink({ websocket: first.socket as unknown as globalThis.WebSocket });
    const client = createORPCClient<ContractRouterClient<typeof operatorApi>>(link);
    expect(await client.status({})).toMatchObject({
      ok: true,
      value: { workspace: workspace.path, core: { pid: served.pid } },
    });
    first.socket.close();

    expect(await connect({ hello: { type: 'hello', token } }).closed).toEqual({ code: 4401 });
    const again = connect({ hello: { type: 'hello', session: welcome['session'] } });
    expect(await nextMessage(again.socket)).toEqual(welcome);
    again.socket.close();
  });

  test('does not serve what belongs to the operator’s own socket', async () => {
    const { socket } = connect({ hello: { type: 'hello', token: await freshToken() } });
    await nextMessage(socket);
    const client = createORPCClient<{ host: { stop(input: object): Promise<unknown> } }>(
      new RPCLink({ websocket: socket as unknown as globalThis.WebSocket }),
    );
    await expect(client.host.stop({})).rejects.toThrow(/not found/i);
    socket.close();
  });

  test('is closed when a message is larger than 4 MiB', async () => {
    const opened = connect({ hello: { type: 'hello', token: await freshToken() } });
    await nextMessage(opened.socket);
    opened.socket.send('x'.repeat(4 * 1024 * 1024 + 1));
    expect(await opened.closed).toEqual({ code: 1009 });
  });
});

describe('secrets', () => {
  test('neither the token of an address nor a session is in a log, a file, an argument list or an address that is sent', async () => {
    const token = await freshToken();
    const opened = connect({ hello: { type: 'hello', token } });
    const session = String((await nextMessage(opened.socket))['session']);
    // What a browser sends of an address ends before the fragment; as a query it opens nothing.
    expect(await refusal({ target: `/ws?token=${token}` })).toBe(404);
    expect((await ask(`/?token=${token}`)).body).not.toContain(token);
    const secrets = [token, session, served.token];
    const told: string[] = [];
    for (const entry of await readdir(workspace.path, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const file = path.join(entry.parentPath, entry.name);
      const text = (await readFile(file)).toString('latin1');
      if (secrets.some((secret) => text.includes(secret))) told.push(file);
    }
    for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
      const line = await readFile(`/proc/${pid}/cmdline`, 'latin1').catch(() => '');
      if (secrets.some((secret) => line.includes(secret))) told.push(line);
    }
    expect(told).toEqual([]);
    opened.socket.close();
  });

  test('a connection that sends without end is closed, and the door goes on', async () => {
    const flood = connect({ hello: { type: 'hello', token: await freshToken() } });
    await nextMessage(flood.socket);
    for (let n = 0; n < 20_000; n += 1) flood.socket.send('{}');
    expect(await flood.closed).toEqual({ code: 1008 });
    const next = connect({ hello: { type: 'hello', token: await freshToken() } });
    expect(await nextMessage(next.socket)).toMatchObject({ type: 'welcome' });
    next.socket.close();
  });
});

describe('the port', () => {
  test('is kept for the workspace', async () => {
    const other = await makeWorkspace();
    try {
      const first = await other.serve();
      await first.interrupt();
      expect((await other.run(['core', 'stop'])).code).toBe(0);
      expect(await readFile(path.join(other.path, '.atrium/port'), 'utf8')).toBe(
        `${new URL(first.origin).port}\n`,
      );
      const second = await other.serve();
      expect(second.origin).toBe(first.origin);
    } finally {
      await other.remove();
    }
  });

  test('that is taken is one sentence and exit code 1; a kept one that is taken is replaced', async () => {
    const other = await makeWorkspace();
    const taker = createServer();
    try {
      const port = await new Promise<number>((resolve) => {
        taker.listen(0, '127.0.0.1', () => resolve((taker.address() as { port: number }).port));
      });
      const refused = await other.json<{ error: { message: string } }>([
        'serve',
        '--no-open',
        '--port',
        String(port),
      ]);
      expect(refused.code).toBe(1);
      expect(refused.value.error.message).toBe(`Port ${port} of 127.0.0.1 is taken by another program.`);

      await writeFile(path.join(other.path, '.atrium/port'), `${port}\n`);
      const opened = await other.serve();
      expect(new URL(opened.origin).port).not.toBe(String(port));
    } finally {
      taker.close();
      await other.remove();
    }
  });
});

// Last, because it uses up what the others would need.
test('too many requests are answered with 429', async () => {
  const answers = await Promise.all(Array.from({ length: 900 }, () => ask('/').catch(() => ({ status: 0 }))));
  expect(answers.some(({ status }) => status === 429)).toBe(true);
});
