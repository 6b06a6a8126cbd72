// What Atrium's own agent programs share: one JSON value a line with the driver, a shell command, a commit, a result.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { StringDecoder } from 'node:string_decoder';
import { submitWork } from '/opt/atrium/run/run-call.mjs';

const answers = new Map();
let asked = 0;

/** Tells the driver one thing. Written at once, so that nothing is lost when the process ends right after. */
export function tell(event) {
  let rest = Buffer.from(`${JSON.stringify(event)}\n`);
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(1, rest));
    } catch (error) {
      if (error.code !== 'EAGAIN') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    }
  }
}

/** Reads the task, the first line of stdin; later lines are answers to what was asked. */
export function readTask() {
  return new Promise((taken) => {
    let first = true;
    createInterface({ input: process.stdin }).on('line', (line) => {
      const value = JSON.parse(line);
      if (first) {
        first = false;
        taken(value);
        return;
      }
      answers.get(value.answer)?.(value);
      answers.delete(value.answer);
    });
  });
}

/** Asks whether a call may go on: `{ decision, reason }`. */
export function ask(request) {
  asked += 1;
  const id = asked;
  return new Promise((answered) => {
    answers.set(id, answered);
    tell({ event: 'ask', id, ...request });
  });
}

/** Says how it ended, and ends. */
export function end(outcome, reason, transient = false) {
  tell({ event: 'end', outcome, reason, transient });
  process.exit(outcome === 'done' ? 0 : 1);
}

/** Runs a shell command and tells its output as it comes; resolves with its exit code, its signal and its last lines. */
export function runShell(command) {
  return new Promise((ended) => {
    const pipes = { stdout: openPipe(), stderr: openPipe() };
    const child = spawn('/bin/sh', ['-c', command], {
      stdio: ['ignore', pipes.stdout.writing, pipes.stderr.writing],
    });
    const streams = Object.values(pipes).map(({ reading, writing }) => {
      closeSync(writing);
      return reading;
    });
    let tail = '';
    for (const [name, { reading }] of Object.entries(pipes)) {
      const decoder = new StringDecoder('utf8');
      const pass = (text) => {
        if (text === '') return;
        tail = (tail + text).slice(-2_000);
        tell({ event: name, text });
      };
      reading.on('data', (chunk) => pass(decoder.write(chunk)));
      reading.on('end', () => pass(decoder.end()));
    }
    child.on('error', (error) => ended({ code: null, signal: null, tail: error.message }));
    child.on('exit', (code, signal) => {
      const finish = () => ended({ code, signal, tail: lastLines(tail) });
      Promise.all(streams.map((stream) => stream.closed || once(stream, 'close'))).then(finish);
      // A process that the command left in the background may hold the pipes: it is not waited for.
      setTimeout(finish, 500).unref();
    });
  });
}

/** A pipe that can be opened by its path: what Node makes itself are sockets, and `echo x > /dev/stderr` fails on those. */
function openPipe() {
  const folder = mkdtempSync(join(tmpdir(), 'stream-'));
  const file = join(folder, 'pipe');
  const made = spawnSync('mkfifo', ['-m', '600', file], { encoding: 'utf8' });
  if (made.status !== 0) throw new Error(`mkfifo failed: ${made.stderr || made.error?.message}`);
  const fd = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  const writing = openSync(file, constants.O_WRONLY);
  rmSync(folder, { recursive: true });
  return { reading: new Socket({ fd, readable: true, writable: false }), writing };
}

/** Commits everything that is not committed, without hooks and without the mounted node_modules; false where nothing was left. */
export function commitAll(message) {
  keepOutNodeModules();
  git(['add', '-A']);
  if (git(['diff', '--cached', '--quiet'], undefined, [0, 1]).status === 0) return false;
  git(['commit', '-q', '--no-verify', '-F', '-'], message);
  return true;
}

/** The full id of the commit that is checked out. */
export function headCommit() {
  return git(['rev-parse', 'HEAD']).stdout.trim();
}

/** How many commits were made since the base. */
export function countCommits(base) {
  return Number(git(['rev-list', '--count', `${base}..HEAD`]).stdout.trim());
}

/** Submits the result of what is checked out, as `atrium submit result` does: `{ ok, text }`. */
export async function submitResult(summary) {
  try {
    const { message = '' } = await submitWork(summary);
    return { ok: true, text: message };
  } catch (error) {
    return { ok: false, text: [error.message, error.hint].filter(Boolean).join('\n') };
  }
}

function keepOutNodeModules() {
  const file = resolve(git(['rev-parse', '--git-path', 'info/exclude']).stdout.trim());
  const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n') : [];
  if (lines.includes('/node_modules')) return;
  mkdirSync(dirname(file), { recursive: true });
  appendFileSync(file, `${lines.at(-1) ? '\n' : ''}/node_modules\n`);
}

function git(parameters, input = '', allowed = [0]) {
  const settings = ['-c', 'core.hooksPath=/dev/null', '-c', 'commit.gpgSign=false'];
  const done = spawnSync('git', [...settings, ...parameters], {
    encoding: 'utf8',
    input,
    maxBuffer: 64 * 1024 * 1024,
  });
  if (!allowed.includes(done.status)) {
    throw new Error(
      `git ${parameters[0]} failed: ${lastLines(done.stderr ?? '') || done.error?.message || 'no message'}`,
    );
  }
  return done;
}

function lastLines(text) {
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .slice(-5)
    .join('\n')
    .slice(-1_000);
}
