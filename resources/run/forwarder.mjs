// Runs inside a sandbox as the parent of the agent program: a TCP port on the private loopback that leads to the run's
// socket, for programs that can only speak to a host and a port. Usage: forwarder.mjs PORT SOCKET -- COMMAND [ARG…]
import { spawn } from 'node:child_process';
import net from 'node:net';
import os from 'node:os';
import process from 'node:process';
import tty from 'node:tty';

const FORWARDER_FAILED = 125;
const FORWARDED = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2', 'SIGWINCH', 'SIGCONT'];
// The terminal sends these to the whole foreground group: the command has them already.
const SENT_BY_TERMINAL = new Set(['SIGINT', 'SIGQUIT', 'SIGWINCH']);

const [port, socketPath, separator, command, ...args] = process.argv.slice(2);

function fail(message, code) {
  process.stderr.write(`forwarder: ${message}\n`);
  process.exit(code);
}

if (separator !== '--' || command === undefined) {
  fail('usage: forwarder.mjs PORT SOCKET -- COMMAND [ARG…]', FORWARDER_FAILED);
}

const server = net.createServer({ allowHalfOpen: true }, (client) => {
  const core = net.connect({ path: socketPath, allowHalfOpen: true });
  const end = () => {
    client.destroy();
    core.destroy();
  };
  client.on('error', end);
  core.on('error', end);
  // A side that is closed for good has no half left to wait for: what it said is flushed, then the other closes too.
  client.on('close', () => core.destroySoon());
  core.on('close', () => client.destroySoon());
  client.pipe(core);
  core.pipe(client);
});

server.on('error', (error) => fail(`cannot listen on port ${port}: ${error.message}`, FORWARDER_FAILED));
server.listen(Number(port), '127.0.0.1', () => {
  // Asked of the descriptor: opening process.stdin would make the command's input non-blocking.
  const hasTerminal = tty.isatty(0);
  let child;
  for (const signal of FORWARDED) {
    process.on(signal, () => {
      if (!(hasTerminal && SENT_BY_TERMINAL.has(signal))) child?.kill(signal);
    });
  }
  child = spawn(command, args, { stdio: 'inherit', env: { ...process.env, NODE_USE_ENV_PROXY: '1' } });
  child.on('error', (error) =>
    fail(`cannot start ${command}: ${error.message}`, error.code === 'ENOENT' ? 127 : 126),
  );
  child.on('exit', (code, signal) => process.exit(code ?? 128 + (os.constants.signals[signal] ?? 0)));
});
