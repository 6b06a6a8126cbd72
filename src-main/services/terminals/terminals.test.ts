import { createRequire } from 'node:module';
import type * as Headless from '@xterm/headless';
import { expect, test } from 'vitest';
import {
  createTerminals,
  PAUSE_AT,
  RESUME_AT,
  STALLED_AFTER,
  type Attachment,
  type PtyExit,
  type PtyPort,
  type TerminalSize,
  type Terminals,
  type Viewer,
} from './index.ts';
import { createFakePty } from './testing/fake-pty.ts';

const { Terminal } = createRequire(import.meta.url)('@xterm/headless') as typeof Headless;

/** A viewer that draws what it is sent. */
interface Eye extends Viewer {
  text(): string;
  bytes(): number;
  shows(wanted: string): Promise<void>;
  end: Promise<PtyExit>;
  was: string[];
}

function openEye(): Eye {
  let screen = new Terminal({ allowProposedApi: true });
  let bytes = 0;
  let settle: (exit: PtyExit) => void = () => undefined;
  const waiting = new Set<() => void>();
  const was: string[] = [];
  const text = () =>
    Array.from({ length: screen.buffer.active.length }, (_, line) =>
      screen.buffer.active.getLine(line)?.translateToString(true),
    ).join('\n');
  const draw = (data: Uint8Array) => {
    bytes += data.length;
    screen.write(data, () => {
      for (const look of waiting) look();
    });
  };
  return {
    begin({ columns, rows }, replay) {
      screen = new Terminal({ cols: columns, rows, scrollback: 20_000, allowProposedApi: true });
      was.push(`begin ${columns}x${rows}`);
      draw(replay);
    },
    data: draw,
    size: ({ columns, rows }) => {
      was.push(`size ${columns}x${rows}`);
      screen.resize(columns, rows);
    },
    ended: (exit) => settle(exit),
    dropped: () => void was.push('dropped'),
    text,
    bytes: () => bytes,
    shows: (wanted) =>
      new Promise((resolve) => {
        const look = () => {
          if (!text().includes(wanted)) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
      }),
    end: new Promise((resolve) => (settle = resolve)),
    was,
  };
}

const size: TerminalSize = { columns: 80, rows: 24 };

function rig(ptys: PtyPort = createFakePty()): {
  terminals: Terminals;
  attach(eye: Viewer): Attachment;
  type(to: Attachment, text: string): void;
  timers: { ms: number; fire(): void }[];
  exit: Promise<PtyExit>;
} {
  const timers: { ms: number; fire(): void }[] = [];
  const terminals = createTerminals({
    ptys,
    after(ms, fn) {
      const timer = { ms, fire: fn };
      timers.push(timer);
      return () => void timers.splice(timers.indexOf(timer), timers.includes(timer) ? 1 : 0);
    },
  });
  const exit = new Promise<PtyExit>((resolve) => {
    terminals.open('t', { file: '/bin/sh', args: [], environment: {}, cwd: '/', size }, resolve);
  });
  return {
    terminals,
    timers,
    exit,
    attach(eye) {
      const attachment = terminals.attach('t', eye);
      if (!attachment) throw new Error('There is no terminal.');
      return attachment;
    },
    type: (to, text) => to.write(Buffer.from(text)),
  };
}

/** A PTY by hand: the test says what is written, and sees whether it is read. */
function handPty() {
  let tell: (bytes: Uint8Array) => void = () => undefined;
  const state = { paused: false, typed: '', end: (_: PtyExit): void => undefined };
  const port: PtyPort = {
    spawn: () => ({
      pid: -1,
      onData: (listener) => (tell = listener),
      onExit: (listener) => (state.end = listener),
      write: (bytes) => (state.typed += Buffer.from(bytes).toString('latin1')),
      resize: () => undefined,
      pause: () => (state.paused = true),
      resume: () => (state.paused = false),
    }),
  };
  return { port, state, say: (text: string) => tell(Buffer.from(text)) };
}

/** Resolves when the core's own picture holds all that was written. */
const taken = async (terminals: Terminals) => {
  const eye = openEye();
  const begun = new Promise<void>((resolve) => {
    const attachment = terminals.attach('t', {
      ...eye,
      begin: () => {
        attachment?.detach();
        resolve();
      },
    });
  });
  await begun;
};

test('whoever attaches anew sees all that was there, and goes on from it', async () => {
  const { attach, type, terminals } = rig();
  const first = openEye();
  const hold = attach(first);
  type(hold, 'echo before the reload\r');
  await first.shows('\nbefore the reload');
  hold.detach();

  const second = openEye();
  const again = attach(second);
  await second.shows('\nbefore the reload');
  type(again, 'echo after it\r');
  await second.shows('\nafter it');
  expect(second.text().match(/\nbefore the reload/g)).toHaveLength(1);
  expect(first.text()).not.toContain('after it');
  expect(terminals.live()).toEqual(['t']);
});

test('what is written while somebody attaches comes exactly once', async () => {
  const { attach, type } = rig();
  const first = openEye();
  const hold = attach(first);
  await first.shows('$');
  type(hold, 'echo one\recho two\r');
  const second = openEye();
  attach(second);
  type(hold, 'echo three\r');
  await Promise.all([first.shows('\nthree'), second.shows('\nthree')]);
  expect(second.text().trimEnd()).toBe(first.text().trimEnd());
});

test('the end comes after all data, and the id is free again', async () => {
  const { attach, type, terminals, exit } = rig();
  const eye = openEye();
  const hold = attach(eye);
  type(hold, 'echo bye\rexit 7\r');
  expect(await eye.end).toEqual({ code: 7, signal: 0 });
  expect(await exit).toEqual({ code: 7, signal: 0 });
  await eye.shows('\nbye');
  expect(terminals.live()).toEqual([]);
  expect(terminals.attach('t', eye)).toBeNull();
});

test('the last who asks gives the size; the others are told', async () => {
  const { attach, type, terminals } = rig();
  const [one, other] = [openEye(), openEye()];
  const hold = attach(one);
  attach(other);
  await other.shows('$');
  hold.resize({ columns: 100, rows: 30 });
  type(hold, 'stty size\r');
  await other.shows('\n30 100');
  expect(other.was).toEqual(['begin 80x24', 'size 100x30']);
  expect(one.was).toEqual(['begin 80x24']);
  expect(terminals.size('t')).toEqual({ columns: 100, rows: 30 });
});

test('reading stops at 512 KB that a viewer has not acknowledged and goes on at 128 KB', async () => {
  const { port, state, say } = handPty();
  const { attach, terminals } = rig(port);
  const eye = openEye();
  const hold = attach(eye);
  await taken(terminals);
  say('x'.repeat(PAUSE_AT));
  await taken(terminals);
  expect(state.paused).toBe(false);
  say('x');
  expect(state.paused).toBe(true);
  await taken(terminals);
  hold.acknowledge(PAUSE_AT - RESUME_AT);
  expect(state.paused).toBe(true);
  hold.acknowledge(1);
  expect(state.paused).toBe(false);
});

test('a viewer that acknowledges nothing is let go, and the program goes on', async () => {
  const { port, state, say } = handPty();
  const { attach, terminals, timers } = rig(port);
  const eye = openEye();
  attach(eye);
  await taken(terminals);
  say('x'.repeat(PAUSE_AT + 1));
  await taken(terminals);
  expect(state.paused).toBe(true);
  expect(timers.map(({ ms }) => ms)).toEqual([STALLED_AFTER]);
  timers[0]?.fire();
  expect(eye.was).toContain('dropped');
  expect(state.paused).toBe(false);
});

test('a viewer that leaves does not hold the program up', async () => {
  const { port, state, say } = handPty();
  const { attach, terminals, timers } = rig(port);
  const hold = attach(openEye());
  await taken(terminals);
  say('x'.repeat(PAUSE_AT + 1));
  await taken(terminals);
  expect(state.paused).toBe(true);
  hold.detach();
  expect(state.paused).toBe(false);
  expect(timers).toEqual([]);
});

test('a replay holds the last 10,000 lines, in at most 2 MB', async () => {
  const { port, say } = handPty();
  const { attach, terminals } = rig(port);
  for (let line = 0; line < 10_500; line += 1) say(`line ${line}\r\n`);
  await taken(terminals);
  const eye = openEye();
  attach(eye);
  await eye.shows('line 10499');
  expect(eye.text()).toContain('line 600\n');
  expect(eye.text()).not.toContain('line 400\n');
  // Every cell in a colour of its own: a few lines of it take a kilobyte each.
  for (let line = 0; line < 4_800; line += 1)
    say(`${Array.from({ length: 40 }, (_, n) => `\x1b[38;5;${(n + line) % 256}m${n % 10}`).join('')}\r\n`);
  say('the end');
  await taken(terminals);
  const heavy = openEye();
  attach(heavy);
  await heavy.shows('the end');
  expect(heavy.bytes()).toBeLessThanOrEqual(2 * 1024 * 1024);
  expect(heavy.bytes()).toBeGreaterThan(100_000);
}, 120_000);

test('a program’s questions to its terminal are answered once, by the core, and with numbers only', async () => {
  const { port, state, say } = handPty();
  const { terminals } = rig(port);
  say('\x1b[6n');
  say('\x1b[c');
  await taken(terminals);
  expect(state.typed).toBe('\x1b[1;1R\x1b[?1;2c');
  state.typed = '';
  // Titles, colours, settings and an enquiry: what could carry words back.
  say('\x1b]0;rm -rf ~\x07\x1b[21t\x1b[20t\x05\x1b]10;?\x07\x1b]52;c;?\x07\x1bP$qm\x1b\\\x1b[>q');
  await taken(terminals);
  expect(state.typed).toBe('');
});
