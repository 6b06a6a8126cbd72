// Installs what is missing for the other scripts. Needs Node 20 or newer and nothing else, because it runs before anything is there.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { buildNative, isNativeBuilt } from './native.mjs';

/** The folder of this clone. */
export const root = resolve(import.meta.dirname, '..');
/** Node 24, which everything of Atrium's runs under. */
export const node = join(root, 'node_modules/node/bin/node');

const work = join(root, 'out/.setup');
const lockFile = join(work, 'lock');
const buildStamp = join(work, 'build');
const installStamp = join(root, 'node_modules/.atrium-installed');
const built = ['out/main/core.js', 'out/main/cli.js', 'out/run/mcp.mjs', 'out/renderer/index.html'];

/** One line for the person, on stderr: stdout belongs to the command. */
function say(line) {
  process.stderr.write(`${line}\n`);
}

/** Ends the script with a sentence. */
export class SetupFailure extends Error {}

/**
 * Makes this clone ready to run; says nothing when there is nothing to do. Two at once are safe: the second waits.
 * @param {{ programs?: string[] }} [wants] Debian packages beside bubblewrap and git
 */
export async function setup(wants = {}) {
  const compiler = isNativeBuilt() ? [] : ['gcc', 'libc6-dev'];
  const packages = ['bubblewrap', 'git', ...compiler, ...(wants.programs ?? [])];
  if (isInstalled() && isBuilt() && isNativeDone() && missing(packages).length === 0) return;
  const release = await takeLock();
  try {
    install();
    installPrograms(packages);
    buildNativeOnce();
    build();
  } finally {
    release();
  }
}

/** The environment in which a program of this clone runs: its own node first. */
export function environment(extra = {}) {
  const folders = [join(root, 'node_modules/.bin'), ...(process.env.PATH ?? '').split(delimiter)];
  return { ...process.env, ...extra, PATH: [...new Set(folders)].join(delimiter) };
}

// --- npm packages -------------------------------------------------------------------------------------------------

function lockDigest() {
  return createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
}

function isInstalled() {
  if (!existsSync(node)) return false;
  const digest = lockDigest();
  if (read(installStamp) === digest) return true;
  if (!treeMatches()) return false;
  writeFileSync(installStamp, digest);
  return true;
}

/** Whether what npm says it installed is what the lock names; what is optional may be absent. */
function treeMatches() {
  const installed = json(join(root, 'node_modules/.package-lock.json'))?.packages;
  if (installed === undefined) return false;
  const locked = json(join(root, 'package-lock.json')).packages;
  return Object.entries(locked).every(
    ([name, entry]) =>
      name === '' || entry.optional || entry.devOptional || installed[name]?.version === entry.version,
  );
}

function install() {
  if (isInstalled()) return;
  say('Installing npm packages.');
  rmSync(installStamp, { force: true });
  // The node in node_modules is about to be replaced: another one has to do it.
  const outer = outerNode();
  const folders = (process.env.PATH ?? '')
    .split(delimiter)
    .filter((folder) => !folder.includes('node_modules'));
  const flags = ['ci', '--no-audit', '--no-fund', '--loglevel=error'];
  const npm = process.env.npm_execpath;
  const [program, args] =
    npm?.endsWith('.js') && !npm.startsWith(root) ? [outer, [npm, ...flags]] : ['npm', flags];
  const env = { ...process.env, PATH: folders.join(delimiter) };
  for (const name of Object.keys(env))
    if (/^npm_(config_(local_)?prefix|node_execpath|lifecycle|package)/.test(name)) delete env[name];
  run(program, args, 'npm ci failed: see what it said above and run it again', { env });
  if (!existsSync(node))
    throw new SetupFailure(`npm ci left no ${node}: its install script was not run. Run "npm rebuild node".`);
  writeFileSync(installStamp, lockDigest());
}

function outerNode() {
  if (!process.execPath.startsWith(join(root, 'node_modules'))) return process.execPath;
  return which('node', (file) => !file.includes('node_modules')) ?? process.execPath;
}

// --- Debian packages ----------------------------------------------------------------------------------------------

const programOf = {
  bubblewrap: ['bwrap'],
  git: ['git'],
  gcc: ['cc'],
  chromium: ['chromium', 'chromium-browser'],
};

function isThere(name) {
  return name === 'libc6-dev'
    ? existsSync('/usr/include/stdio.h')
    : programOf[name].some((program) => which(program) !== undefined);
}

function missing(packages) {
  if (process.platform !== 'linux') return [];
  return packages.filter((name) => !isThere(name) && !triedLately(name));
}

function installPrograms(packages) {
  const absent = missing(packages);
  if (absent.length === 0) return;
  const names = absent.join(' ');
  if (process.getuid?.() !== 0 || which('apt-get') === undefined) {
    say(
      `This machine lacks ${absent.join(', ')}: install them with your package manager, on Debian "sudo apt-get install ${names}".`,
    );
  } else {
    say(`Installing ${absent.join(', ')} with apt-get.`);
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    const options = { env, stdio: ['ignore', 'ignore', 'pipe'], encoding: 'utf8', timeout: 300_000 };
    spawnSync('apt-get', ['update', '-qq'], options);
    const done = spawnSync(
      'apt-get',
      ['install', '-y', '-qq', '--no-install-recommends', ...absent],
      options,
    );
    if (done.status !== 0)
      say(`apt-get could not install ${names}: ${(done.stderr ?? '').trim().split('\n').at(-1) ?? ''}`);
  }
  for (const name of missing(absent)) noteLack(name);
}

/** A compiler that is missing has been said; what it could not build is not tried with each command. */
function isNativeDone() {
  return isNativeBuilt() || which('cc') === undefined || triedLately('native');
}

/** Agents do not run without it; everything else of Atrium does. */
function buildNativeOnce() {
  if (isNativeDone()) return;
  const trouble = buildNative();
  if (trouble === null) return;
  say(trouble);
  noteLack('native');
}

/** What could not be had is said again after an hour, not with each command. */
function noteLack(name) {
  writeFileSync(join(work, `lacks-${name}`), String(Date.now()));
}

function triedLately(name) {
  const at = Number(read(join(work, `lacks-${name}`)) ?? 0);
  return Date.now() - at < 60 * 60 * 1000;
}

// --- the build ----------------------------------------------------------------------------------------------------

/** A digest of the names, times and sizes of everything that the build reads. */
function sourceDigest() {
  const hash = createHash('sha256');
  const visit = (file) => {
    const found = statSync(file, { throwIfNoEntry: false });
    if (found === undefined) return;
    if (found.isDirectory()) {
      for (const name of readdirSync(file).sort()) visit(join(file, name));
    } else if (!/\.test\.tsx?$/.test(file)) {
      hash.update(`${file.slice(root.length)} ${found.mtimeMs} ${found.size}\n`);
    }
  };
  const sources = [
    'src-main',
    'src-preload',
    'src-renderer',
    'electron.vite.config.ts',
    'package-lock.json',
    'tsconfig.base.json',
  ];
  for (const source of sources) visit(join(root, source));
  return hash.digest('hex');
}

function isBuilt() {
  return built.every((file) => existsSync(join(root, file))) && read(buildStamp) === sourceDigest();
}

/** Builds beside what is there and then changes places, so that a build that fails or is stopped leaves the old one whole. */
function build() {
  if (isBuilt()) return;
  say('Building.');
  const digest = sourceDigest();
  const next = join(work, 'next');
  const last = join(work, 'last');
  rmSync(next, { recursive: true, force: true });
  rmSync(last, { recursive: true, force: true });
  mkdirSync(last, { recursive: true });
  const electronVite = join(root, 'node_modules/electron-vite/bin/electron-vite.js');
  run(node, [electronVite, 'build', '--logLevel', 'error', '--outDir', next], 'The build failed', {
    env: environment({ NODE_ENV: 'production' }),
    stdio: ['ignore', 'pipe', 'pipe'],
    encoding: 'utf8',
  });
  rmSync(buildStamp, { force: true });
  for (const part of ['main', 'preload', 'run', 'renderer']) {
    if (existsSync(join(root, 'out', part))) renameSync(join(root, 'out', part), join(last, part));
    renameSync(join(next, part), join(root, 'out', part));
  }
  writeFileSync(buildStamp, digest);
  rmSync(next, { recursive: true, force: true });
  rmSync(last, { recursive: true, force: true });
}

// --- one at a time ------------------------------------------------------------------------------------------------

async function takeLock() {
  mkdirSync(work, { recursive: true });
  let told = false;
  for (;;) {
    try {
      writeFileSync(lockFile, String(process.pid), { flag: 'wx' });
      const release = () => {
        if (read(lockFile) === String(process.pid)) rmSync(lockFile, { force: true });
      };
      process.once('exit', release);
      return release;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    const owner = Number(read(lockFile) ?? 0);
    // A fresh lock is empty for a moment, until its owner has written its number.
    const age = Date.now() - (statSync(lockFile, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
    if (owner === 0 ? age > 5_000 : !isAlive(owner)) {
      breakLock(owner);
      continue;
    }
    if (!told && owner !== 0) say(`Waiting for the setup that process ${owner} does.`);
    told ||= owner !== 0;
    await new Promise((done) => setTimeout(done, 100));
  }
}

/** Removes the lock of a process that is gone. Only one at a time does it, and looks again: a new owner may have come. */
function breakLock(owner) {
  const breaking = `${lockFile}.breaking`;
  const since = statSync(breaking, { throwIfNoEntry: false })?.mtimeMs;
  if (since !== undefined && Date.now() - since > 5_000) rmSync(breaking, { force: true });
  try {
    writeFileSync(breaking, '', { flag: 'wx' });
  } catch {
    return;
  }
  if (Number(read(lockFile) ?? 0) === owner) rmSync(lockFile, { force: true });
  rmSync(breaking, { force: true });
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

// --- small things -------------------------------------------------------------------------------------------------

function run(program, args, failure, options) {
  const done = spawnSync(program, args, { cwd: root, stdio: ['ignore', 2, 2], ...options });
  if (done.status === 0) return;
  if (done.stdout || done.stderr) say(`${done.stdout ?? ''}${done.stderr ?? ''}`.trim());
  throw new SetupFailure(`${failure}${done.error ? ` (${done.error.message})` : ''}.`);
}

/** The absolute path of a program on PATH, if it is there. */
export function which(program, fits = () => true) {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const file = join(folder, program);
    try {
      accessSync(file, constants.X_OK);
      if (statSync(file).isFile() && fits(file)) return file;
    } catch {
      continue;
    }
  }
  return undefined;
}

function read(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

function json(file) {
  const text = read(file);
  return text === undefined ? undefined : JSON.parse(text);
}

/** Runs a script's body; a failure of the setup is one sentence and exit code 1. */
export async function main(body) {
  try {
    process.exitCode = await body();
  } catch (error) {
    if (!(error instanceof SetupFailure)) throw error;
    say(error.message);
    process.exitCode = 1;
  }
}
