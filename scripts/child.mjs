/**
 * The exit code of a child that shares this terminal. Ctrl-C reaches it by itself, and it decides what that means; what reaches
 * this process alone is passed on, the end of npm included.
 */
export function finished(child) {
  const end = () => child.kill('SIGTERM');
  process.on('SIGINT', () => undefined);
  process.on('SIGTERM', end);
  process.on('SIGHUP', end);
  // npm's shell does not pass a signal on: that this process has another parent is how its end shows.
  const parent = process.ppid;
  const watch = setInterval(() => process.ppid !== parent && end(), 500);
  watch.unref();
  if (process.env.npm_lifecycle_event === undefined) clearInterval(watch);
  return new Promise((resolve) => {
    child.once('error', () => resolve(3));
    child.once('exit', (code, signal) => resolve(signal === null ? code : 1));
  });
}
