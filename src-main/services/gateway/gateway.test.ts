import { connect } from 'node:net';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { runApiPaths } from '../../contract/run-api.ts';
import { call, openForTest } from './gateway-fixture.ts';

/** Writes bytes to the socket and reads until the gateway ends the connection. */
function speak(socketPath: string, bytes: Buffer): Promise<string> {
  return new Promise((resolve) => {
    let heard = '';
    const socket = connect(socketPath);
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => (heard += chunk.toString()));
    socket.on('close', () => resolve(heard));
    socket.end(bytes);
  });
}

describe('whatever a run says on its socket', () => {
  test('in bytes that are no request, it is answered or ended, and the next one is served', async () => {
    const { gateway, reports, usage } = await openForTest({
      limits: { requestMs: 2_000, callsBurst: 10_000 },
    });
    const head = fc.constantFrom(
      '',
      'POST /api/executions/callback HTTP/1.1\r\nhost: run\r\n',
      'POST /api/run/comment HTTP/1.1\r\nhost: run\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n',
      'POST /api/run/comment HTTP/1.1\r\nhost: run\r\ntransfer-encoding: chunked\r\n\r\n',
      'CONNECT ',
      'GET http://',
      'OPTIONS * HTTP/1.1\r\nhost: run\r\n\r\n',
    );
    await fc.assert(
      fc.asyncProperty(head, fc.uint8Array({ maxLength: 120 }), async (start, tail) => {
        const heard = await speak(gateway.socketPath, Buffer.concat([Buffer.from(start), tail]));
        expect(heard).not.toMatch(/^HTTP\/1\.1 [25]/);
      }),
      { numRuns: 200 },
    );
    expect((await call(gateway.socketPath, { path: runApiPaths.brief })).status).toBe(200);
    await gateway.idle();
    expect([reports, usage]).toEqual([[], []]);
  });

  test('at whatever address, nothing but the run API and the models of the run is there', async () => {
    const { gateway, reports, usage, decisions } = await openForTest({ limits: { callsBurst: 10_000 } });
    const start = fc.constantFrom(
      '/',
      '/api/',
      '/api/run/',
      '/v1/',
      '/v1beta/',
      '/v1beta/models/',
      '/v1/messages',
      'http://',
      '//',
    );
    const method = fc.constantFrom('GET', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'HEAD');
    await fc.assert(
      fc.asyncProperty(start, fc.webPath(), method, async (prefix, rest, verb) => {
        const { status } = await call(gateway.socketPath, {
          method: verb,
          path: prefix + rest,
          body: verb === 'HEAD' ? '' : '{}',
        });
        expect([400, 403, 404, 405, 422, 503]).toContain(status);
      }),
      { numRuns: 200 },
    );
    expect([reports, usage]).toEqual([[], []]);
    expect(decisions.filter((decision) => decision.allowed)).toEqual([]);
  });
});
