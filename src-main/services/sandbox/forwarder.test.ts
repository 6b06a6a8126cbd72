import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { inRepository } from './sandbox-fixture.ts';

/** The forwarder by itself, without walls: what it carries, and how it ends. */

const forwarder = inRepository('out/native/forwarder');
let root: string;
let socket: string;
const open: { close(): unknown }[] = [];

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'atrium-forwarder-'));
  socket = join(root, 'run.sock');
});
afterEach(() => {
  for (const each of open.splice(0)) each.close();
  rmSync(root, { recursive: true, force: true });
});

/** A port that nobody has at this moment. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

/** The run's socket, served by what is done with each connection. */
async function serve(answer: (client: Socket) => void): Promise<Server> {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (client) => {
    sockets.add(client.on('error', () => undefined).on('close', () => sockets.delete(client)));
    answer(client);
  }).listen(socket);
  open.push({ close: () => [server.close(), ...[...sockets].map((each) => each.destroy())] });
  await once(server, 'listening');
  return server;
}

/** Starts it with a command that waits for the end of its input. */
async function forward(
  command = ['/bin/sh', '-c', 'echo started; cat > /dev/null'],
): Promise<{ port: number; child: ChildProcess }> {
  const port = await freePort();
  const child = spawn(forwarder, [String(port), socket, '--', ...command], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  open.push({ close: () => child.kill('SIGKILL') });
  await once(child.stdout as Socket, 'data');
  return { port, child };
}

const dial = (port: number): Socket => {
  const client = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  open.push({ close: () => client.destroy() });
  return client.on('error', () => undefined);
};

describe('what it carries', () => {
  test('goes both ways whole, much of it, over many connections at once', async () => {
    await serve((client) => client.pipe(client));
    const { port } = await forward();
    const sizes = [0, 1, 65_535, 65_536, 65_537, 3_000_000, ...Array.from({ length: 60 }, (_, n) => n * 997)];
    const echoed = await Promise.all(
      sizes.map(async (size, n) => {
        const sent = Buffer.alloc(size, `${n}:`);
        const client = dial(port);
        client.end(sent);
        const chunks: Buffer[] = [];
        for await (const chunk of client) chunks.push(chunk as Buffer);
        return Buffer.concat(chunks).equals(sent);
      }),
    );
    expect(echoed).toEqual(sizes.map(() => true));
  });

  test('is handed on as it comes, and each side’s end by itself', async () => {
    const heard: string[] = [];
    await serve((client) => {
      client.on('data', (data) => heard.push(String(data)));
      // The answer begins only when the question has ended.
      client.on('end', () => client.write('first'));
      client.on('end', () => void turn().then(() => client.end('second')));
    });
    const { port } = await forward();
    const client = dial(port);
    client.write('que');
    client.end('stion');
    expect(await text(client)).toBe('firstsecond');
    expect(heard.join('')).toBe('question');
  });

  test('waits where the other side does not read, and takes no more memory meanwhile', async () => {
    const first = new Promise<Socket>((taken) => {
      let isFirst = true;
      void serve((client) => {
        if (isFirst) taken(client.pause());
        else client.pipe(client);
        isFirst = false;
      });
    });
    const { port, child } = await forward();
    const all = Buffer.alloc(30_000_000, 'x');
    dial(port).end(all);
    const core = await first;
    // Meanwhile a whole exchange goes by it on another connection.
    const other = dial(port);
    other.end(Buffer.alloc(3_000_000, 'y'));
    expect(await text(other)).toHaveLength(3_000_000);
    let size = 0;
    core.resume().on('data', (data: Buffer) => (size += data.length));
    await once(core, 'end');
    expect(size).toBe(all.length);
    const peakKb = /^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1];
    expect(Number(peakKb)).toBeLessThan(8_000);
  });

  test('ends on one side where it breaks on the other, and other connections go on', async () => {
    const taken: Socket[] = [];
    await serve((client) => {
      taken.push(client);
      client.write('hello');
    });
    const { port } = await forward();
    const [broken, other] = [dial(port), dial(port)];
    await Promise.all([once(broken, 'data'), once(other, 'data')]);
    // The core goes away from one of the two; its client is told, and only that.
    taken[0]?.destroy();
    const gone = await Promise.race(
      [broken, other].map(async (client) => {
        await once(client.resume(), 'end');
        return client;
      }),
    );
    const left = gone === broken ? other : broken;
    const heard = once(left, 'data');
    taken[1]?.write('more');
    expect(String((await heard)[0])).toBe('more');
    // And the other way: a program that goes away without a word.
    const told = once(taken[1]?.resume() as Socket, 'end');
    left.resetAndDestroy();
    await told;
  });

  test('is closed at once where the run’s socket is not there', async () => {
    const { port } = await forward();
    const client = dial(port);
    client.write('x');
    await new Promise((told) => client.resume().once('end', told).once('close', told));
  });

  test('costs nothing while nothing is said, also when one side has ended', async () => {
    const taken = new Promise<Socket>((got) => void serve((client) => got(client.resume())));
    const { port, child } = await forward();
    const client = dial(port);
    client.end('question');
    await once(await taken, 'end');
    const spent = () => readFileSync(`/proc/${child.pid}/stat`, 'utf8').split(' ').slice(13, 15).map(Number);
    const switches = () =>
      Number(
        /^voluntary_ctxt_switches:\s+(\d+)/m.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1],
      );
    const [before, woken] = [spent(), switches()];
    // A whole exchange on another connection, while the first waits half closed.
    const other = dial(port);
    other.end();
    await once(other.resume(), 'connect');
    expect(switches() - woken).toBeLessThan(20);
    expect(spent()).toEqual(before);
  });
});

describe('how it ends', () => {
  const run = async (command: string[], more: { port?: string; input?: string } = {}) => {
    const child = spawn(forwarder, [more.port ?? String(await freePort()), socket, '--', ...command]);
    child.stdin.on('error', () => undefined).end(more.input ?? '');
    const [out, err, ended] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, 'close') as Promise<[number]>,
    ]);
    return { out, err, code: ended[0] };
  };

  test('as its command does', async () => {
    expect(await run(['/bin/sh', '-c', 'cat; exit 7'], { input: 'given' })).toEqual({
      out: 'given',
      err: '',
      code: 7,
    });
    expect((await run(['/bin/sh', '-c', 'kill -9 $$'])).code).toBe(137);
  });

  test('with its own code and a sentence where the command cannot be executed or the port cannot be had', async () => {
    expect(await run(['/no/such'])).toMatchObject({
      code: 127,
      err: expect.stringContaining('cannot start /no/such') as string,
    });
    expect(await run(['/etc/passwd'])).toMatchObject({ code: 126 });
    const taken = createServer().listen(0, '127.0.0.1');
    open.push(taken);
    await once(taken, 'listening');
    const { port } = taken.address() as { port: number };
    expect(await run(['/bin/true'], { port: String(port) })).toMatchObject({
      code: 125,
      err: expect.stringContaining(`cannot listen on port ${port}: Address already in use`) as string,
    });
    for (const wrong of ['0', '65536', 'x', '80x', ''])
      expect(await run(['/bin/true'], { port: wrong })).toMatchObject({ code: 125 });
  });

  test('signals are its command’s', async () => {
    const { child } = await forward([
      '/bin/sh',
      '-c',
      'trap "echo told; exit 5" TERM; echo started; while :; do sleep 0.01; done',
    ]);
    child.kill('SIGTERM');
    expect((await once(child, 'close'))[0]).toBe(5);
  });

  test('its command has the default signals, and the variable by which Node looks at proxies', async () => {
    const { out } = await run([
      '/bin/sh',
      '-c',
      'grep -E "^Sig(Blk|Ign)" /proc/self/status; echo $NODE_USE_ENV_PROXY',
    ]);
    expect(out.replaceAll(/\s+/g, ' ')).toBe('SigBlk: 0000000000000000 SigIgn: 0000000000000000 1 ');
  });
});
