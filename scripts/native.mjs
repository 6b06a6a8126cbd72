// Builds the programs in C that stand in src-native, each into out/native. Needs Node and a C compiler.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..');
const folder = join(root, 'out/native');
const stamp = join(folder, 'built');
const warnings = ['-std=c11', '-O2', '-Wall', '-fstack-protector-strong', '-D_FORTIFY_SOURCE=2'];
const products = [
  { file: 'landlock', source: join(root, 'src-native/landlock.c'), flags: [] },
  { file: 'forwarder', source: join(root, 'src-native/forwarder.c'), flags: [] },
  {
    file: 'spawn.node',
    source: join(root, 'src-native/spawn.c'),
    flags: ['-shared', '-fPIC', '-I', join(root, 'node_modules/node-api-headers/include')],
  },
];

/** Whether what is built was built from the sources as they stand, or there is nothing to build for this system. */
export function isNativeBuilt() {
  if (process.platform !== 'linux') return true;
  return (
    products.every(({ file }) => existsSync(join(folder, file))) &&
    existsSync(stamp) &&
    readFileSync(stamp, 'utf8') === digest()
  );
}

/**
 * Builds what is not built; what stood before stays whole where it fails.
 * @returns {string | null} null, or one sentence why it could not be built
 */
export function buildNative() {
  if (isNativeBuilt()) return null;
  mkdirSync(folder, { recursive: true });
  for (const { file, source, flags } of products) {
    const next = join(folder, `${file}.${process.pid}`);
    const done = spawnSync('cc', [...warnings, ...flags, '-o', next, source], { encoding: 'utf8' });
    if (done.error?.code === 'ENOENT')
      return 'There is no C compiler, so the kernel layer of the sandbox cannot be built and agents do not run: install gcc and the C library’s headers (on Debian "sudo apt-get install gcc libc6-dev").';
    if (done.status !== 0)
      return `${source.slice(root.length + 1)} could not be built, so agents do not run: ${(done.stderr || done.error?.message || '').trim()}`;
    // Whatever the builder's umask: nobody else may change it, and every run's user may execute it.
    chmodSync(next, 0o755);
    renameSync(next, join(folder, file));
  }
  writeFileSync(stamp, digest());
  return null;
}

/** What a suite that is run by itself begins with. */
export const setup = buildNative;

function digest() {
  const hash = createHash('sha256').update(process.arch);
  for (const { source, flags } of products) hash.update(readFileSync(source)).update(flags.join(' '));
  return hash.digest('hex');
}
