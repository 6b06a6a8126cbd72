import { spawn } from 'node:child_process';
import type { SandboxedCommand } from '../ports.ts';

const WALLS = [
  '--unshare-all',
  '--die-with-parent',
  '--cap-drop',
  'ALL',
  '--clearenv',
  '--ro-bind',
  '/usr',
  '/usr',
  ...['bin', 'sbin', 'lib', 'lib64'].flatMap((name) => ['--symlink', `usr/${name}`, `/${name}`]),
  '--proc',
  '/proc',
  '--dev',
  '/dev',
  '--tmpfs',
  '/tmp',
];

/** The port over real walls, in small: the checkout, the objects that it borrows, `/usr`, no network. */
export const sandboxed: SandboxedCommand = (input) =>
  new Promise((resolve, reject) => {
    const args = [
      ...WALLS,
      input.access === 'write' ? '--bind' : '--ro-bind',
      input.checkout,
      '/work',
      '--ro-bind',
      input.baseObjects,
      '/opt/atrium/base',
      '--chdir',
      '/work',
      '--',
      ...input.command,
    ];
    const child = spawn('/usr/bin/bwrap', args, { env: {}, stdio: ['pipe', 'pipe', 'pipe'] });
    let outcome: 'exited' | 'timeout' | 'output-limit' = 'exited';
    const out: Buffer[] = [];
    const errors: Buffer[] = [];
    let size = 0;
    const timer = setTimeout(() => {
      outcome = 'timeout';
      child.kill('SIGKILL');
    }, input.timeoutMs);
    child.stdout.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= input.maxOutputBytes) out.push(chunk);
      else if (outcome === 'exited') {
        outcome = 'output-limit';
        child.kill('SIGKILL');
      }
    });
    child.stderr.on('data', (chunk: Buffer) => errors.push(chunk));
    child.stdin.on('error', () => undefined);
    child.stdin.end(input.stdin ?? '');
    child.once('error', reject);
    child.once('close', (code) => {
      clearTimeout(timer);
      resolve({ outcome, code, stdout: Buffer.concat(out), stderr: Buffer.concat(errors) });
    });
  });
