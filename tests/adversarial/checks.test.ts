import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { workspacePlaces } from '../../src-main/app/places.ts';
import { runUser } from '../../src-main/app/run-users.ts';
import type { TicketDraftInput } from '../../src-main/contract/tickets.ts';
import { buildArguments } from '../../src-main/services/sandbox/arguments.ts';
import {
  chooseLimitKeeper,
  type LimitGroup,
  type TreeLimits,
} from '../../src-main/services/sandbox/limits.ts';
import { inspectMounts } from '../../src-main/services/sandbox/mounts.ts';
import { composeSandbox } from '../../src-main/services/sandbox/sandbox.ts';
import { addBrand, appRoot, held, makePlace, nodePath } from '../support/workspace.ts';
import type { InProcessCore, TestPlace, TestRepository } from '../support/workspace.ts';
import { laySiege, type Siege } from './siege.ts';

/** Checks that lie, hang, flood or never ran, and runs that do not end by themselves. What did not run is no pass. */

let place: TestPlace;
let core: InProcessCore;
let siege: Siege;
let shop: TestRepository;
let loose: TestRepository;
let deaf: TestRepository;

beforeAll(async () => {
  // Hanging checks and runs are cut after six seconds.
  place = makePlace({ checkMinutes: 0.1, attemptMinutes: 0.1 });
  shop = place.repository('shop', {
    'a.txt': 'one\n',
    'test.sh': 'for f in t/*; do [ -e "$f" ] && echo "ok - $f"; done; true\n',
    't/one': 'x\n',
  });
  loose = place.repository('loose', { 'a.txt': 'one\n', 'test.sh': 'echo ok\n', 't/one': 'x\n' });
  deaf = place.repository('deaf', { 'a.txt': 'one\n', 'test.sh': 'echo ok\n' });
  core = await place.open();
  siege = laySiege(core);
  await addBrand(core.client, 'acme', shop.path, { test: 'sh test.sh', count: 'tap' });
});
afterAll(async () => {
  await siege.end();
  await core.close();
  place.remove();
});

const attack = (draft: Omit<TicketDraftInput, 'title'>) => siege.attack('acme', { title: 'Lie', ...draft });

describe('tests that say nothing', () => {
  test.each<[string, string, 'failed' | 'unverified', RegExp]>([
    ['are deleted (tests.deleted)', 'rm -r t', 'unverified', /no test was counted/],
    [
      'are emptied, with an exit code of success (tests.emptied)',
      'echo true > test.sh',
      'unverified',
      /no test was counted/,
    ],
    [
      'are all skipped (tests.skipped)',
      'echo "echo \'ok 1 - x # SKIP later\'" > test.sh',
      'unverified',
      /no test was counted/,
    ],
    [
      'only speak of themselves (tests.claimed)',
      'echo "echo All 12 tests passed" > test.sh',
      'unverified',
      /no test was counted/,
    ],
    [
      'name a program that is missing (tests.missing-program)',
      'echo "no-such-runner --all" > test.sh',
      'unverified',
      /did not run/,
    ],
    ['hang (tests.hang)', 'echo "echo ok 1; sleep 1000" > test.sh', 'unverified', /did not end in time/],
    [
      'print without end (tests.flood)',
      'echo "echo ok 1; yes" > test.sh',
      'unverified',
      /printed more than|in time/,
    ],
    [
      'kill themselves (tests.killed)',
      'echo "echo ok 1; kill -9 \\$\\$" > test.sh',
      'failed',
      /exit code 137/,
    ],
    ['fail', 'echo "echo ok 1; exit 3" > test.sh', 'failed', /exit code 3/],
  ])('that %s do not pass', async (_name, command, state, reason) => {
    const head = shop.git('rev-parse', 'main');
    const { ticket } = await attack({ command });
    expect([ticket.attemptList[0]?.state, ticket.attemptList[0]?.reason]).toEqual([
      state,
      expect.stringMatching(reason),
    ]);
    expect(shop.git('rev-parse', 'main')).toBe(head);
  });

  test('where nobody counts, emptied tests pass; where nobody looks at how a check ends, so does one that never ran', async () => {
    await addBrand(core.client, 'uncounted', loose.path, { test: 'sh test.sh', count: 'exit' });
    const emptied = await siege.attack('uncounted', {
      title: 'Lie',
      command: 'echo true > test.sh; rm -r t',
    });
    expect(emptied.ticket.state).toBe('merged');
    await addBrand(core.client, 'unlooked', deaf.path, { test: 'timeout 1 sh test.sh | head -3; true' });
    const hung = await siege.attack('unlooked', {
      title: 'Lie',
      command: 'echo "no-such-runner; yes & sleep 1000; kill -9 \\$\\$" > test.sh',
    });
    expect(hung.ticket.state).toBe('merged');
  });

  test('with one that counts, it merges', async () => {
    const { ticket } = await attack({ command: 'echo x > t/two' });
    expect(ticket.state).toBe('merged');
  });
});

describe('the room of the verifier', () => {
  test('[C6] cannot be written in, whatever is tried, and has no socket (tests.verifier-room)', async () => {
    const tries = [
      'echo x > planted',
      'echo x >> a.txt',
      'rm -f a.txt',
      'chmod 777 a.txt',
      'git commit --allow-empty -m evil',
      'git config user.name evil',
      'echo x > /opt/atrium/base/planted',
      'mkdir .git/evil',
      'test -S /run/atrium/core.sock',
      'atrium submit verdict --verdict pass --commit 0',
      'echo x > /usr/planted',
    ];
    const { ticket } = await attack({
      paths: ['v.txt'],
      acceptance: [...tries.map((text) => `! ( ${text} ) 2> /dev/null`), 'echo x > "$TMPDIR/scratch"'],
      // The control: in the room of the executor the like works.
      command:
        'echo x > planted && rm planted && git commit -q --allow-empty -m can && mkdir .git/evil && rmdir .git/evil && echo v > v.txt',
    });
    expect([ticket.attemptList[0]?.reason, ticket.state]).toEqual(['merged', 'merged']);
  });

  test('[C6] an acceptance command that fails is a fail, one that is missing is unverified, and neither is talked away (tests.acceptance)', async () => {
    const failed = await attack({
      paths: ['w.txt'],
      acceptance: ['true', 'exit 7'],
      command: 'echo w > w.txt',
    });
    expect(failed.ticket.attemptList[0]?.state).toBe('failed');
    const missing = await attack({
      paths: ['w.txt'],
      acceptance: ['no-such-program'],
      command: 'echo w > w.txt',
    });
    expect(missing.ticket.attemptList[0]?.state).toBe('unverified');
  });
});

describe('a run that does not end by itself', () => {
  /** Processes of the user that acme's runs become, or of the walls where there is none. */
  const left = (): string[] => {
    const uid = runUser(workspacePlaces(place.workspace), 'acme' as never)?.uid;
    return readdirSync('/proc').filter((pid) => {
      if (!/^\d+$/.test(pid)) return false;
      try {
        const marked = readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('leftover-of-the-run');
        return (
          marked ||
          (uid !== undefined &&
            new RegExp(`^Uid:\\s+${uid}\\s`, 'm').test(readFileSync(`/proc/${pid}/status`, 'utf8')))
        );
      } catch {
        return false;
      }
    });
  };

  /** Settles when none is left. What these attacks start never ends by itself; what the core still does for the ticket does. */
  const untilNoneIsLeft = async (): Promise<void> => {
    for (let pids = left(); pids.length > 0; pids = left())
      await Promise.all(
        pids.map((pid) =>
          once(spawn('tail', ['--pid', pid, '-f', '/dev/null'], { stdio: 'ignore' }), 'close'),
        ),
      );
  };

  test('[C13] what it left behind with setsid, nohup and a double fork is gone when it has submitted (process.left-behind)', async () => {
    const { ticket } = await attack({
      paths: ['left.txt'],
      command: `setsid nohup sh -c 'exec -a leftover-of-the-run sleep 1000' > /dev/null 2>&1 &
        (setsid sh -c 'trap "" TERM HUP INT; while :; do sleep 1; done' leftover-of-the-run > /dev/null 2>&1 &) &
        node -e "require('child_process').spawn('sleep', ['1001'], { detached: true, stdio: 'ignore' }).unref()"
        echo left > left.txt; exit 0`,
    });
    expect(ticket.state).toBe('merged');
    await untilNoneIsLeft();
  });

  test.each<[string, string]>([
    ['hangs', 'sleep 1000'],
    ['traps every signal and hangs (process.deaf)', 'trap "" TERM HUP INT QUIT; while :; do sleep 1; done'],
    ['forks without end (process.fork-bomb)', 'bomb() { bomb | bomb & }; bomb; sleep 1000'],
    [
      'takes memory without end (process.memory)',
      'node -e "const all = []; for (;;) all.push(Buffer.alloc(64 * 1024 * 1024, 1))"; exit 1',
    ],
    ['prints without end (process.output)', 'yes $(head -c 4000 /dev/zero | tr "\\0" x)'],
  ])('and %s is ended whole, and the core goes on', async (_name, command) => {
    const { ticket } = await attack({ paths: ['x.txt'], command });
    expect(ticket.attemptList[0]?.state).toMatch(/^(failed|unverified)$/);
    await untilNoneIsLeft();
    expect(held(await core.client.status({})).workspace).toBe(place.workspace);
  });

  describe('the controls: without what ends them', () => {
    const sandboxWith = (keeper: (limits: TreeLimits) => LimitGroup | null) => {
      const watched = chooseLimitKeeper({ mountinfo: '', membership: '', watchIntervalMs: 50 });
      return composeSandbox(
        {
          nodePath,
          forwarderPath: path.join(appRoot, 'out', 'native', 'forwarder'),
          proberPath: path.join(appRoot, 'resources', 'run', 'prober.mjs'),
          landlockPath: path.join(appRoot, 'out', 'native', 'landlock'),
          stateDir: path.join(place.around, 'control'),
        },
        {
          buildArguments,
          inspectMounts,
          chooseLimitKeeper: () => ({ ...watched, open: (limits) => keeper(limits) ?? watched.open(limits) }),
          kernelLayer: () => null,
        },
      );
    };
    const unwatched = (): LimitGroup => ({
      joinFiles: [],
      attend: () => undefined,
      finish: () => ({ outOfMemory: false }),
    });

    test.each<[string, string]>([
      ['many processes', 'for i in $(seq 120); do sleep 2 & done; wait; echo LIVED'],
      [
        'much memory',
        `node -e "const all = []; for (let n = 0; n < 5; n += 1) all.push(Buffer.alloc(64 * 1024 * 1024, 1)); setTimeout(() => console.log('LIVED', all.length), 500)"`,
      ],
    ])('%s live where nobody watches, and are ended where the limit is kept', async (_name, command) => {
      const outputs: string[] = [];
      for (const sandbox of [sandboxWith(() => null), sandboxWith(unwatched)]) {
        const ended = await sandbox.run(
          {
            name: 'limits',
            mounts: [],
            workdir: '/tmp',
            environment: {},
            socket: null,
            limits: { memoryMb: 128, processes: 64, temporaryMb: 8 },
            identity: process.getuid?.() === 0 ? { uid: 65_500, gid: 65_500 } : null,
            kernel: { read: [], write: [], ports: null, required: false },
          },
          ['/bin/sh', '-c', command],
          { timeoutMs: 60_000, maxOutputBytes: 10_000 },
        );
        await sandbox.close();
        outputs.push(ended.stdout.toString().includes('LIVED') ? 'lived' : 'ended');
      }
      expect(outputs).toEqual(['ended', 'lived']);
    });

    test('a process with a session of its own and a deaf ear outlives its parent on the host', async () => {
      const parent = spawn(
        '/bin/sh',
        ['-c', `setsid sh -c 'trap "" TERM; echo $$; while :; do sleep 1; done' &`],
        {
          stdio: ['ignore', 'pipe', 'ignore'],
          detached: true,
        },
      );
      const pid = await new Promise<number>((resolve) =>
        parent.stdout.once('data', (data: Buffer) => resolve(Number(data.toString()))),
      );
      process.kill(pid, 'SIGTERM');
      expect(parent.exitCode ?? (await new Promise((done) => parent.once('exit', done)))).toBe(0);
      expect(process.kill(pid, 0)).toBe(true);
      process.kill(-pid, 'SIGKILL');
    });
  });
});
