import { spawn } from 'node:child_process';

/** Opens an address in the operator's browser, where there is a display; does nothing elsewhere. */
export function openInBrowser(url: string): void {
  const { DISPLAY, WAYLAND_DISPLAY } = process.env;
  const mac = process.platform === 'darwin';
  if (!mac && !DISPLAY && !WAYLAND_DISPLAY) return;
  const child = spawn(mac ? 'open' : 'xdg-open', [url], { detached: true, stdio: 'ignore' });
  child.on('error', () => undefined);
  child.unref();
}
