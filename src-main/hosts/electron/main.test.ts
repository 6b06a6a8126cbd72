import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { standInForElectron } from './electron-stand-in.ts';
import type { Asked } from './electron-stand-in.ts';

let folder: string;
let asked: Asked;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'electron-'));
  writeFileSync(path.join(folder, 'workspace.yaml'), 'name: Test\n');
  vi.stubEnv('ATRIUM_WORKSPACE', folder);
  const standIn = standInForElectron();
  asked = standIn.asked;
  vi.resetModules();
  vi.doMock('electron', () => standIn.electron);
});

afterEach(() => {
  vi.doUnmock('electron');
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

/** Runs the program until its first window is there, or until it has given up. */
async function launch(): Promise<void> {
  await import('./main.ts');
  await vi.waitUntil(() => asked.windows.length > 0 || asked.quits > 0);
}

const frame = (url: string, parent: unknown = null): object => ({
  senderFrame: { url, parent },
  sender: sender(),
});
const sender = (): { posted: unknown[][]; postMessage: (...args: unknown[]) => void } => {
  const posted: unknown[][] = [];
  return { posted, postMessage: (...args) => posted.push(args) };
};

describe('the window', () => {
  test('is isolated, in its sandbox, and shows nothing but its own page', async () => {
    await launch();
    const [window] = asked.windows;
    expect(window?.options.webPreferences).toMatchObject({
      contextIsolation: true,
      nodeIntegration: false,
      sandbox: true,
      webviewTag: false,
    });
    expect(asked.sandboxed).toBe(true);
    expect(window?.loaded).toEqual(['atrium://app/']);
    expect(asked.schemes).toEqual([{ scheme: 'atrium', privileges: { standard: true, secure: true } }]);
  });

  test('goes nowhere else, opens no other, and takes no permission', async () => {
    await launch();
    let open: ((details: { url: string }) => unknown) | undefined;
    const listeners = new Map<string, (event: { preventDefault(): void }, url: string) => void>();
    asked.appEvents.emit(
      'web-contents-created',
      {},
      {
        setWindowOpenHandler: (handler: typeof open) => {
          open = handler;
        },
        on: (name: string, listener: (event: { preventDefault(): void }, url: string) => void) =>
          listeners.set(name, listener),
      },
    );
    expect(open?.({ url: 'https://example.org/' })).toEqual({ action: 'deny' });
    expect(open?.({ url: 'file:///etc/passwd' })).toEqual({ action: 'deny' });
    expect(open?.({ url: 'javascript:alert(1)' })).toEqual({ action: 'deny' });
    expect(asked.opened).toEqual(['https://example.org/']);

    const prevented = (url: string): boolean => {
      const preventDefault = vi.fn();
      listeners.get('will-navigate')?.({ preventDefault }, url);
      return preventDefault.mock.calls.length > 0;
    };
    expect(prevented('https://example.org/')).toBe(true);
    expect(prevented('atrium://app.evil/')).toBe(true);
    expect(prevented('atrium://app/brand/label')).toBe(false);

    const answer = vi.fn();
    asked.permission.request?.({}, 'camera', answer);
    expect(answer).toHaveBeenCalledWith(false);
    expect(asked.permission.check?.()).toBe(false);
  });

  test('gets no file from outside the page', async () => {
    await launch();
    for (const url of [
      'atrium://app/../../package.json',
      'atrium://app/%2e%2e/%2e%2e/package.json',
      'atrium://other/',
    ]) {
      expect((await asked.serve?.({ url }))?.status).toBe(404);
    }
  });
});

describe('the core', () => {
  test('is forked when a window first asks, and again after it ended', async () => {
    await launch();
    expect(asked.forked).toHaveLength(0);
    const first = frame('atrium://app/') as { sender: ReturnType<typeof sender> };
    asked.ipc.emit('atrium:connect', first);
    expect(asked.forked).toHaveLength(1);
    expect(asked.forked[0]?.entry).toMatch(/out\/main\/core\.js$/);
    expect(asked.forked[0]?.args).toEqual(['--workspace', folder]);
    expect(asked.forked[0]?.child.posted).toEqual([
      { message: { type: 'port', channel: 'operator' }, ports: [{ end: 'core' }] },
    ]);
    expect(first.sender.posted).toEqual([['atrium:port', null, [{ end: 'window' }]]]);

    const second = frame('atrium://app/') as { sender: ReturnType<typeof sender> };
    asked.ipc.emit('atrium:connect', second, { channel: 'terminal', key: 'the third' });
    expect(asked.forked[0]?.child.posted[1]).toMatchObject({
      message: { type: 'port', channel: 'terminal' },
    });
    expect(second.sender.posted).toEqual([['atrium:port', 'the third', [{ end: 'window' }]]]);
    expect(asked.forked).toHaveLength(1);
    asked.forked[0]?.child.emit('exit', 0);
    asked.ipc.emit('atrium:connect', frame('atrium://app/'));
    expect(asked.forked).toHaveLength(2);
  });

  test('is not for another page or a frame inside the page', async () => {
    await launch();
    asked.ipc.emit('atrium:connect', frame('https://example.org/'));
    asked.ipc.emit('atrium:connect', frame('atrium://app/', { url: 'atrium://app/' }));
    expect(asked.forked).toHaveLength(0);
  });
});

describe('one instance', () => {
  test('a second one ends at once', async () => {
    asked.second = true;
    await launch();
    expect(asked.quits).toBe(1);
    expect(asked.windows).toHaveLength(0);
  });

  test('the first shows its window when a second was tried', async () => {
    await launch();
    asked.appEvents.emit('second-instance');
    expect(asked.windows[0]?.focused).toBe(1);
  });
});
