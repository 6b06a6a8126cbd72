import { once } from 'node:events';
import { stat } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { runApiPaths, RunApiError, writeResultMarkers } from '../../contract/run-api.ts';
import type { ResultReport } from '../../contract/tickets.ts';
import { fail } from '../../contract/errors.ts';
import { call, everyCall, openForTest, post } from './gateway-fixture.ts';
import { GatewayFault } from './ports.ts';

const commit = 'a'.repeat(40);
const report = {
  ticket: 'T-acme-1',
  commit,
  summary: 'Done.',
  commands: [{ command: 'npm test', exitCode: 0 }],
  files: ['a.txt'],
} as ResultReport;
const text = `I am ready.\n\n${writeResultMarkers(report)}\nThat is all.`;
const verifier = {
  id: 'R-test-0002',
  role: 'verifier',
  ticket: 'T-acme-1',
  brand: 'acme',
  calls: everyCall,
};

function codeOf(json: unknown): string {
  return RunApiError.parse(json).error.code;
}

describe('a result', () => {
  test('[A12] is taken from the callback when it carries its markers and its ticket', async () => {
    const { gateway, reports } = await openForTest();
    const answer = await post(gateway.socketPath, runApiPaths.callback, { ticketId: 'T-acme-1', text });
    expect(answer.status).toBe(200);
    expect(reports).toEqual([['result', report]]);
    await post(gateway.socketPath, runApiPaths.callback, {
      ticketId: 'T-acme-1',
      markers: writeResultMarkers(report),
    });
    expect(reports).toHaveLength(2);
  });

  const bad: [string, string, number, unknown][] = [
    ['no markers', 'markers-missing', 422, { ticketId: 'T-acme-1', text: 'Done!' }],
    [
      'a fence that never ends',
      'markers-missing',
      422,
      { ticketId: 'T-acme-1', text: text.slice(0, text.lastIndexOf('```')) },
    ],
    [
      'markers inside another fence',
      'markers-missing',
      422,
      { ticketId: 'T-acme-1', text: `~~~~\n${text}\n~~~~` },
    ],
    ['two blocks', 'markers-malformed', 422, { ticketId: 'T-acme-1', text: text + text }],
    [
      'malformed JSON',
      'markers-malformed',
      422,
      { ticketId: 'T-acme-1', text: '```atrium-result\n{"ticket": \n```' },
    ],
    ['another ticket in the callback', 'wrong-ticket', 422, { ticketId: 'T-acme-2', text }],
    [
      'another ticket in the markers',
      'wrong-ticket',
      422,
      { ticketId: 'T-acme-1', text: text.replaceAll('T-acme-1', 'T-acme-2') },
    ],
    [
      'a commit that is none',
      'invalid-report',
      422,
      { ticketId: 'T-acme-1', text: text.replaceAll(commit, 'HEAD') },
    ],
    [
      'no commit',
      'invalid-report',
      422,
      { ticketId: 'T-acme-1', text: text.replaceAll('"commit"', '"remark"') },
    ],
    ['neither text nor markers', 'invalid-content', 400, { ticketId: 'T-acme-1' }],
    ['a list', 'invalid-content', 400, []],
  ];
  test.each(bad)(
    '[A12] with %s is refused as %s, and nothing is recorded',
    async (_what, code, status, body) => {
      const { gateway, reports } = await openForTest();
      const answer = await post(gateway.socketPath, runApiPaths.callback, body);
      expect(codeOf(answer.json)).toBe(code);
      expect(answer.status).toBe(status);
      expect(reports).toEqual([]);
    },
  );

  test('[A12] as plain JSON follows the same rules', async () => {
    const { gateway, reports } = await openForTest();
    expect((await post(gateway.socketPath, runApiPaths.result, report)).status).toBe(200);
    expect(
      (await post(gateway.socketPath, runApiPaths.result, { ...report, ticket: 'T-acme-9' })).status,
    ).toBe(422);
    expect((await post(gateway.socketPath, runApiPaths.result, { ...report, commit: 'abc' })).status).toBe(
      422,
    );
    expect((await post(gateway.socketPath, runApiPaths.result, { ...report, merged: true })).status).toBe(
      422,
    );
    expect(reports).toHaveLength(1);
  });

  test('of a run without a ticket is always for the wrong one', async () => {
    const { gateway, reports } = await openForTest({
      run: { id: 'R-test-0003', role: 'librarian', ticket: null, brand: 'acme', calls: everyCall },
    });
    expect(codeOf((await post(gateway.socketPath, runApiPaths.result, report)).json)).toBe('wrong-ticket');
    expect(reports).toEqual([]);
  });

  test('that the core refuses is answered with its reason, a fault of the core with 500', async () => {
    const refused = () => Promise.resolve(fail('refused-transition', 'T-acme-1 is blocked.', 'Stop.'));
    const { gateway } = await openForTest({
      reports: {
        result: refused,
        verdict: refused,
        progress: () => Promise.reject(new Error('secret path')),
        comment: refused,
        brief: () => '',
      },
    });
    const answer = await post(gateway.socketPath, runApiPaths.result, report);
    expect([answer.status, RunApiError.parse(answer.json).error.message]).toEqual([
      409,
      'T-acme-1 is blocked.',
    ]);
    const fault = await post(gateway.socketPath, runApiPaths.progress, { text: 'x' });
    expect(fault.status).toBe(500);
    expect(fault.text).not.toContain('secret');
  });
});

describe('a verdict', () => {
  const verdict = { ticket: 'T-acme-1', commit, verdict: 'pass', reasons: ['All commands passed.'] };

  test('is a verifier’s alone, and a verifier gives no result', async () => {
    const executor = await openForTest();
    expect((await post(executor.gateway.socketPath, runApiPaths.verdict, verdict)).status).toBe(403);
    expect(executor.reports).toEqual([]);
    const { gateway, reports } = await openForTest({ run: verifier });
    expect((await post(gateway.socketPath, runApiPaths.verdict, verdict)).status).toBe(200);
    expect((await post(gateway.socketPath, runApiPaths.result, report)).status).toBe(403);
    expect(
      (await post(gateway.socketPath, runApiPaths.verdict, { ...verdict, ticket: 'T-acme-2' })).status,
    ).toBe(422);
    expect(
      (await post(gateway.socketPath, runApiPaths.verdict, { ...verdict, verdict: 'approve' })).status,
    ).toBe(422);
    expect(reports).toEqual([['verdict', verdict]]);
  });
});

describe('the run API', () => {
  test('[A3] has no operator’s procedure: whatever else stands under /api is forbidden', async () => {
    const { gateway, reports } = await openForTest();
    for (const path of [
      '/api/tickets/T-acme-1/approve',
      '/api/tickets/T-acme-1/transition',
      '/api/run/approve',
      '/api/rpc',
      '/api/run/../x',
    ]) {
      for (const method of ['GET', 'POST', 'PUT', 'DELETE', 'PATCH']) {
        const answer = await call(gateway.socketPath, { method, path, body: '{}' });
        expect([path, method, answer.status, codeOf(answer.json)]).toEqual([path, method, 403, 'forbidden']);
      }
    }
    expect(reports).toEqual([]);
  });

  test('answers 404 elsewhere, 405 for another method, and gives the brief', async () => {
    const { gateway } = await openForTest();
    expect((await call(gateway.socketPath, { path: '/elsewhere' })).status).toBe(404);
    expect((await call(gateway.socketPath, { path: runApiPaths.callback })).status).toBe(405);
    expect((await call(gateway.socketPath, { path: runApiPaths.brief })).json).toEqual({
      brief: 'Write the file.',
      calls: everyCall,
    });
  });

  test('takes progress and comments, and refuses bodies that are none', async () => {
    const { gateway, reports } = await openForTest();
    await post(gateway.socketPath, runApiPaths.progress, { text: 'half done' });
    await post(gateway.socketPath, runApiPaths.comment, { text: 'a remark' });
    for (const body of [
      '',
      '{',
      '"text"',
      '{"text":""}',
      '{"text":1}',
      '{"text":"x","approve":true}',
      Buffer.from([0x22, 0xff, 0x22]),
    ]) {
      expect(
        (await call(gateway.socketPath, { path: runApiPaths.comment, method: 'POST', body })).status,
      ).toBe(400);
    }
    expect(reports).toEqual([
      ['progress', 'half done'],
      ['comment', 'a remark'],
    ]);
  });

  test('refuses a body over 4 MiB with 413, whether its size is told or not', async () => {
    const { gateway, reports } = await openForTest();
    const body = JSON.stringify({ text: 'x'.repeat(4 * 1024 * 1024) });
    expect((await call(gateway.socketPath, { path: runApiPaths.comment, method: 'POST', body })).status).toBe(
      413,
    );
    const socket = connect(gateway.socketPath);
    socket.on('error', () => undefined);
    socket.write(`POST ${runApiPaths.comment} HTTP/1.1\r\nhost: run\r\ntransfer-encoding: chunked\r\n\r\n`);
    const piece = 'x'.repeat(1024 * 1024);
    for (let sent = 0; sent < 5; sent += 1) socket.write(`100000\r\n${piece}\r\n`);
    const [head] = (await once(socket, 'data')) as [Buffer];
    expect(head.toString()).toMatch(/^HTTP\/1\.1 413 /);
    socket.destroy();
    expect(reports).toEqual([]);
  });

  test('takes so much from one run and no more, however slowly it comes; what only asks is answered', async () => {
    const { gateway, reports, clock } = await openForTest({ limits: { keptCalls: 3 } });
    const statuses: number[] = [];
    for (const path of [
      runApiPaths.comment,
      runApiPaths.progress,
      runApiPaths.comment,
      runApiPaths.comment,
    ]) {
      clock.at += 60_000;
      statuses.push((await post(gateway.socketPath, path, { text: 'x' })).status);
    }
    expect(statuses).toEqual([200, 200, 200, 429]);
    expect(reports).toHaveLength(3);
    expect((await call(gateway.socketPath, { path: runApiPaths.brief })).status).toBe(200);
  });

  test('limits the rate by its clock', async () => {
    const { gateway, clock } = await openForTest({ limits: { callsBurst: 3, callsPerSecond: 1 } });
    const statuses = async (count: number): Promise<number[]> => {
      const seen: number[] = [];
      for (let i = 0; i < count; i += 1)
        seen.push((await call(gateway.socketPath, { path: runApiPaths.brief })).status);
      return seen;
    };
    expect(await statuses(4)).toEqual([200, 200, 200, 429]);
    clock.at += 2_000;
    expect(await statuses(3)).toEqual([200, 200, 429]);
    clock.at -= 60_000;
    expect(await statuses(1)).toEqual([429]);
    clock.at += 1_000;
    expect(await statuses(2)).toEqual([200, 429]);
  });

  test('ends a request whose body does not arrive', async () => {
    const { gateway, reports } = await openForTest({ limits: { requestMs: 150 } });
    const socket = connect(gateway.socketPath);
    socket.write(`POST ${runApiPaths.comment} HTTP/1.1\r\nhost: run\r\ncontent-length: 20\r\n\r\n{"te`);
    const [head] = (await once(socket, 'data')) as [Buffer];
    expect(head.toString()).toMatch(/^HTTP\/1\.1 408 /);
    socket.destroy();
    await gateway.idle();
    expect(reports).toEqual([]);
  });

  test('records nothing from content that is not a report, whatever it is, and answers below 500', async () => {
    const { gateway, reports } = await openForTest({ limits: { callsBurst: 10_000 } });
    const path = fc.constantFrom(...Object.values(runApiPaths).filter((one) => one !== runApiPaths.brief));
    const nearly = fc.record(
      {
        ticketId: fc.constantFrom('T-acme-1', 'T-acme-2', ''),
        ticket: fc.constantFrom('T-acme-1', 'T-acme-2', null, 1),
        text: fc.oneof(
          fc.string(),
          fc.constant('```atrium-result\n{"ticket":"T-acme-1"}\n```'),
          fc.integer(),
        ),
        commit: fc.oneof(fc.constant(commit.slice(1)), fc.string(), fc.constant(null)),
        summary: fc.string(),
        verdict: fc.constantFrom('pass', 'merge'),
      },
      { requiredKeys: [] },
    );
    const body = fc.oneof(
      fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
      fc.json().map((json) => Buffer.from(json)),
      nearly.map((value) => Buffer.from(JSON.stringify(value))),
    );
    const plain = (bytes: Buffer): boolean => {
      try {
        const value = JSON.parse(bytes.toString('utf8')) as Record<string, unknown>;
        return (
          Object.keys(value).join() === 'text' &&
          typeof value['text'] === 'string' &&
          value['text'].trim() !== ''
        );
      } catch {
        return false;
      }
    };
    await fc.assert(
      fc.asyncProperty(path, body, fc.string({ maxLength: 20 }), async (to, bytes, type) => {
        if ((to === runApiPaths.progress || to === runApiPaths.comment) && plain(bytes)) return;
        const headers = /^[\x21-\x7e]+$/.test(type) ? { 'content-type': type } : {};
        const answer = await call(gateway.socketPath, { method: 'POST', path: to, headers, body: bytes });
        expect(answer.status).toBeGreaterThanOrEqual(400);
        expect(answer.status).toBeLessThan(500);
        expect(() => RunApiError.parse(answer.json)).not.toThrow();
        expect(reports).toEqual([]);
      }),
      { numRuns: 400 },
    );
    await gateway.idle();
  });
});

describe('the socket', () => {
  test('is its owner’s alone, with a name that nobody can guess', async () => {
    const { gateway } = await openForTest();
    const found = await stat(gateway.socketPath);
    expect(found.isSocket()).toBe(true);
    expect(found.mode & 0o777).toBe(0o600);
    expect(gateway.socketPath).toMatch(/\/[0-9a-f]{16}\.sock$/);
  });

  test.runIf(process.getuid?.() === 0)('becomes the run’s user’s where the core is root', async () => {
    const { gateway } = await openForTest({ owner: { uid: 4242, gid: 4242 } });
    const found = await stat(gateway.socketPath);
    expect([found.uid, found.gid]).toEqual([4242, 4242]);
  });

  test('is not opened where its path is too long or its folder missing', async () => {
    const long = openForTest({ folder: join(tmpdir(), 'x'.repeat(100)) });
    await expect(long).rejects.toThrow(GatewayFault);
    await expect(long).rejects.toThrow(/107/);
    await expect(openForTest({ folder: '/nowhere/at/all' })).rejects.toMatchObject({
      code: 'socket-unusable',
    });
  });

  test('takes a bounded number of connections', async () => {
    const { gateway } = await openForTest({ limits: { connections: 2 } });
    const kept = [connect(gateway.socketPath), connect(gateway.socketPath)];
    for (const socket of kept) await once(socket, 'connect');
    const third = connect(gateway.socketPath);
    third.on('error', () => undefined);
    await new Promise((resolve) => third.on('close', resolve));
    for (const socket of kept) socket.destroy();
  });

  test('is gone when the gateway is closed, with requests that hang in it', async () => {
    const { gateway } = await openForTest();
    const socket = connect(gateway.socketPath);
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    socket.write(`POST ${runApiPaths.comment} HTTP/1.1\r\nhost: run\r\ncontent-length: 20\r\n\r\n{"te`);
    const closed = new Promise((resolve) => socket.on('close', resolve));
    await gateway.close();
    await closed;
    await expect(stat(gateway.socketPath)).rejects.toThrow(/ENOENT/);
  });
});
