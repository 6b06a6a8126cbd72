import { BrowserWindow, MessageChannelMain, app, ipcMain, protocol, session, shell } from 'electron';
import type { IpcMainEvent, WebContents } from 'electron';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { initWorkspace } from '../../app/workspace.ts';
import { createCoreProcess } from './core-process.ts';
import { answerPage, pageOrigin } from './page.ts';

const appRoot = path.resolve(import.meta.dirname, '../..');

/** The workspace that was named, or the default one, which a first start makes. */
function openWorkspace(): string {
  const named = app.commandLine.getSwitchValue('workspace') || process.env['ATRIUM_WORKSPACE'];
  const workspace = path.resolve(named ? named : path.join(homedir(), 'Atrium'));
  if (!existsSync(path.join(workspace, 'workspace.yaml'))) {
    const made = initWorkspace(workspace, { sample: false, appRoot });
    if (!made.ok) throw new Error(made.failure.message);
  }
  return workspace;
}

/** A window shows its own page and nothing else; what leads away opens in the operator's browser, if it is the web. */
function restrict(contents: WebContents): void {
  contents.setWindowOpenHandler(({ url }) => {
    if (/^https?:/.test(url)) void shell.openExternal(url);
    return { action: 'deny' };
  });
  contents.on('will-navigate', (event, url) => {
    if (!url.startsWith(`${pageOrigin}/`)) event.preventDefault();
  });
  contents.on('will-attach-webview', (event) => event.preventDefault());
}

function openWindow(): void {
  const window = new BrowserWindow({
    width: 1280,
    height: 800,
    minWidth: 800,
    minHeight: 600,
    show: false,
    title: 'Atrium',
    webPreferences: {
      preload: path.join(appRoot, 'out/preload/index.cjs'),
      contextIsolation: true,
      nodeIntegration: false,
      sandbox: true,
      webviewTag: false,
      spellcheck: false,
    },
  });
  window.once('ready-to-show', () => window.show());
  void window.loadURL(`${pageOrigin}/`);
}

async function main(): Promise<void> {
  if (!app.requestSingleInstanceLock()) {
    app.quit();
    return;
  }
  protocol.registerSchemesAsPrivileged([{ scheme: 'atrium', privileges: { standard: true, secure: true } }]);
  app.enableSandbox();
  app.on('web-contents-created', (_event, contents) => restrict(contents));
  app.on('second-instance', () => {
    const window = BrowserWindow.getAllWindows()[0];
    if (window === undefined) openWindow();
    if (window?.isMinimized()) window.restore();
    window?.focus();
  });
  app.on('activate', () => {
    if (BrowserWindow.getAllWindows().length === 0) openWindow();
  });
  app.on('window-all-closed', () => app.quit());
  const workspace = openWorkspace();
  await app.whenReady();

  session.defaultSession.setPermissionRequestHandler((_contents, _permission, answer) => answer(false));
  session.defaultSession.setPermissionCheckHandler(() => false);
  protocol.handle('atrium', (request) => answerPage(request.url, path.join(appRoot, 'out/renderer')));

  const core = createCoreProcess(path.join(appRoot, 'out/main/core.js'), workspace, (line) =>
    console.error(line),
  );
  ipcMain.on('atrium:connect', (event: IpcMainEvent, asked: unknown) => {
    if (event.senderFrame?.parent !== null || !event.senderFrame.url.startsWith(`${pageOrigin}/`)) return;
    const { port1, port2 } = new MessageChannelMain();
    const { channel, key } = (asked ?? {}) as { channel?: unknown; key?: unknown };
    core.connect(port1, channel === 'terminal' ? 'terminal' : 'operator');
    event.sender.postMessage('atrium:port', typeof key === 'string' ? key : null, [port2]);
  });
  app.on('will-quit', () => core.stop());
  openWindow();
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : String(error));
  app.exit(3);
});
