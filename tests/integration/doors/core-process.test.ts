import { existsSync, statSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { makeWorkspace, whenGone } from '../../support/doors.ts';
import type { TestWorkspace } from '../../support/doors.ts';

let workspace: TestWorkspace;
const inState = (name: string): string => path.join(workspace.path, '.atrium', name);

beforeEach(async () => {
  workspace = await makeWorkspace();
});
afterEach(() => workspace.remove());

describe('one core a workspace', () => {
  test('status starts nothing', async () => {
    const { code, value } = await workspace.json<{ core: null; workspace: string }>(['status']);
    expect(code).toBe(0);
    expect(value).toMatchObject({ workspace: workspace.path, core: null, running: 0 });
    expect(existsSync(inState('core.json'))).toBe(false);
  });

  test('commands at once share one core', async () => {
    const [first, second, third] = await Promise.all([
      workspace.serve(),
      workspace.serve(),
      workspace.json<unknown[]>(['ticket', 'list']),
    ]);
    expect(first.pid).toBe(second.pid);
    expect(first.origin).toBe(second.origin);
    expect(third).toMatchObject({ code: 0, value: [] });
    expect(await workspace.coreFile()).toMatchObject({ pid: first.pid, socket: first.socket });
  });

  test('a second core joins the first', async () => {
    const first = await workspace.startCore();
    expect(first.line).toMatchObject({ ready: true });
    const second = await workspace.startCore();
    expect(second.line).toEqual({ joined: true, pid: first.line['pid'], socket: first.line['socket'] });
    expect(await second.ended).toBe(0);
  });

  test('a core that was killed is followed by the next, which clears what it left', async () => {
    const first = await workspace.startCore();
    first.kill('SIGKILL');
    await first.ended;
    expect(existsSync(inState('core.json'))).toBe(true);
    expect(existsSync(inState('core.sock'))).toBe(true);
    const { code } = await workspace.json(['ticket', 'list']);
    expect(code).toBe(0);
    expect((await workspace.coreFile())?.pid).not.toBe(first.line['pid']);
  });

  test('a core.json that names a stranger, with a socket that nobody serves, does not hold up a command', async () => {
    const file = { pid: process.pid, socket: inState('core.sock'), startedAt: 'long ago', version: '0' };
    await writeFile(inState('core.json'), JSON.stringify(file));
    await writeFile(inState('core.sock'), '');
    const { code } = await workspace.json(['ticket', 'list']);
    expect(code).toBe(0);
    expect((await workspace.coreFile())?.pid).not.toBe(process.pid);
  });

  test('a core that only a command needed ends by itself and leaves nothing behind', async () => {
    expect((await workspace.run(['ticket', 'list'])).code).toBe(0);
    await whenGone(inState('core.json'));
    expect(existsSync(inState('core.sock'))).toBe(false);
    expect((await workspace.json<{ core: null }>(['status'])).value.core).toBeNull();
  });

  test('SIGTERM ends it in order', async () => {
    const core = await workspace.startCore();
    core.kill('SIGTERM');
    expect(await core.ended).toBe(0);
    expect(existsSync(inState('core.json'))).toBe(false);
    expect(existsSync(inState('core.sock'))).toBe(false);
  });

  test('core stop ends it, and says so when there is none', async () => {
    const core = await workspace.startCore();
    expect(await workspace.json(['core', 'stop'])).toMatchObject({
      code: 0,
      value: { stopped: true, pid: core.line['pid'] },
    });
    expect(await core.ended).toBe(0);
    expect(await workspace.json(['core', 'stop'])).toMatchObject({ code: 0, value: { stopped: false } });
  });

  test('its socket and its state are for their owner only', async () => {
    const core = await workspace.startCore();
    expect(statSync(String(core.line['socket'])).mode & 0o777).toBe(0o600);
    expect(statSync(inState('core.json')).mode & 0o777).toBe(0o600);
    expect(statSync(path.join(workspace.path, '.atrium')).mode & 0o777).toBe(0o700);
  });

  test('serve ends with Ctrl-C, and with it the browser door', async () => {
    const keeper = await workspace.serve();
    const ended = await keeper.interrupt();
    expect(ended.code).toBe(0);
    expect(ended.stdout.trim().split('\n')).toHaveLength(1);
    await expect(fetch(keeper.origin)).rejects.toThrow();
  });

  test('serve ends with a sentence when the core ends under it', async () => {
    const served = await workspace.serve();
    process.kill(served.pid, 'SIGKILL');
    const ended = await served.ended;
    expect(ended.code).toBe(1);
    expect(ended.stderr).toBe('The core has ended, and the browser door with it.\n');
  });
});

describe('where a socket path would be too long', () => {
  test('the socket stands in a private folder elsewhere', async () => {
    const deep = await makeWorkspace('w'.repeat(120));
    try {
      const core = await deep.startCore();
      const socket = String(core.line['socket']);
      expect(Buffer.byteLength(socket)).toBeLessThanOrEqual(100);
      expect(statSync(path.dirname(socket)).mode & 0o777).toBe(0o700);
      expect((await deep.run(['ticket', 'list'])).code).toBe(0);
      core.kill('SIGTERM');
      await core.ended;
      expect(existsSync(path.dirname(socket))).toBe(false);
    } finally {
      await deep.remove();
    }
  });
});

describe('a workspace that cannot be opened', () => {
  test('is exit code 3, with the line that is wrong', async () => {
    await writeFile(path.join(workspace.path, 'workspace.yaml'), 'name: Test\nmaxRuns: many\n');
    const { code, value } = await workspace.json<{ error: { code: string; message: string } }>([
      'ticket',
      'list',
    ]);
    expect(code).toBe(3);
    expect(value.error.code).toBe('workspace-unusable');
    expect(value.error.message).toMatch(/workspace\.yaml, line 2.*"many"/);
    expect(existsSync(inState('core.json'))).toBe(false);
  });

  test('is exit code 3 where there is none', async () => {
    await writeFile(path.join(workspace.around, 'file'), '');
    const { code, value } = await workspace.json<{ error: { code: string } }>([
      'status',
      '--workspace',
      workspace.around,
    ]);
    expect({ code, error: value.error.code }).toEqual({ code: 3, error: 'workspace-unusable' });
  });
});
