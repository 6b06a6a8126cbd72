import { ipcRenderer } from 'electron';

/**
 * The page posts `{ atrium: 'connect' }` to itself and gets `{ atrium: 'port' }` with one end of a channel to the core.
 * Nothing else crosses, and nothing of Node or Electron is exposed to the page.
 */
window.addEventListener('message', (event: MessageEvent<unknown>) => {
  if (event.source !== window || event.origin !== window.location.origin) return;
  if ((event.data as { atrium?: unknown } | null)?.atrium === 'connect') ipcRenderer.send('atrium:connect');
});

ipcRenderer.on('atrium:port', (event) => {
  window.postMessage({ atrium: 'port' }, window.location.origin, event.ports);
});
