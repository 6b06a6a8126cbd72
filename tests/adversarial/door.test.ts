import { createORPCClient } from '@orpc/client';
import { RPCLink } from '@orpc/client/websocket';
import type { ContractRouterClient } from '@orpc/contract';
import type { AnyRouter } from '@orpc/server';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import WebSocket from 'ws';
import { createApp, type App } from '../../src-main/app/index.ts';
import type { operatorApi } from '../../src-main/contract/operator-api.ts';
import { createBrowserDoor, type BrowserDoor } from '../../src-main/hosts/browser/index.ts';
import { createSessions } from '../../src-main/hosts/browser/sessions.ts';
import { createDoorSockets, type DoorSockets } from '../../src-main/hosts/browser/socket.ts';
import { appRoot, makePlace, nodePath, type TestPlace } from '../support/workspace.ts';
import { DOOR_ATTACKS, type DoorAttack, type Visit } from './door.ts';

/** Who comes to the browser door: at the door as it is, and at one that lacks the wall that keeps them out. */

let place: TestPlace;
let app: App;
let router: AnyRouter;
let door: BrowserDoor;
const bare: { server: Server; sockets: DoorSockets }[] = [];

beforeAll(async () => {
  place = makePlace();
  mkdirSync(path.join(place.around, 'site', 'page'), { recursive: true });
  writeFileSync(path.join(place.around, 'site', 'page', 'index.html'), '<!doctype html><p>page</p>');
  writeFileSync(path.join(place.around, 'site', 'secret.txt'), 'secret');
  const opened = await createApp({
    workspace: place.workspace,
    appRoot,
    nodePath,
    version: '0.0.0-test',
    environment: place.environment,
    log: () => undefined,
  });
  if (!opened.ok) throw new Error(opened.failure.message);
  app = opened.value;
  router = app.router('browser');
  door = createBrowserDoor({
    portFile: path.join(place.around, 'port'),
    pages: path.join(place.around, 'site', 'page'),
    router,
    serveTerminal: () => undefined,
    enter: () => () => undefined,
  });
});
afterAll(async () => {
  vi.restoreAllMocks();
  await door.close();
  for (const { server, sockets } of bare) {
    sockets.close();
    server.closeAllConnections();
    server.close();
  }
  await app.close();
  place.remove();
});

interface Doorway {
  port: number;
  freshToken(): Promise<string>;
}

const shipped = async (): Promise<Doorway> => {
  const open = async () => {
    const opened = await door.open(undefined);
    if (!opened.ok) throw new Error(opened.failure.message);
    return opened.value;
  };
  const { port } = await open();
  return { port, freshToken: async () => (await open()).url.split('token=')[1] ?? '' };
};

/** A door that takes everybody's address, or everybody's word. */
const without = async (wall: DoorAttack['wall']): Promise<Doorway> => {
  const real = createSessions(() => performance.now());
  const sessions = wall === 'token' ? { ...real, redeem: () => 'anybody', resume: () => true } : real;
  const sockets = createDoorSockets({
    router,
    serveTerminal: () => undefined,
    sessions,
    clock: () => performance.now(),
    enter: () => () => undefined,
  });
  const server = createServer().on('upgrade', (incoming, socket, head) =>
    sockets.accept(incoming, socket, head, false),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  bare.push({ server, sockets });
  return {
    port: (server.address() as AddressInfo).port,
    freshToken: () => Promise.resolve(real.issueToken()),
  };
};

const hello = async (at: Doorway, first: Visit['first']): Promise<unknown> => {
  const token =
    first.endsWith('token') && !first.startsWith('guessed') ? await at.freshToken() : 'x'.repeat(43);
  if (first === 'guessed session') return { type: 'hello', session: token };
  if (first === 'used token') await visit(at, { first: 'fresh token' }, token);
  if (first === 'late token') vi.spyOn(performance, 'now').mockReturnValue(performance.now() + 61_000);
  return { type: 'hello', token };
};

/** Whether somebody who comes like this is served: the operator's own question is answered. */
async function visit(at: Doorway, { host, origin, first }: Visit, token?: string): Promise<boolean> {
  const own = `http://127.0.0.1:${at.port}`;
  const said = token === undefined ? await hello(at, first) : { type: 'hello', token };
  const socket = new WebSocket(`ws://127.0.0.1:${at.port}/ws`, {
    headers: {
      ...(host === undefined ? {} : { host }),
      ...(origin === null ? {} : { origin: origin ?? own }),
    },
  });
  socket.on('error', () => undefined);
  const closed = new Promise<false>((resolve) => socket.once('close', () => resolve(false)));
  const opened = new Promise<true>((resolve) => socket.once('open', () => resolve(true)));
  try {
    if (!(await Promise.race([opened, closed]))) return false;
    if (first !== 'a call') {
      const welcome = new Promise<boolean>((resolve) =>
        socket.once('message', (data: Buffer) => resolve(data.toString().includes('welcome'))),
      );
      socket.send(JSON.stringify(said));
      if (!(await Promise.race([welcome, closed]))) return false;
    }
    const client = createORPCClient<ContractRouterClient<typeof operatorApi>>(
      new RPCLink({ websocket: socket as unknown as globalThis.WebSocket }),
    );
    const answered = client.status({}).then(({ ok }) => ok);
    answered.catch(() => undefined);
    return await Promise.race([answered, closed]);
  } finally {
    vi.restoreAllMocks();
    socket.terminate();
  }
}

test('the operator’s browser is served', async () => {
  expect(await visit(await shipped(), { first: 'fresh token' })).toBe(true);
});

describe.each(DOOR_ATTACKS.map((attack) => [attack.id, attack.tries, attack] as const))(
  '%s: to %s',
  (_id, _tries, { visit: how, wall }) => {
    test('serves nobody', async () => {
      expect(await visit(await shipped(), how)).toBe(false);
    });

    test('is served where that wall is missing', async () => {
      const at = await without(wall);
      // Without tokens whoever says hello is in: a call first is taken for one that was let in before.
      if (how.first === 'a call') await visit(at, { first: 'guessed session' });
      expect(await visit(at, how.first === 'a call' ? { first: 'guessed session' } : how)).toBe(true);
    });
  },
);

const WAYS_UP = [
  '/../secret.txt',
  '/..%2fsecret.txt',
  '/%2e%2e/secret.txt',
  '/..%5csecret.txt',
  '/x/../../secret.txt',
  '//../secret.txt',
  '/.%00./secret.txt',
];
const ask = (port: number, target: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const asking = request({ host: '127.0.0.1', port, path: target, agent: false }, (answer) => {
      let body = '';
      answer
        .on('data', (data: Buffer) => (body += data.toString()))
        .on('end', () => resolve(`${answer.statusCode} ${body}`));
    });
    asking.on('error', reject);
    asking.end();
  });

test('nothing outside the page is served; whoever joins paths serves it (door.files)', async () => {
  const { port } = await shipped();
  const said = await Promise.all(WAYS_UP.map((target) => ask(port, target)));
  expect(said.filter((text) => text.includes('secret'))).toEqual([]);
  const naive = createServer((incoming, response) => {
    try {
      const name = decodeURIComponent(incoming.url ?? '/').replaceAll('\\', '/');
      response.end(readFileSync(path.join(place.around, 'site', 'page', name)));
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise<void>((resolve) => naive.listen(0, '127.0.0.1', resolve));
  const taken = await Promise.all(
    WAYS_UP.map((target) => ask((naive.address() as AddressInfo).port, target)),
  );
  naive.close();
  expect(taken.filter((text) => text.includes('secret')).length).toBeGreaterThan(3);
});

// Last, because it uses up what the others would need.
test('requests without end are turned away, and the door is there for the next moment (door.rate)', async () => {
  const { port } = await shipped();
  // Time stands still, so that nothing comes back meanwhile.
  vi.spyOn(performance, 'now').mockReturnValue(performance.now());
  const answers = await Promise.all(Array.from({ length: 900 }, () => ask(port, '/').catch(() => '0')));
  expect(answers.filter((text) => text.startsWith('429')).length).toBeGreaterThan(0);
  expect(answers.filter((text) => text.startsWith('200')).length).toBeGreaterThan(0);
  vi.spyOn(performance, 'now').mockReturnValue(performance.now() + 60_000);
  expect(await ask(port, '/')).toMatch(/^200/);
});
