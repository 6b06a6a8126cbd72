import fc from 'fast-check';
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openRunGateway, type RunGateway } from '../../src-main/services/gateway/index.ts';
import { addBrand, appRoot, held, makePlace, nodePath } from '../support/workspace.ts';
import type { InProcessCore, TestPlace, TestRepository } from '../support/workspace.ts';
import { laySiege, type Siege } from './siege.ts';

/** Agent programs that keep to no protocol, and frames that are none. */

const WORDS =
  'buy when the seven day average crosses above the thirty day average and volume doubles within two sessions then sell half at nine percent';

describe('an agent program that lies', () => {
  let place: TestPlace;
  let core: InProcessCore;
  let siege: Siege;
  let shop: TestRepository;
  beforeAll(async () => {
    place = makePlace({
      maxRuns: 8,
      acpAgents: {
        liar: {
          command: 'node /opt/agent/liar.mjs',
          environment: { BACKWARDS: JSON.stringify(WORDS.split(' ').reverse()) },
          mounts: [{ source: path.join(import.meta.dirname, 'liar.mjs'), target: '/opt/agent/liar.mjs' }],
        },
      },
      policy: [
        { name: 'no', decision: 'deny', kinds: ['execute'], tools: [], commands: ['erase*'], reason: 'no' },
      ],
    });
    shop = place.repository('shop', { 'a.txt': 'one\n' });
    core = await place.open();
    siege = laySiege(core);
    await addBrand(core.client, 'acme', shop.path);
    const quant = place.repository('quant', { 'q.txt': `${WORDS}\n` });
    await addBrand(core.client, 'quant', quant.path, { sealed: true });
  });
  afterAll(async () => {
    await siege.end();
    await core.close();
    place.remove();
  });

  test('is ended, or comes no further than the gate: (protocol.silent) (protocol.unasked) (protocol.anyway) (protocol.borrowed) (protocol.misnamed) (words.last-words)', async () => {
    const outcomes: Record<string, RegExp> = {
      silent: /outside the ticket: outside\/silent/,
      misnamed: /outside the ticket: outside\/misnamed/,
      unasked: /without asking, and it is denied/,
      anyway: /without asking, and it is denied: no/,
      borrowed: /without asking, and it is denied: no/,
      words: /its result is not taken: it holds words of brand quant/,
      // The control: the same agent when it keeps to what it says.
      honest: /^merged$/,
    };
    const attempted = await Promise.all(
      Object.keys(outcomes).map(async (way) => {
        const draft = {
          title: way,
          paths: [`${way}/**`],
          acceptance: ['true'],
          runtime: 'acp-liar',
          model: way,
        };
        const { ticket, lines } = await siege.attack('acme', draft as never);
        return [way, ticket.attemptList[0]?.reason ?? '', lines.map(({ text }) => text).join('\n')] as const;
      }),
    );
    for (const [way, reason] of attempted)
      expect([way, reason]).toEqual([way, expect.stringMatching(outcomes[way] ?? /-/)]);
    const said = Object.fromEntries(attempted.map(([way, , text]) => [way, text]));
    expect(said['anyway']).not.toContain('allowed true');
    expect(said['borrowed']).toContain('allowed true false');
    expect(shop.git('ls-tree', '-r', '--name-only', 'main').split('\n')).toEqual(['a.txt', 'honest/x']);
    const events = held(await core.client.events({ brand: 'acme', limit: 5_000 }));
    expect(JSON.stringify(events)).not.toContain('seven day average');
  });
});

describe('atrium mcp', () => {
  let folder: string;
  let gateway: RunGateway;
  let server: ChildProcess;
  const taken: string[] = [];
  const answers = new Map<string, (answer: { result?: unknown; error?: unknown }) => void>();
  let asked = 0;
  const ask = <T>(method: string, params?: unknown): Promise<{ result?: T; error?: unknown }> =>
    new Promise((resolve) => {
      asked += 1;
      const id = `own-${asked}`;
      answers.set(id, resolve as never);
      server.stdin?.write(`${JSON.stringify({ jsonrpc: '2.0', id, method, params })}\n`);
    });

  beforeAll(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'mcp-'));
    const take = (what: string) => () => {
      taken.push(what);
      return Promise.resolve({ ok: true as const, value: null });
    };
    const time = { at: 0 };
    gateway = await openRunGateway({
      folder,
      owner: null,
      run: {
        id: 'R-acme-mcp',
        role: 'ticket-executor',
        ticket: 'T-acme-1',
        brand: 'acme',
        calls: ['progress', 'brief'],
      },
      reports: {
        ...{ result: take('result'), verdict: take('verdict'), comment: take('comment'), plan: take('plan') },
        ...{ progress: take('progress'), brief: () => 'brief' },
      },
      ...{ network: [], models: [], stopped: () => null, budget: () => ({ allowed: true, reason: '' }) },
      ...{ onUsage: () => undefined, onDecision: () => undefined },
      clock: { now: () => (time.at += 10_000) },
    });
    server = spawn(nodePath, [path.join(appRoot, 'out', 'run', 'mcp.mjs')], {
      env: { ATRIUM_SOCKET: gateway.socketPath, ATRIUM_TICKET: 'T-acme-1' },
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    if (server.stdout === null) throw new Error('the server has no output');
    createInterface({ input: server.stdout }).on('line', (line) => {
      const said = JSON.parse(line) as { id?: string; result?: unknown; error?: unknown };
      answers.get(said.id ?? '')?.(said);
    });
    const clientInfo = { name: 't', version: '1' };
    await ask('initialize', { protocolVersion: '2025-06-18', capabilities: {}, clientInfo });
    server.stdin?.write('{"jsonrpc":"2.0","method":"notifications/initialized"}\n');
  });
  afterAll(async () => {
    server.kill();
    await gateway.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const listed = async () =>
    (await ask<{ tools: { name: string }[] }>('tools/list', {})).result?.tools.map(({ name }) => name);
  const call = (name: unknown, input: unknown) =>
    ask<{ isError?: boolean }>('tools/call', { name, arguments: input });

  test('[A12] has the tools of the contract and no others, by whatever name (protocol.unlisted-tool)', async () => {
    expect(await listed()).toEqual(['report_progress']);
    for (const name of [
      'submit_verdict',
      'submit_result',
      'submit_plan',
      'approve',
      'ticket_approve',
      '__proto__',
      'constructor',
      '',
      5,
      null,
    ]) {
      const { result, error } = await call(name, { text: 'x', commit: 'a'.repeat(40), verdict: 'pass' });
      expect([name, error !== undefined || result?.isError === true]).toEqual([name, true]);
    }
    expect(taken).toEqual([]);
    // The control: the one that it has is taken.
    expect((await call('report_progress', { text: 'half way' })).result?.isError).not.toBe(true);
    expect(taken).toEqual(['progress']);
  });

  test('[A12] answers whatever it is sent, and lives (protocol.hostile-frames)', async () => {
    const junk = fc.jsonValue({ maxDepth: 4 });
    const frame = fc.oneof(
      junk.map((value) => JSON.stringify(value)),
      fc
        .record(
          {
            jsonrpc: fc.oneof(fc.constant('2.0'), junk),
            id: fc.oneof(fc.integer(), junk),
            method: fc.constantFrom(
              'tools/call',
              'tools/list',
              'initialize',
              'ping',
              'resources/read',
              '__proto__',
              'notifications/cancelled',
            ),
            params: fc.oneof(
              junk,
              fc.record({
                name: fc.constantFrom('report_progress', 'submit_verdict', 'constructor'),
                arguments: junk,
              }),
            ),
          },
          { requiredKeys: [] },
        )
        .map((value) => JSON.stringify(value)),
      fc.string({ unit: 'binary', maxLength: 300 }),
      fc.uint8Array({ maxLength: 300 }),
      fc.constant('x'.repeat(70_000)),
    );
    await fc.assert(
      fc.asyncProperty(frame, async (sent) => {
        server.stdin?.write(sent);
        server.stdin?.write('\n');
        expect(await ask('ping')).toMatchObject({ result: {} });
      }),
      { numRuns: 60 },
    );
    expect(await listed()).toEqual(['report_progress']);
    expect(taken.filter((what) => what !== 'progress')).toEqual([]);
    expect(server.exitCode).toBe(null);
  });
});
