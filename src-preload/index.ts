import { ipcRenderer } from 'electron';

/**
 * The page posts `{ atrium: 'connect' }` to itself and gets `{ atrium: 'port' }` with one end of a channel to the core.
 * A channel for a terminal is asked for with `channel: 'terminal'` and a `key` that comes back with it. Nothing else crosses, and nothing of Node or Electron is exposed to the page.
 */
window.addEventListener('message', (event: MessageEvent<unknown>) => {
  if (event.source !== window || event.origin !== window.location.origin) return;
  const asked = event.data as { atrium?: unknown; channel?: unknown; key?: unknown } | null;
  if (asked?.atrium !== 'connect') return;
  ipcRenderer.send('atrium:connect', { channel: asked.channel, key: asked.key });
});

ipcRenderer.on('atrium:port', (event, key: unknown) => {
  window.postMessage({ atrium: 'port', key }, window.location.origin, event.ports);
});
