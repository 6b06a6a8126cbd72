import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { startModelServer } from '../../../tests/support/model-server.ts';
import { openForTest } from './gateway-fixture.ts';

const bundle = join(
  dirname(createRequire(import.meta.url).resolve('@google/gemini-cli/package.json')),
  'bundle',
  'gemini.js',
);

/** What stands inside a sandbox between a program that knows hosts and ports only, and the run's socket. */
async function forwarder(socketPath: string): Promise<string> {
  const server = createServer((client) => {
    const core = connect(socketPath);
    client.on('error', () => core.destroy());
    core.on('error', () => client.destroy());
    client.pipe(core).pipe(client);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test(
  'Gemini CLI works through a run’s socket, with a key that never comes in',
  { timeout: 60_000 },
  async () => {
    const home = await mkdtemp(join(tmpdir(), 'gemini-'));
    onTestFinished(() => rm(home, { recursive: true, force: true, maxRetries: 5 }));
    const checkout = join(home, 'checkout');
    await mkdir(join(home, '.gemini'));
    await mkdir(checkout);
    const settings = {
      security: { auth: { selectedType: 'gemini-api-key' }, folderTrust: { enabled: false } },
      privacy: { usageStatisticsEnabled: false },
      general: { disableAutoUpdate: true, disableUpdateNag: true },
    };
    await writeFile(join(home, '.gemini', 'settings.json'), JSON.stringify(settings));

    const file = join(checkout, 'a.txt');
    const server = await startModelServer([
      { text: 'I write it.', calls: [{ name: 'write_file', args: { file_path: file, content: 'hello' } }] },
      { text: 'All is written.', usage: { input: 300, output: 4, cached: 200 } },
    ]);
    onTestFinished(() => server.close());
    const { gateway, usage, decisions } = await openForTest({
      models: [{ provider: 'gemini', baseUrl: server.url, key: () => 'the-real-key' }],
    });
    const proxy = await forwarder(gateway.socketPath);
    const env = {
      PATH: process.env['PATH'],
      HOME: home,
      GEMINI_API_KEY: 'dummy',
      GOOGLE_GEMINI_BASE_URL: proxy,
      GEMINI_CLI_NO_RELAUNCH: 'true',
      HTTP_PROXY: proxy,
      HTTPS_PROXY: proxy,
      http_proxy: proxy,
      https_proxy: proxy,
      NO_PROXY: '127.0.0.1,localhost',
      no_proxy: '127.0.0.1,localhost',
    };
    const args = [bundle, '-m', 'gemini-2.5-flash', '--approval-mode', 'yolo', '-p', 'write the file'];
    const running = promisify(execFile)(process.execPath, args, { cwd: checkout, env });
    running.child.stdin?.end();
    const { stdout: said } = await running;

    expect(said).toContain('All is written.');
    expect(await readFile(file, 'utf8')).toBe('hello');
    expect(server.requests.map((request) => request.headers['x-goog-api-key'])).toEqual([
      'the-real-key',
      'the-real-key',
    ]);
    expect(usage.map((used) => [used.inputTokens, used.outputTokens, used.cachedTokens])).toEqual([
      [100, 10, 0],
      [300, 4, 200],
    ]);
    expect(decisions).toEqual([]);
  },
);
