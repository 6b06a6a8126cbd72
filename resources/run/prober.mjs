/* global plan */
// Runs inside a sandbox, from standard input, before an agent does: makes each attempt and says what came of it. The
// sandbox prepends `const plan = {…}`. What cannot be attempted is `not-run`, which nobody takes for denied. For the kernel
// layer it lies in wait itself, tries what the layer must stop, and starts itself once more behind the layer to try again.
import { spawn, spawnSync } from 'node:child_process';
import dgram from 'node:dgram';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';

const CONNECT_LIMIT_MS = 5000;
const denied = (detail) => ({ state: 'denied', detail });
const succeeded = (detail) => ({ state: 'succeeded', detail });
const notRun = (detail) => ({ state: 'not-run', detail });

/** Runs `action`; an error with a code is the wall speaking. */
function attemptFile(action) {
  try {
    return succeeded(action());
  } catch (error) {
    if (error.code === undefined) return notRun(error.message);
    return denied(error.code);
  }
}

function tryPaths(paths, look) {
  const details = [];
  for (const place of paths) {
    try {
      const found = look(place);
      if (found !== null) return succeeded(`${found} at ${place}`);
      details.push('something else');
    } catch (error) {
      if (error.code === undefined) return notRun(error.message);
      details.push(error.code);
    }
  }
  return denied(details.join(', '));
}

function connect(where) {
  return new Promise((resolve) => {
    const socket = net.connect(where);
    const finish = (finding) => {
      socket.destroy();
      resolve(finding);
    };
    socket.setTimeout(CONNECT_LIMIT_MS, () => finish(denied('no answer')));
    socket.once('connect', () => finish(succeeded('connected')));
    socket.once('error', (error) =>
      finish(error.code === undefined ? notRun(error.message) : denied(error.code)),
    );
  });
}

function startTimeOf(pid) {
  try {
    const text = fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return null;
  }
}

function runProgram(base64) {
  const file = path.join(os.tmpdir(), `.atrium-program-${process.pid}`);
  try {
    fs.writeFileSync(file, Buffer.from(base64, 'base64'), { mode: 0o700 });
    return spawnSync(file, [], { stdio: 'ignore' });
  } finally {
    fs.rmSync(file, { force: true });
  }
}

function keepPrivilege({ uid, gid }) {
  const status = fs.readFileSync('/proc/self/status', 'utf8');
  const value = (key) => new RegExp(`^${key}:\\s*(.*)$`, 'm').exec(status)?.[1].trim() ?? 'missing';
  const wanted = {
    Uid: Array(4).fill(uid).join('\t'),
    Gid: Array(4).fill(gid).join('\t'),
    NoNewPrivs: '1',
    Seccomp: '2',
    ...Object.fromEntries(
      ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'].map((key) => [key, '0'.repeat(16)]),
    ),
  };
  const kept = Object.keys(wanted).filter((key) => value(key) !== wanted[key]);
  if (kept.length === 0) return denied(`user ${uid}, no capability, no new privileges, filtered`);
  return succeeded(kept.map((key) => `${key} is ${value(key)}`).join('; '));
}

const kinds = {
  create: ({ folder, file }) =>
    attemptFile(() => {
      const target = path.join(folder, file);
      fs.closeSync(fs.openSync(target, 'wx'));
      fs.unlinkSync(target);
      return 'created and removed';
    }),
  'open-for-writing': ({ path: target }) =>
    attemptFile(() => {
      fs.closeSync(fs.openSync(target, fs.constants.O_WRONLY));
      return 'opened for writing';
    }),
  read: ({ paths, token }) =>
    tryPaths(paths, (place) => (fs.readFileSync(place, 'utf8') === token ? 'read' : null)),
  'find-folder': ({ paths, device, inode }) =>
    tryPaths(paths, (place) => {
      const { dev, ino } = fs.statSync(place, { bigint: true });
      return `${dev}` === device && `${ino}` === inode ? 'found' : null;
    }),
  'connect-tcp': ({ port }) => connect({ host: '127.0.0.1', port }),
  'connect-unix': ({ path: target }) => connect({ path: target }),
  interfaces: () => {
    const text = fs.readFileSync('/proc/net/dev', 'utf8');
    const names = [...text.matchAll(/^\s*([^\s:|]+):/gm)].map((match) => match[1]);
    if (names.length === 0) return notRun('no interface is listed');
    const foreign = names.filter((name) => name !== 'lo');
    return foreign.length === 0 ? denied('only lo') : succeeded(foreign.join(', '));
  },
  'system-call': ({ program, control }) => {
    const check = runProgram(control);
    if (check.status !== 0)
      return notRun(`programs do not run here: ${check.error?.code ?? check.signal ?? check.status}`);
    const { status, signal } = runProgram(program);
    if (status === 0) return succeeded('the call succeeded');
    return status === null ? denied(signal) : denied(`errno ${status}`);
  },
  'see-process': ({ pid, startTime }) =>
    startTimeOf(pid) === startTime ? succeeded(`pid ${pid} is visible`) : denied('not visible'),
  'kill-process': ({ pid, startTime }) => {
    const seen = startTimeOf(pid);
    if (seen !== null && seen !== startTime) return denied('another process has that pid here');
    return attemptFile(() => {
      process.kill(pid, 'SIGKILL');
      return `sent to pid ${pid}`;
    });
  },
  'keep-privilege': keepPrivilege,
  list: ({ path: target }) => attemptFile(() => `holds ${fs.readdirSync(target).length} names`),
  shorten: ({ path: target }) =>
    attemptFile(() => {
      fs.truncateSync(target, fs.statSync(target).size);
      return 'shortened';
    }),
  remove: ({ path: target }) =>
    attemptFile(() => {
      fs.rmdirSync(target);
      fs.mkdirSync(target);
      return 'removed and made again';
    }),
  move: ({ path: target, to }) =>
    attemptFile(() => {
      fs.renameSync(target, to);
      fs.renameSync(to, target);
      return 'moved and moved back';
    }),
  execute: ({ path: target }) => {
    const { status, error } = spawnSync(target, [], { stdio: 'ignore' });
    if (status === 0) return succeeded('executed');
    return error?.code === undefined ? notRun(`it ended with ${status}`) : denied(error.code);
  },
  listen: ({ port }) =>
    new Promise((done) => {
      const server = net.createServer();
      server.once('error', (error) => done(denied(error.code)));
      server.listen(port, '127.0.0.1', () => server.close(() => done(succeeded('listened'))));
    }),
  'lure-tcp': () => connect({ host: '127.0.0.1', port: plan.lures.tcp }),
  'lure-abstract': () => connect({ path: plan.lures.abstract }),
  'lure-datagram': () =>
    new Promise((done) => {
      try {
        const socket = dgram.createSocket('udp4');
        socket.once('error', (error) => done(denied(error.code)));
        socket.send('lured', plan.lures.datagram, '127.0.0.1', (error) => {
          socket.close();
          done(error ? denied(error.code) : succeeded('sent'));
        });
      } catch (error) {
        done(error.code === undefined ? notRun(error.message) : denied(error.code));
      }
    }),
  'lure-signal': () =>
    attemptFile(() => {
      process.kill(plan.lures.pid, 0);
      return `signalled pid ${plan.lures.pid}`;
    }),
  'lure-environment': () =>
    attemptFile(() => {
      fs.readFileSync(`/proc/${plan.lures.pid}/environ`);
      return 'read';
    }),
};

async function make(attempts) {
  const findings = [];
  for (const attempt of attempts) {
    let finding;
    try {
      finding = await kinds[attempt.kind](attempt);
    } catch (error) {
      finding = notRun(error.message);
    }
    findings.push({ layer: attempt.layer, name: attempt.name, ...finding });
  }
  return findings;
}

/** Lies in wait where the confined prober is to come. */
async function layLures() {
  const server = net.createServer((socket) => socket.destroy());
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  const abstract = `\0atrium-lure-${process.pid}`;
  const hidden = net.createServer((socket) => socket.destroy());
  await new Promise((done) => hidden.listen(abstract, done));
  const datagrams = dgram.createSocket('udp4');
  await new Promise((done) => datagrams.bind(0, '127.0.0.1', done));
  const lures = {
    tcp: server.address().port,
    datagram: datagrams.address().port,
    abstract,
    pid: process.pid,
  };
  const remove = () => [server, hidden, datagrams].forEach((each) => each.close());
  return { lures, remove };
}

/** The same program behind the kernel layer: what it said, or why it said nothing. */
function startConfined({ command, program, attempts }, lures) {
  const [file, ...args] = command;
  return new Promise((done) => {
    const child = spawn(file, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    const said = { stdout: '', stderr: '' };
    for (const stream of ['stdout', 'stderr'])
      child[stream].setEncoding('utf8').on('data', (text) => (said[stream] += text));
    child.stdin.on('error', () => undefined);
    child.on('error', (error) => done({ failure: error.message }));
    child.on('close', (code) => {
      const line = said.stdout.split('\n').find((text) => text.startsWith('{"findings":'));
      if (code === 0 && line !== undefined) done(JSON.parse(line));
      else done({ failure: `the confined prober ended with ${code}: ${said.stderr.trim().slice(-300)}` });
    });
    const inner = { attempts, confined: null, lures };
    child.stdin.end(`const plan = ${JSON.stringify(inner)};\n${program}`);
  });
}

/** Without the layer each attempt that it must stop has to work: else it would be stopped by something else. */
async function proveKernel(confined) {
  const { lures, remove } = await layLures();
  try {
    plan.lures = lures;
    const stopped = confined.attempts.filter(({ expected }) => expected === 'denied');
    const control = new Map((await make(stopped)).map((finding) => [finding.name, finding]));
    const { findings, failure } = await startConfined(confined, lures);
    return confined.attempts.map(({ layer, name }) => {
      const found = findings?.find((finding) => finding.name === name);
      const before = control.get(name);
      if (found === undefined) return { layer, name, ...notRun(failure ?? 'it was not tried') };
      return before === undefined || before.state === 'succeeded'
        ? found
        : { layer, name, ...notRun(`it does not work without the layer either: ${before.detail}`) };
    });
  } finally {
    remove();
  }
}

const findings = await make(plan.attempts);
if (plan.confined) findings.push(...(await proveKernel(plan.confined)));
process.stdout.write(`${JSON.stringify({ findings })}\n`);
