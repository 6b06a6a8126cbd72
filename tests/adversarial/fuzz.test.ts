import fc from 'fast-check';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import WebSocket from 'ws';
import { RunCall } from '../../src-main/contract/config.ts';
import { runApiPaths } from '../../src-main/contract/run-api.ts';
import { createBrowserDoor, type BrowserDoor } from '../../src-main/hosts/browser/index.ts';
import { openRunGateway, type RunGateway } from '../../src-main/services/gateway/index.ts';
import { createApp, type App } from '../../src-main/app/index.ts';
import { addBrand, appRoot, held, makePlace, nodePath } from '../support/workspace.ts';
import type { InProcessCore, TestPlace } from '../support/workspace.ts';

/**
 * What nobody would send: to the guard, to a run's socket and to the browser door. Never a crash of the core, never an allow,
 * always an answer or a clean close. Bounded; a failure prints its seed.
 */

const runs = { numRuns: 120 };
const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc.constantFrom(
    '',
    '\0',
    '__proto__',
    'constructor',
    '../../..',
    '/etc/passwd',
    '%2e%2e',
    '\ud800',
    'a'.repeat(5_000),
  ),
);
const junk = fc.jsonValue({ maxDepth: 4 });
/** A value of the right form in which some fields are not. */
const bent = (shape: Record<string, unknown>) =>
  fc.record(
    Object.fromEntries(
      Object.entries(shape).map(([name, value]) => [name, fc.oneof(fc.constant(value), junk, text)]),
    ),
    { requiredKeys: [] },
  );

describe('the guard', () => {
  let place: TestPlace;
  let core: InProcessCore;
  beforeAll(async () => {
    place = makePlace();
    const shop = place.repository('shop', { 'src/a.txt': 'one\n' });
    core = await place.open();
    await addBrand(core.client, 'acme', shop.path);
  });
  afterAll(async () => {
    await core.close();
    place.remove();
  });
  const check = async (question: unknown) => held(await core.client.guard.check({ question }));

  test('[F8] answers whatever it is asked, and what it cannot read is no allow', async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(junk, fc.array(junk), text), async (question) => {
        expect(await check(question)).toMatchObject({ decision: 'deny' });
      }),
      runs,
    );
  });

  test('[F8] a path outside the checkout is denied to every tool that writes, whatever stands beside it', async () => {
    const outside = fc.oneof(
      text.map((name) => `/etc/${name}`),
      text.map((name) => path.join(place.workspace, '.atrium', name)),
      text.map((name) => `../../../../${name}`),
      text.map((name) => `./src/../../../../../etc/${name}`),
    );
    const field = fc.constantFrom(
      'file_path',
      'path',
      'filePath',
      'absolute_path',
      'destination',
      'target_file',
      'paths',
    );
    const tool = fc.constantFrom(
      'Write',
      'Edit',
      'write_file',
      'replace',
      'apply_patch',
      'NotebookEdit',
      'unheard_of',
    );
    await fc.assert(
      fc.asyncProperty(
        tool,
        field,
        outside,
        bent({ content: 'x', old_string: 'y' }),
        async (name, key, file, more) => {
          const input = { ...more, [key]: key === 'paths' ? [file] : file };
          const { decision } = await check({
            brand: 'acme',
            role: 'ticket-executor',
            tool: name,
            input,
            cwd: '/work',
          });
          expect([name, key, file, decision]).toEqual([name, key, file, 'deny']);
        },
      ),
      runs,
    );
  });

  test('[F8] a hook’s input, whatever it is, is answered, and a write outside is never allowed', async () => {
    const input = fc.oneof(
      junk,
      text,
      bent({
        tool_name: 'Write',
        tool_input: { file_path: '/etc/passwd', content: 'x' },
        cwd: '/work',
        session_id: 'x',
        hook_event_name: 'PreToolUse',
      }).filter((value) => value['tool_name'] === 'Write'),
    );
    const event = fc.oneof(
      fc.constantFrom('PreToolUse', 'BeforeTool'),
      text.map((name) => name.slice(0, 100)),
    );
    await fc.assert(
      fc.asyncProperty(event, input, async (name, value) => {
        const answer = await core.client.guard.hook({
          event: name,
          input: value,
          brand: 'acme',
          role: 'ticket-executor',
        });
        const asked = (value as { tool_name?: unknown } | null)?.tool_name;
        const writes = typeof asked === 'string' && ['PreToolUse', 'BeforeTool'].includes(name);
        if (answer.ok && writes) expect([value, answer.value.decision]).toEqual([value, 'deny']);
        else expect(answer.ok || answer.failure.code === 'invalid-input').toBe(true);
      }),
      runs,
    );
    expect(core.faults).toEqual([]);
  });

  test('[F8] a bent question is answered, and one that names another brand or role is denied', async () => {
    const question = bent({
      brand: 'beta',
      role: 'no-such-role',
      tool: 'Read',
      input: { file_path: '/work/a' },
      cwd: '/work',
    });
    await fc.assert(
      fc.asyncProperty(question, async (asked) => {
        expect(await check(asked)).toMatchObject({ decision: 'deny', reason: expect.any(String) as string });
      }),
      runs,
    );
    expect(core.faults).toEqual([]);
  });
});

describe('a run’s socket', () => {
  let folder: string;
  let gateway: RunGateway;
  const taken: string[] = [];
  const time = { at: 0 };
  beforeAll(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'fz-'));
    const take = (what: string) => () => {
      taken.push(what);
      return Promise.resolve({ ok: true as const, value: null });
    };
    gateway = await openRunGateway({
      folder,
      owner: null,
      run: {
        id: 'R-acme-fuzz',
        role: 'ticket-executor',
        ticket: 'T-acme-1',
        brand: 'acme',
        calls: RunCall.options,
      },
      reports: {
        result: take('result'),
        verdict: take('verdict'),
        progress: () => Promise.resolve({ ok: true, value: null }),
        comment: () => Promise.resolve({ ok: true, value: null }),
        brief: () => 'brief',
      },
      network: ['listed.example'],
      models: [],
      stopped: () => null,
      budget: () => ({ allowed: true, reason: '' }),
      onUsage: () => undefined,
      onDecision: () => undefined,
      // Each call comes ten seconds later, so that the rate is never what answers.
      clock: { now: () => (time.at += 10_000) },
    });
  });
  afterAll(async () => {
    await gateway.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const send = (method: string, target: string, body: string | Buffer): Promise<number> =>
    new Promise((resolve, reject) => {
      const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
      const asking = request(
        { socketPath: gateway.socketPath, method, path: target, headers, agent: false },
        (answer) => {
          answer.resume().on('end', () => resolve(answer.statusCode ?? 0));
        },
      );
      asking.on('error', reject);
      asking.end(body);
    });
  const raw = (bytes: Uint8Array): Promise<string> =>
    new Promise((resolve) => {
      let said = '';
      const socket = connect(gateway.socketPath, () => socket.end(bytes));
      socket.on('data', (data: Buffer) => (said += data.toString('latin1')));
      socket.on('error', () => undefined).on('close', () => resolve(said));
    });
  const alive = async () => expect(await send('POST', runApiPaths.progress, '{"text":"alive"}')).toBe(200);

  test('[A3] every path and body is answered; nothing but the run’s own verbs is taken', async () => {
    const target = fc.oneof(
      fc.constantFrom(
        ...Object.values(runApiPaths),
        '/api/ticket/approve',
        '/api/run/../ticket/approve',
        '//x',
        '/v1/messages',
      ),
      fc.webPath().map((part) => `/api${part}`),
    );
    const body = fc.oneof(
      junk.map((value) => JSON.stringify(value)),
      bent({
        ticket: 'T-acme-2',
        commit: 'c'.repeat(40),
        summary: 'x',
        verdict: 'pass',
        reasons: [],
        plan: 'x',
        text: '',
      }).map((value) => JSON.stringify(value)),
      text,
      fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('GET', 'POST', 'PUT', 'DELETE', 'PATCH'),
        target,
        body,
        async (method, where, what) => {
          const status = await send(method, where, what);
          expect([where, status >= 200 && status < 600 && status !== 500]).toEqual([where, true]);
        },
      ),
      runs,
    );
    expect(taken.filter((what) => what !== 'result')).toEqual([]);
    await alive();
  });

  test('[A12] a text with any number of bent blocks is answered, and is a result only for this ticket', async () => {
    const before = taken.length;
    const block = bent({ ticket: 'T-acme-2', commit: 'c'.repeat(40), summary: 'x' }).map(
      (value) => `\`\`\`atrium-result\n${JSON.stringify(value)}\n\`\`\`\n`,
    );
    await fc.assert(
      fc.asyncProperty(fc.array(fc.oneof(block, text), { maxLength: 4 }), async (parts) => {
        const body = JSON.stringify({ ticketId: 'T-acme-1', text: parts.join('\n') });
        expect(await send('POST', runApiPaths.callback, body)).toBe(422);
      }),
      runs,
    );
    expect(taken.length).toBe(before);
    await alive();
  });

  test('bytes that are no HTTP, and tunnels to anything, are answered or closed', async () => {
    const line = fc
      .tuple(
        fc.constantFrom('CONNECT', 'GET', 'PRI', 'TRACE', 'POST'),
        text,
        fc.constantFrom('1.1', '1.0', '9.9', ''),
      )
      .map(([method, target, version]) =>
        Buffer.from(`${method} ${target} HTTP/${version}\r\nhost: x\r\n\r\n`),
      );
    await fc.assert(
      fc.asyncProperty(fc.oneof(line, fc.uint8Array({ maxLength: 500 })), async (bytes) => {
        expect(await raw(bytes)).not.toMatch(/^HTTP\/1\.1 200 Connection/);
      }),
      runs,
    );
    await alive();
  });
});

describe('the browser door', () => {
  let place: TestPlace;
  let app: App;
  let door: BrowserDoor;
  let port: number;
  const faults: string[] = [];
  beforeAll(async () => {
    place = makePlace();
    const opened = await createApp({
      workspace: place.workspace,
      appRoot,
      nodePath,
      version: '0.0.0-test',
      environment: place.environment,
      log: ({ level, message }) => (level === 'error' ? void faults.push(message) : undefined),
    });
    if (!opened.ok) throw new Error(opened.failure.message);
    app = opened.value;
    mkdirSync(path.join(place.around, 'page'));
    writeFileSync(path.join(place.around, 'page', 'index.html'), '<!doctype html>');
  });
  // One each, for a door takes sixty connections at once and no more.
  beforeEach(async () => {
    door = createBrowserDoor({
      portFile: path.join(place.around, 'port'),
      pages: path.join(place.around, 'page'),
      router: app.router('browser'),
      serveTerminal: () => undefined,
      enter: () => () => undefined,
    });
    port = (await address()).port;
  });
  afterEach(() => door.close());
  afterAll(async () => {
    await app.close();
    place.remove();
  });

  const address = async () => {
    const opened = await door.open(undefined);
    if (!opened.ok) throw new Error(opened.failure.message);
    return opened.value;
  };
  const raw = (bytes: Uint8Array): Promise<string> =>
    new Promise((resolve) => {
      let said = '';
      const socket = connect(port, '127.0.0.1', () => socket.end(bytes));
      socket.on('data', (data: Buffer) => (said += data.toString('latin1')));
      socket.on('error', () => undefined).on('close', () => resolve(said));
    });
  const served = async () => {
    const status = await new Promise<number>((resolve, reject) => {
      const asking = request({ host: '127.0.0.1', port, agent: false }, (answer) => {
        answer.resume().on('end', () => resolve(answer.statusCode ?? 0));
      });
      asking.on('error', reject);
      asking.end();
    });
    expect([200, 429]).toContain(status);
  };
  const enter = async (first: string | Buffer): Promise<{ socket: WebSocket; closed: Promise<number> }> => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/ws`, { origin: `http://127.0.0.1:${port}` });
    socket.on('error', () => undefined);
    const closed = new Promise<number>((resolve) => socket.once('close', resolve));
    await new Promise<void>((resolve) => {
      socket.once('open', () => {
        socket.send(first);
        resolve();
      });
      socket.once('close', () => resolve());
    });
    return { socket, closed };
  };

  test('requests of every kind are answered or closed', async () => {
    const asked = fc
      .tuple(
        fc.constantFrom('GET', 'HEAD', 'POST', 'CONNECT', 'X'),
        text,
        fc.dictionary(fc.constantFrom('host', 'origin', 'range', 'upgrade', 'x'), text),
      )
      .map(([method, target, headers]) => {
        const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
        return Buffer.from([`${method} /${target} HTTP/1.1`, ...lines, '', ''].join('\r\n'));
      });
    await fc.assert(
      fc.asyncProperty(fc.oneof(asked, fc.uint8Array({ maxLength: 400 })), async (bytes) => {
        expect(await raw(bytes)).toSatisfy((said: string) => said === '' || said.startsWith('HTTP/1.1 4'));
      }),
      runs,
    );
    await served();
  });

  test('a first frame that is no hello closes, and nobody is in', async () => {
    const frame = fc.oneof(
      junk.map((value) => JSON.stringify(value)),
      bent({ type: 'hello', token: 'x'.repeat(43), session: 'y' }).map((value) => JSON.stringify(value)),
      text,
      fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
    );
    await fc.assert(
      fc.asyncProperty(frame, async (first) => {
        const { closed } = await enter(first);
        expect([4401, 1006, 1007]).toContain(await closed);
      }),
      { numRuns: 40 },
    );
    await served();
  });

  test('whoever is in may send anything: it is answered or the connection ends, and the core goes on', async () => {
    const frame = fc.oneof(
      junk.map((value) => JSON.stringify(value)),
      bent({
        i: '1',
        t: 1,
        p: { u: '/ticket/approve', b: { json: { id: 'T-acme-1', hash: 'x', commandId: 'c' } } },
      }).map((value) => JSON.stringify(value)),
      text,
      fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
    );
    const { url } = await address();
    let session = '';
    const come = async (hello: unknown) => {
      const entered = await enter(JSON.stringify(hello));
      const first = new Promise<string>((resolve) =>
        entered.socket.once('message', (data: Buffer) => resolve(data.toString())),
      );
      session = (JSON.parse(await first) as { session: string }).session;
      return entered;
    };
    let { socket, closed } = await come({ type: 'hello', token: url.split('token=')[1] });
    await fc.assert(
      fc.asyncProperty(frame, async (sent) => {
        if (socket.readyState !== WebSocket.OPEN)
          ({ socket, closed } = await come({ type: 'hello', session }));
        const lives = new Promise<'lives'>((resolve) => socket.once('pong', () => resolve('lives')));
        socket.send(sent);
        socket.ping();
        const outcome = await Promise.race([lives, closed]);
        expect(['lives', 1008]).toContain(outcome);
        if (outcome !== 'lives') socket.terminate();
      }),
      { numRuns: 45 },
    );
    socket.terminate();
    await served();
    expect(faults).toEqual([]);
  });
});
