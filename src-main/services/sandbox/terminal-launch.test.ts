import { spawn, type IPty } from '@lydell/node-pty';
import { constants, openSync, closeSync, readdirSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import type { SandboxExit, TerminalLaunch } from './profile.ts';
import { makeTether, openFixture, type Fixture } from './sandbox-fixture.ts';

let fixture: Fixture | undefined;
afterEach(async () => {
  await fixture?.dispose();
  fixture = undefined;
});

/** A shell behind a PTY in the fixture's walls. */
async function openShell(made: Fixture): Promise<{
  pty: IPty;
  launch: TerminalLaunch;
  type(text: string): void;
  /** Resolves when what was written since the last wait holds this. */
  shows(text: string): Promise<string>;
  end: Promise<SandboxExit>;
}> {
  const profile = made.profile({ environment: { PS1: 'ready> ', TERM: 'xterm' } });
  const launch = await made.sandbox.planTerminal(profile, ['/bin/bash', '--norc', '-i']);
  const pty = spawn(launch.file, launch.args, { cwd: '/', env: {}, cols: 80, rows: 24 });
  launch.started(pty.pid);
  let text = '';
  let look = (): void => undefined;
  pty.onData((data) => {
    text += data;
    look();
  });
  return {
    pty,
    launch,
    type: (typed) => pty.write(typed),
    shows: (wanted) =>
      new Promise((resolve) => {
        look = () => {
          const at = text.indexOf(wanted);
          if (at < 0) return;
          resolve(text.slice(0, at + wanted.length));
          text = text.slice(at + wanted.length);
          look = () => undefined;
        };
        look();
      }),
    end: new Promise((resolve) =>
      pty.onExit(({ exitCode, signal }) => resolve(launch.ended(signal ? null : exitCode))),
    ),
  };
}

test('job control, Ctrl-C, Ctrl-Z and a change of size work behind the walls', async () => {
  fixture = openFixture();
  const { pty, type, shows, end } = await openShell(fixture);
  await shows('ready> ');
  type(`sh -c 'echo asl""eep; exec sleep 1000'\r`);
  await shows('asleep\r\n');
  type('\x03');
  await shows('^C');
  await shows('ready> ');
  // The shell gives the terminal back to its programs only when it carries the line out.
  type('echo star""ted; cat; echo resu""med\r');
  await shows('started\r\n');
  type('hello\r');
  await shows('hello\r\nhello\r\n');
  type('\x1a');
  await shows('Stopped');
  type('jobs; fg\r');
  await shows('cat');
  await shows('cat\r\n');
  type('\x04');
  await shows('ready> ');
  type("trap 'stty size' WINCH\r");
  await shows('ready> ');
  pty.resize(132, 43);
  await shows('43 132');
  type('exit 5\r');
  expect(await end).toEqual({ code: 5, signal: null, outOfMemory: false, started: true });
});

test('the terminal belongs to who is inside: it can be opened again by its path', async () => {
  fixture = openFixture();
  const { type, shows } = await openShell(fixture);
  await shows('ready> ');
  type('echo sa""id > /dev/stderr; echo again > /dev/tty; id -u\r');
  await shows('said\r\nagain\r\n');
});

test('what the core has open, other terminals among it, is not in a terminal', async () => {
  fixture = openFixture();
  const stray = openSync('/etc/hostname', constants.O_RDONLY);
  const other = spawn('/bin/sh', [], { cwd: '/', env: {} });
  try {
    const { type, shows } = await openShell(fixture);
    await shows('ready> ');
    type('for f in /proc/self/fd/*; do readlink $f; done; echo li""sted\r');
    const listed = await shows('listed');
    expect(listed).not.toContain('ptmx');
    expect(listed).not.toContain('hostname');
    type('cat /proc/*/cmdline | tr "\\0" " "; echo sh""own\r');
    expect(await shows('shown')).not.toContain(fixture.root);
  } finally {
    closeSync(stray);
    other.kill('SIGKILL');
  }
});

test('the whole tree ends with it, also after setsid and nohup, and nothing is left of its files', async () => {
  fixture = openFixture();
  const tether = makeTether(join(fixture.work, 'tether'));
  const { type, shows, launch, end } = await openShell(fixture);
  await shows('ready> ');
  type(
    'setsid nohup sh -c "exec 9>/work/tether; echo held >/work/held; exec sleep 100000" >/dev/null 2>&1 &\r',
  );
  type('until [ -e /work/held ]; do :; done; echo kept""alive\r');
  await shows('keptalive');
  expect(tether.allGone()).toBe(false);
  launch.stop();
  await end;
  expect(tether.allGone()).toBe(true);
  expect(readdirSync(join(fixture.options.stateDir, 'terminals'))).toEqual([]);
});

test('the end of the shell ends what it left behind', async () => {
  fixture = openFixture();
  const tether = makeTether(join(fixture.work, 'tether'));
  const { type, shows, end } = await openShell(fixture);
  await shows('ready> ');
  type('setsid nohup sh -c "exec 9>/work/tether; echo held >/work/held; exec sleep 100000" &\r');
  type('until [ -e /work/held ]; do :; done; exit\r');
  await end;
  expect(tether.allGone()).toBe(true);
});

test('closing the sandbox ends terminals, and refuses new ones', async () => {
  fixture = openFixture();
  const { shows, end } = await openShell(fixture);
  await shows('ready> ');
  const closing = fixture.sandbox.close();
  expect([null, 137]).toContain((await end).code);
  await closing;
  await expect(fixture.sandbox.planTerminal(fixture.profile(), ['/bin/sh'])).rejects.toMatchObject({
    code: 'closed',
  });
});

test('a plan that comes to nothing leaves nothing', async () => {
  fixture = openFixture();
  const launch = await fixture.sandbox.planTerminal(fixture.profile(), ['/bin/sh']);
  expect(await launch.ended(null)).toMatchObject({ started: false });
  expect(readdirSync(join(fixture.options.stateDir, 'terminals'))).toEqual([]);
  expect(existsSync(fixture.work)).toBe(true);
});
