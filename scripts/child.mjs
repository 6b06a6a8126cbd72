/** The exit code of a child that shares this terminal: Ctrl-C reaches it by itself, and it decides what that means. */
export function finished(child) {
  process.on('SIGINT', () => undefined);
  process.once('SIGTERM', () => child.kill('SIGTERM'));
  process.once('SIGHUP', () => child.kill('SIGHUP'));
  return new Promise((resolve) => {
    child.once('error', () => resolve(3));
    child.once('exit', (code, signal) => resolve(signal === null ? code : 1));
  });
}
