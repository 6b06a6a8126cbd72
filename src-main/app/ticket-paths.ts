import picomatch from 'picomatch';

/** Whether a path of a repository is among a ticket's globs; no glob is the whole repository. */
export function pathsTest(globs: readonly string[]): (path: string) => boolean {
  if (globs.length === 0) return () => true;
  const tests = globs.map((glob) => {
    const trimmed = glob.replace(/^\.\//, '').replace(/\/+$/, '');
    // A name may hold a line break: without the flag no wildcard would match it.
    const matches = picomatch(trimmed, { dot: true, flags: 's' });
    // A folder stands for what is in it; one that is named like a wildcard does not stand for the wildcard.
    const isFolder = !/[*?]/.test(trimmed);
    return (path: string) => matches(path) || (isFolder && path.startsWith(`${trimmed}/`));
  });
  return (path) => tests.some((test) => test(path));
}
