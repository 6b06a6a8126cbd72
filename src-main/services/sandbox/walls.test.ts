import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import {
  type Fixture,
  inRepository,
  makeTether,
  openFixture,
  RUN_USER,
  serveOnSocket,
} from './sandbox-fixture.ts';

const fixture: Fixture = openFixture();
/** What the room alone shows and allows: the kernel layer would hide that from its tests. */
const room: Fixture = openFixture({ kernel: null });
afterAll(async () => {
  await fixture.dispose();
  await room.dispose();
});

const uid = RUN_USER?.uid ?? 1000;

describe('who and what is inside', () => {
  test('the run is an ordinary user without any capability, filtered, and cannot gain privileges', async () => {
    const result = await fixture.run(
      "grep -E '^(Uid|Gid|Groups|Cap|NoNewPrivs|Seccomp:)' /proc/self/status | tr -s '\\t ' ' '",
    );
    const ids = `${uid} ${uid} ${uid} ${uid}`;
    const none = '0000000000000000';
    expect(
      result.stdout
        .toString()
        .trim()
        .split('\n')
        .map((line) => line.trim()),
    ).toEqual([
      `Uid: ${ids}`,
      `Gid: ${ids}`,
      expect.stringMatching(/^Groups:/),
      ...['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'].map((name) => `${name}: ${none}`),
      'NoNewPrivs: 1',
      'Seccomp: 2',
    ]);
  });

  test('the environment is the allow-list, nothing inherited', async () => {
    process.env.ATRIUM_TEST_SECRET = 'must-not-pass';
    try {
      const result = await fixture.run('env -u _ -u SHLVL -u PWD -u OLDPWD | sort', {
        environment: { GREETING: 'hello' },
      });
      expect(result.stdout.toString().trim().split('\n')).toEqual([
        'GREETING=hello',
        'HOME=/home/agent',
        'LANG=C.UTF-8',
        'LOGNAME=agent',
        'PATH=/opt/node/bin:/usr/local/bin:/usr/bin:/bin',
        'TMPDIR=/tmp',
        'USER=agent',
        'npm_config_cache=/tmp/.npm',
      ]);
    } finally {
      delete process.env.ATRIUM_TEST_SECRET;
    }
  });

  test('no command line inside names a host path', async () => {
    const result = await fixture.run('cat /proc/[0-9]*/cmdline | tr "\\0" " "');
    expect(result.stdout.toString()).toContain('bwrap');
    expect(result.stdout.toString()).not.toContain(fixture.root);
    expect(result.stdout.toString()).not.toContain(inRepository(''));
  });

  test('only the system, the made-up home and the mounts exist, and what is written to /work is on the host', async () => {
    const result = await room.run(
      'echo made > made; ls / | grep -vE "^(lib.*|s?bin|dev|etc|proc|tmp|usr)$"; ls -A /home /opt/node/bin /run /var; cut -d: -f1,3,4 /etc/passwd; wc -c < /etc/resolv.conf',
    );
    const base = ['home', 'opt', 'run', 'var', 'work'];
    const folders = ['/home:', 'agent', '', '/opt/node/bin:', 'node', '', '/run:', '', '/var:', 'tmp'];
    const users = ['root:0:0', `agent:${uid}:${RUN_USER?.gid ?? 1000}`, 'nobody:65534:65534'];
    expect(result.stdout.toString().trim().split('\n')).toEqual([...base, ...folders, ...users, '0']);
    expect(readFileSync(join(room.work, 'made'), 'utf8')).toBe('made\n');
  });

  test('the temporary folders have the size that the profile gives', async () => {
    const result = await fixture.run(
      'for d in /tmp /home/agent /dev/shm /scratch; do head -c 40000000 /dev/zero > $d/big 2>/dev/null; stat -c %s $d/big; rm $d/big; done',
      {
        limits: { memoryMb: 512, processes: 64, temporaryMb: 8 },
        mounts: [{ kind: 'tmpfs', target: '/scratch', sizeMb: 2 }],
        workdir: '/scratch',
      },
    );
    const mb = 1024 * 1024;
    expect(result.stdout.toString().trim().split('\n').map(Number)).toEqual([8 * mb, 8 * mb, 8 * mb, 2 * mb]);
  });

  test('Node 24 comes first, and npm runs a project’s tests', async () => {
    const project = fixture.folder('work/project');
    writeFileSync(
      join(project, 'package.json'),
      JSON.stringify({ name: 'p', scripts: { test: 'node --test' } }),
    );
    writeFileSync(join(project, 'a.test.js'), "require('node:test')('holds', () => {});");
    const result = await fixture.run(
      'cd project && node -p process.version && npm --version >/dev/null && npm test',
      {
        limits: { memoryMb: 512, processes: 256, temporaryMb: 32 },
      },
    );
    expect(result.stdout.toString()).toContain(process.version);
    expect(result.stdout.toString()).toContain('pass 1');
    expect(result.code).toBe(0);
  });

  test('git commits with the made-up identity', async () => {
    const result = await fixture.run(
      'git init -q repo && cd repo && touch a && git add -A && git commit -qm one && git log --format=%an:%s',
    );
    expect(result.stdout.toString().trim()).toBe('Atrium agent:one');
  });
});

describe('descriptors', () => {
  test('what this process was started with does not reach the inside', async () => {
    const script = `
      import { createSandbox } from ${JSON.stringify(inRepository('src-main/services/sandbox/index.ts'))};
      const sandbox = createSandbox(${JSON.stringify({ ...fixture.options, stateDir: join(fixture.root, 'state-2') })});
      const result = await sandbox.run(${JSON.stringify(fixture.profile())}, ['/bin/sh', '-c', 'for f in /proc/self/fd/*; do echo "\${f##*/} $(readlink $f)"; done; cat <&77'], { timeoutMs: 60000, maxOutputBytes: 65536 });
      process.stdout.write(result.stdout);
    `;
    const file = join(fixture.root, 'stray.ts');
    writeFileSync(file, script);
    const secret = join(fixture.root, 'stray-secret');
    writeFileSync(secret, 'a stranger’s secret');
    const child = spawn(
      '/bin/bash',
      ['-c', `exec 77<"$1"; exec "$2" "$3"`, 'bash', secret, fixture.options.nodePath, file],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (output += chunk));
    await new Promise((resolve) => child.once('close', resolve));
    const lines = output.trim().split('\n');
    expect(lines).toContain('77 /dev/null');
    expect(output).not.toContain('secret');
    const targets = lines.filter((line) => !/^[012] |\/dev\/null$|^\d+ $/.test(line));
    expect(targets).toEqual([]);
  });
});

describe('the run’s socket', () => {
  test('programs reach it through the proxy port, and only it', async () => {
    const path = join(fixture.root, 'core.sock');
    const server = await serveOnSocket(path, 'core says');
    try {
      const result = await fixture.run(
        'curl -s http://127.0.0.1:8790/a; echo; curl -s http://example.invalid/b; echo; curl -s --noproxy "*" --max-time 2 http://93.184.215.14/ || echo unreachable; curl -s --unix-socket $ATRIUM_SOCKET http://core/c',
        { socket: { source: path } },
      );
      expect(result.stdout.toString().split('\n')).toEqual([
        'core says /a',
        'core says http://example.invalid/b',
        'unreachable',
        'core says /c',
      ]);
    } finally {
      await new Promise((resolve) => server.close(resolve));
    }
  });

  test('the proxy variables are set for every kind of program', async () => {
    const path = join(fixture.root, 'core-3.sock');
    const server = await serveOnSocket(path, 'fetched');
    server.on('connect', (request, socket) => {
      socket.write('HTTP/1.1 200 Connected\r\n\r\n');
      const body = `tunnelled to ${request.url ?? ''}`;
      socket.once('data', () => {
        socket.end(`HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`);
      });
    });
    try {
      const result = await fixture.run(
        'env | grep -iE "proxy|atrium" | sort; node -e "fetch(\'http://example.invalid/x\').then((r) => r.text()).then(console.log)"',
        { socket: { source: path } },
      );
      const proxy = 'http://127.0.0.1:8790';
      const direct = '127.0.0.1,localhost';
      expect(result.stdout.toString().trim().split('\n').sort()).toEqual(
        [
          'ATRIUM_SOCKET=/run/atrium/core.sock',
          ...['HTTP_PROXY', 'HTTPS_PROXY', 'http_proxy', 'https_proxy'].map((name) => `${name}=${proxy}`),
          ...['NO_PROXY', 'no_proxy'].map((name) => `${name}=${direct}`),
          'NODE_USE_ENV_PROXY=1',
          'tunnelled to example.invalid:80',
        ].sort(),
      );
    } finally {
      await new Promise((resolve) => server.close(resolve));
    }
  });

  test('a connection that the core closes without a word is closed inside, too', async () => {
    const path = join(fixture.root, 'core-4.sock');
    const server = await serveOnSocket(path, '');
    server.on('connection', (socket) => socket.once('data', () => socket.end()));
    server.removeAllListeners('request');
    try {
      const result = await fixture.run('curl -s http://127.0.0.1:8790/; echo $?', {
        socket: { source: path },
      });
      expect(result.stdout.toString().trim()).toBe('52');
    } finally {
      await new Promise((resolve) => server.close(resolve));
    }
  });

  test('the forwarder hands on exit codes, signals and standard input', async () => {
    const path = join(fixture.root, 'core-2.sock');
    const server = await serveOnSocket(path, '');
    const profile = fixture.profile({ socket: { source: path } });
    const options = { timeoutMs: 60_000, maxOutputBytes: 65_536 };
    try {
      const codes = [];
      for (const command of [
        ['/bin/sh', '-c', 'exit 7'],
        ['/bin/sh', '-c', 'kill -TERM $$'],
        ['/no/such/program'],
      ]) {
        codes.push((await fixture.sandbox.run(profile, command, options)).code);
      }
      expect(codes).toEqual([7, 143, 127]);
      const echoed = await fixture.sandbox.run(profile, ['/bin/cat'], { ...options, stdin: 'through' });
      expect(echoed.stdout.toString()).toBe('through');
      const trapped = await room.run(
        'trap "echo caught; exit 3" TERM; kill -TERM $PPID; while :; do sleep 0.01; done',
        { socket: { source: path } },
      );
      expect([trapped.code, trapped.stdout.toString().trim()]).toEqual([3, 'caught']);
    } finally {
      await new Promise((resolve) => server.close(resolve));
    }
  });
});

describe('the end of a tree', () => {
  const STUBBORN =
    'exec 8>/work/$1; trap "" TERM HUP INT; setsid nohup sh -c "trap \\"\\" TERM; sleep 100000" >/dev/null 2>&1 & echo ready; ';

  test('stop takes detached processes along and resolves when all are gone', async () => {
    const tether = makeTether(join(fixture.work, 'tether-1'));
    const tree = await fixture.sandbox.launch(fixture.profile(), [
      '/bin/sh',
      '-c',
      `${STUBBORN} wait`,
      'sh',
      'tether-1',
    ]);
    await new Promise((resolve) => tree.stdout.once('data', resolve));
    expect(tether.allGone()).toBe(false);
    await tree.stop();
    expect(tether.allGone()).toBe(true);
    expect(await tree.exited).toMatchObject({ signal: 'SIGKILL', outOfMemory: false, started: true });
  });

  test('what a finished command left behind is gone when it has exited', async () => {
    const tether = makeTether(join(fixture.work, 'tether-2'));
    const tree = await fixture.sandbox.launch(fixture.profile(), [
      '/bin/sh',
      '-c',
      `${STUBBORN} exit 5`,
      'sh',
      'tether-2',
    ]);
    expect(await tree.exited).toMatchObject({ code: 5, signal: null });
    expect(tether.allGone()).toBe(true);
  });

  test('when the core is killed, every process inside ends', async () => {
    mkdirSync(join(fixture.root, 'hosted'), { recursive: true });
    const script = `
      import { createSandbox } from ${JSON.stringify(inRepository('src-main/services/sandbox/index.ts'))};
      const sandbox = createSandbox(${JSON.stringify({ ...fixture.options, stateDir: join(fixture.root, 'state-3') })});
      const tree = await sandbox.launch(${JSON.stringify(fixture.profile())}, ['/bin/sh', '-c', ${JSON.stringify(`${STUBBORN} wait`)}, 'sh', 'lifeline']);
      tree.stdout.once('data', () => process.stdout.write('ready'));
    `;
    const file = join(fixture.root, 'hosted', 'core.ts');
    writeFileSync(file, script);
    // The tether is this pipe itself: it ends when the last process that holds it is gone.
    const fifo = join(fixture.work, 'lifeline');
    makeTether(fifo);
    const reader = spawn('/bin/cat', [fifo], { stdio: ['ignore', 'ignore', 'inherit'] });
    const core = spawn(fixture.options.nodePath, [file], { stdio: ['ignore', 'pipe', 'inherit'] });
    await new Promise((resolve) => core.stdout.once('data', resolve));
    expect(reader.exitCode).toBeNull();
    core.kill('SIGKILL');
    expect(await new Promise((resolve) => reader.once('exit', resolve))).toBe(0);
  });

  test('a time limit, an output limit and close end a tree, and say so', async () => {
    const own = openFixture();
    try {
      const profile = own.profile();
      const late = await own.sandbox.run(profile, ['/bin/sleep', '1000'], {
        timeoutMs: 100,
        maxOutputBytes: 10,
      });
      expect(late.outcome).toBe('timeout');
      const loud = await own.sandbox.run(profile, ['/usr/bin/yes'], {
        timeoutMs: 60_000,
        maxOutputBytes: 5000,
      });
      expect([loud.outcome, loud.stdout.length]).toEqual(['output-limit', 5000]);
      const open = await own.sandbox.launch(profile, ['/bin/sleep', '1000']);
      await own.sandbox.close();
      expect(await open.exited).toMatchObject({ signal: 'SIGKILL' });
      await expect(own.sandbox.launch(profile, ['/bin/true'])).rejects.toMatchObject({ code: 'closed' });
    } finally {
      await own.dispose();
    }
  });
});
