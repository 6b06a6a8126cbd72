import { execFile, execFileSync } from 'node:child_process';
import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';
import { writeResultMarkers } from '../../contract/run-api.ts';
import type { ResultReport } from '../../contract/tickets.ts';
import { everyCall, openForTest } from './gateway-fixture.ts';
import type { OpenedGateway } from './gateway-fixture.ts';

const client = fileURLToPath(new URL('../../../resources/run/atrium.mjs', import.meta.url));

interface Ran {
  code: number;
  stdout: string;
  stderr: string;
}

interface Room extends OpenedGateway {
  checkout: string;
  head: string;
  atrium: (args: string[], stdin?: string) => Promise<Ran>;
}

/** A checkout with one commit on its base, and the client as the run starts it: a plain name on the PATH, proxies all around. */
async function room(role: string): Promise<Room> {
  const opened = await openForTest({
    run: { id: 'R-test-0001', role, ticket: 'T-acme-1', brand: 'acme', calls: everyCall },
  });
  const checkout = await mkdtemp(join(tmpdir(), 'client-'));
  onTestFinished(() => rm(checkout, { recursive: true, force: true }));
  const git = (...args: string[]): string =>
    execFileSync('git', ['-c', 'user.name=run', '-c', 'user.email=run@localhost', ...args], {
      cwd: checkout,
      encoding: 'utf8',
    }).trim();
  git('init', '-q');
  await writeFile(join(checkout, 'old.txt'), 'old');
  git('add', '.');
  git('commit', '-qm', 'base');
  const base = git('rev-parse', 'HEAD');
  await writeFile(join(checkout, 'new file.txt'), 'new');
  git('add', '.');
  git('commit', '-qm', 'work');
  const program = join(checkout, '.git', 'atrium');
  await copyFile(client, program);
  await copyFile(join(dirname(client), 'run-call.mjs'), join(checkout, '.git', 'run-call.mjs'));
  const env = {
    PATH: process.env['PATH'],
    HOME: checkout,
    ATRIUM_SOCKET: opened.gateway.socketPath,
    ATRIUM_TICKET: 'T-acme-1',
    ATRIUM_BASE: base,
    NODE_USE_ENV_PROXY: '1',
    HTTP_PROXY: 'http://127.0.0.1:1',
    http_proxy: 'http://127.0.0.1:1',
  };
  const atrium = (args: string[], stdin = ''): Promise<Ran> =>
    new Promise((resolve) => {
      const child = execFile(
        process.execPath,
        [program, ...args],
        { cwd: checkout, env },
        (error, stdout, stderr) => {
          resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
        },
      );
      child.stdin?.end(stdin);
    });
  return { ...opened, checkout, head: git('rev-parse', 'HEAD'), atrium };
}

describe('atrium inside a run', () => {
  test('[A12] submits a result with ticket, commit and files filled in', async () => {
    const { atrium, reports, head } = await room('executor');
    const ran = await atrium(['submit', 'result', '--summary', 'Added a file.', '--json']);
    expect([ran.code, ran.stderr]).toEqual([0, '']);
    expect(JSON.parse(ran.stdout)).toMatchObject({ ok: true });
    const result = {
      ticket: 'T-acme-1',
      commit: head,
      summary: 'Added a file.',
      commands: [],
      files: ['new file.txt'],
    };
    expect(reports).toEqual([['result', result]]);
  });

  test('[A12] submits a text with markers, from a file or from stdin, and shows why one is refused', async () => {
    const { atrium, reports, head, checkout } = await room('executor');
    const report = {
      ticket: 'T-acme-1',
      commit: head,
      summary: 'Done.',
      commands: [],
      files: [],
    } as unknown as ResultReport;
    await writeFile(join(checkout, 'report.md'), `Ready.\n${writeResultMarkers(report)}`);
    expect((await atrium(['submit', 'result', '--file', 'report.md'])).code).toBe(0);
    expect((await atrium(['submit', 'result', '--file', '-'], JSON.stringify(report))).code).toBe(0);
    expect(reports).toHaveLength(2);
    const refused = await atrium(['submit', 'result', '--file', '-'], 'I am done!');
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('no block fenced as `atrium-result`');
    expect(reports).toHaveLength(2);
  });

  test('submits a verdict in a verifier’s run', async () => {
    const { atrium, reports, head } = await room('verifier');
    const args = [
      'submit',
      'verdict',
      '--verdict',
      'fail',
      '--commit',
      head,
      '--reason',
      'one',
      '--reason',
      'two',
    ];
    expect((await atrium(args)).code).toBe(0);
    expect(reports).toEqual([
      ['verdict', { ticket: 'T-acme-1', commit: head, verdict: 'fail', reasons: ['one', 'two'] }],
    ]);
  });

  test('reports progress, comments, and prints the brief', async () => {
    const { atrium, reports } = await room('executor');
    await atrium(['progress', 'half done']);
    await atrium(['comment', 'a remark']);
    expect((await atrium(['brief'])).stdout).toBe('Write the file.\n');
    expect(JSON.parse((await atrium(['brief', '--json'])).stdout)).toEqual({
      brief: 'Write the file.',
      calls: everyCall,
    });
    expect(reports).toEqual([
      ['progress', 'half done'],
      ['comment', 'a remark'],
    ]);
  });

  test('[A3] cannot do what is the operator’s', async () => {
    const { atrium, reports } = await room('executor');
    for (const args of [
      ['ticket', 'approve', 'T-acme-1', '--hash', 'x'],
      ['start'],
      ['doctor', '--grade'],
      ['toString'],
    ]) {
      const ran = await atrium(args);
      expect([args, ran.code, ran.stderr]).toEqual([args, 1, 'Only the operator can do that.\n']);
    }
    expect(JSON.parse((await atrium(['ticket', 'approve', 'T-acme-1', '--json'])).stdout)).toMatchObject({
      error: { code: 'forbidden' },
    });
    expect(reports).toEqual([]);
  });

  test('answers misuse with 2 and a core that is gone with 3', async () => {
    const { atrium, gateway, reports } = await room('executor');
    const misuses = [
      [],
      ['submit'],
      ['submit', 'plan'],
      ['submit', 'result'],
      ['submit', 'result', '--summary', 'x', '--commit', 'y'],
      ['submit', 'verdict', '--verdict', 'maybe', '--commit', 'y'],
      ['progress'],
      ['progress', 'two', 'words'],
      ['brief', '--nonsense'],
    ];
    for (const args of misuses) expect([args, (await atrium(args)).code]).toEqual([args, 2]);
    expect(reports).toEqual([]);
    await gateway.close();
    expect((await atrium(['brief'])).code).toBe(3);
  });
});
