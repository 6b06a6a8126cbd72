import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import { call, openForTest } from './gateway-fixture.ts';
import { decideByList, isPublicAddress } from './network-list.ts';

async function listening(server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise<void>((resolve) => server.close(() => resolve()));
  });
  return (server.address() as AddressInfo).port;
}

/** Says CONNECT over the run's socket and reads the head of the answer. */
async function tunnel(
  socketPath: string,
  target: string,
  early = '',
): Promise<{ head: string; socket: Socket }> {
  const socket = connect(socketPath);
  socket.on('error', () => undefined);
  socket.write(`CONNECT ${target} HTTP/1.1\r\nhost: ${target}\r\n\r\n${early}`);
  let head = '';
  while (!head.includes('\r\n\r\n')) {
    const [chunk] = (await once(socket, 'data')) as [Buffer];
    head += chunk.toString();
  }
  return { head, socket };
}

const onLoopback = { resolve: () => Promise.resolve(['127.0.0.1']), allowPrivate: true };

describe('the network of a run', () => {
  test('is a tunnel to a listed host, both ways, from the first byte to the end', async () => {
    const port = await listening(
      createServer((socket) => socket.on('data', (chunk) => socket.write(`echo ${chunk.toString()}`))),
    );
    const { gateway, decisions } = await openForTest({ network: [`*.example.org:${port}`], dns: onLoopback });
    const { head, socket } = await tunnel(gateway.socketPath, `api.example.org:${port}`, 'early');
    expect(head).toMatch(/^HTTP\/1\.1 200 /);
    const heard = head.split('\r\n\r\n')[1] || String(((await once(socket, 'data')) as [Buffer])[0]);
    expect(heard).toBe('echo early');
    socket.write('late');
    expect(String(((await once(socket, 'data')) as [Buffer])[0])).toBe('echo late');
    expect(decisions).toMatchObject([{ host: 'api.example.org', port, allowed: true }]);
    socket.end();
    await once(socket, 'close');
    await gateway.idle();
  });

  test('ends with the gateway', async () => {
    const port = await listening(createServer((socket) => socket.resume()));
    const { gateway } = await openForTest({ network: [`a.example.org:${port}`], dns: onLoopback });
    const { socket } = await tunnel(gateway.socketPath, `a.example.org:${port}`);
    const closed = once(socket, 'close');
    socket.resume();
    await gateway.close();
    await closed;
  });

  test('has no other host, no address, and no other port, and each refusal is reported with its reason', async () => {
    const { gateway, decisions } = await openForTest({
      network: ['example.org', '*.example.com', '127.0.0.1', '169.254.169.254:80', '[::1]:443'],
      dns: onLoopback,
    });
    const targets = [
      'example.net:443',
      'example.org:80',
      'example.com:443',
      'notexample.com:443',
      'example.org.evil.net:443',
      '127.0.0.1:443',
      '169.254.169.254:80',
      '[::1]:443',
      '[::ffff:127.0.0.1]:443',
      'localhost:443',
    ];
    for (const target of targets) {
      const { head, socket } = await tunnel(gateway.socketPath, target);
      socket.destroy();
      expect([target, head.slice(0, 12)]).toEqual([target, 'HTTP/1.1 403']);
    }
    expect(decisions).toHaveLength(targets.length);
    for (const decision of decisions) {
      expect(decision.allowed).toBe(false);
      expect(decision.reason).toMatch(/\.$/);
    }
    const { head, socket } = await tunnel(gateway.socketPath, 'nonsense');
    socket.destroy();
    expect(head).toMatch(/^HTTP\/1\.1 400 /);
  });

  test('refuses a listed name that leads to an address which is not public, one among many included', async () => {
    for (const address of [
      '127.0.0.1',
      '10.1.2.3',
      '169.254.169.254',
      '::1',
      'fd00:ec2::254',
      '::ffff:127.0.0.1',
      '64:ff9b::7f00:1',
    ]) {
      const { gateway, decisions } = await openForTest({
        network: ['example.org'],
        dns: { resolve: () => Promise.resolve(['93.184.216.34', address]), allowPrivate: false },
      });
      const { head, socket } = await tunnel(gateway.socketPath, 'example.org:443');
      socket.destroy();
      expect(head).toMatch(/^HTTP\/1\.1 403 /);
      expect(head).toContain(address);
      expect(decisions).toMatchObject([{ host: 'example.org', port: 443, allowed: false }]);
    }
  });

  test('refuses the machine itself under its own name, with the resolver as shipped', async () => {
    const { gateway } = await openForTest({ network: ['localhost'] });
    const { head, socket } = await tunnel(gateway.socketPath, 'localhost:443');
    socket.destroy();
    expect(head).toMatch(/^HTTP\/1\.1 403 /);
  });

  test('says 502 for an allowed host that is not there or has no address', async () => {
    const closed = createServer();
    const port = await listening(closed);
    await new Promise((resolve) => closed.close(resolve));
    const network = [`a.example.org:${port}`];
    const { gateway } = await openForTest({ network, dns: onLoopback });
    const nowhere = await openForTest({
      network,
      dns: { resolve: () => Promise.reject(new Error('ENOTFOUND')), allowPrivate: false },
    });
    for (const path of [gateway.socketPath, nowhere.gateway.socketPath]) {
      const { head, socket } = await tunnel(path, `a.example.org:${port}`);
      socket.destroy();
      expect(head).toMatch(/^HTTP\/1\.1 502 /);
    }
  });

  test('carries plain HTTP to a host that is listed with that port, and to no other', async () => {
    const seen: (string | undefined)[] = [];
    const port = await listening(
      createHttpServer((request, response) => {
        seen.push(request.url, request.headers.host, request.headers['proxy-authorization']);
        request.pipe(response);
      }),
    );
    const { gateway, decisions } = await openForTest({
      network: [`a.example.org:${port}`, 'b.example.org'],
      dns: onLoopback,
    });
    const headers = { 'proxy-authorization': 'Basic secret' };
    const answer = await call(gateway.socketPath, {
      path: `http://a.example.org:${port}/p?q=1`,
      headers,
      body: '{"x":1}',
    });
    expect([answer.status, answer.text]).toEqual([200, '{"x":1}']);
    expect(seen).toEqual(['/p?q=1', `a.example.org:${port}`, undefined]);
    for (const path of [
      'http://b.example.org/',
      'http://127.0.0.1/',
      'http://2130706433/',
      'http://c.example.org/',
      'https://b.example.org/',
      'ftp://x/',
    ]) {
      const refused = await call(gateway.socketPath, { path });
      expect([path, refused.status]).toEqual([path, 403]);
    }
    expect(decisions.map((decision) => decision.allowed)).toEqual([true, false, false, false, false]);
  });
});

describe('the list', () => {
  test('knows public addresses from all others', () => {
    for (const address of ['93.184.216.34', '1.1.1.1', '2606:4700::1111', '2a00:1450:4001::1']) {
      expect([address, isPublicAddress(address)]).toEqual([address, true]);
    }
    const others = [
      '0.0.0.0',
      '10.0.0.1',
      '100.100.100.200',
      '127.1.2.3',
      '168.63.129.16',
      '172.31.0.1',
      '192.168.1.1',
      '224.0.0.1',
    ];
    others.push(
      '255.255.255.255',
      '::',
      '::1',
      '::ffff:8.8.8.8',
      '64:ff9b::808:808',
      'fe80::1',
      'fc00::1',
      'ff02::1',
      '2002:7f00:1::',
    );
    others.push('2001:0:1::', 'nonsense', '127.1', '');
    for (const address of others) expect([address, isPublicAddress(address)]).toEqual([address, false]);
  });

  test('takes a name in any case and with a dot at its end for the same', () => {
    expect(decideByList(['Example.ORG'], 'EXAMPLE.org.', 443).allowed).toBe(true);
    expect(decideByList(['*.example.org'], 'a.b.example.org', 443).allowed).toBe(true);
    expect(decideByList(['*.example.org'], 'example.org', 443).allowed).toBe(false);
    expect(decideByList(['*'], 'example.org', 443).allowed).toBe(false);
    expect(decideByList([], 'example.org', 443).allowed).toBe(false);
  });

  test('allows nothing but what it names, whatever is asked', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string(), fc.domain(), fc.ipV4(), fc.ipV6()),
        fc.integer({ min: 1, max: 65535 }),
        (host, port) => {
          const allowed = decideByList(['only.example.org', '*.wide.example.net:8443'], host, port).allowed;
          const name = host.toLowerCase().replace(/\.$/, '');
          expect(allowed).toBe(
            (name === 'only.example.org' && port === 443) ||
              (name.endsWith('.wide.example.net') && port === 8443),
          );
        },
      ),
    );
  });
});
