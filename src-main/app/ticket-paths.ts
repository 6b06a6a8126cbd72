import picomatch from 'picomatch';

/** Whether a path of a repository is among a ticket's globs; no glob is the whole repository. */
export function pathsTest(globs: readonly string[]): (path: string) => boolean {
  if (globs.length === 0) return () => true;
  const tests = globs.map((glob) => {
    const trimmed = glob.replace(/^\.\//, '').replace(/\/+$/, '');
    const matches = picomatch(trimmed, { dot: true });
    return (path: string) => matches(path) || path.startsWith(`${trimmed}/`);
  });
  return (path) => tests.some((test) => test(path));
}
