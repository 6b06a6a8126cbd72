import type { Pty, PtyExit, PtyLaunch, PtyPort, TerminalSize } from '../port.ts';

/**
 * A PTY without an operating system, for tests: it echoes what is typed as a terminal's line discipline does, and stands in
 * for a shell that knows `echo TEXT`, `stty size`, `printenv NAME`, `flood BYTES` and `exit CODE`. Ctrl-C gives up the line.
 */
export function createFakePty(): PtyPort & { live(): number } {
  const running = new Set<Pty>();
  return {
    spawn(launch) {
      const pty = startFake(launch, () => running.delete(pty));
      running.add(pty);
      return pty;
    },
    live: () => running.size,
  };
}

const CHUNK = 4096;
const PROMPT = '$ ';

function startFake(launch: PtyLaunch, onGone: () => void): Pty {
  let size: TerminalSize = launch.size;
  let tell: (bytes: Uint8Array) => void = () => undefined;
  let end: (exit: PtyExit) => void = () => undefined;
  let line = '';
  let paused = false;
  let exit: PtyExit | null = null;
  let gone = false;
  let scheduled = false;
  const waiting: Buffer[] = [];

  const drain = () => {
    scheduled = false;
    if (paused || gone) return;
    const next = waiting.shift();
    if (next) tell(next);
    if (waiting.length > 0) return schedule();
    if (exit === null || gone) return;
    gone = true;
    onGone();
    end(exit);
  };
  const schedule = () => {
    if (scheduled) return;
    scheduled = true;
    setImmediate(drain);
  };
  const say = (text: string) => {
    const bytes = Buffer.from(text);
    for (let at = 0; at < bytes.length; at += CHUNK) waiting.push(bytes.subarray(at, at + CHUNK));
    schedule();
  };
  const carryOut = (command: string) => {
    const [name = '', ...words] = command.trim().split(' ');
    const rest = words.join(' ');
    if (name === 'echo') say(`${rest}\r\n`);
    else if (command.trim() === 'stty size') say(`${size.rows} ${size.columns}\r\n`);
    else if (name === 'printenv') say(`${launch.environment[rest] ?? ''}\r\n`);
    else if (name === 'flood') say('x'.repeat(Number(rest)));
    else if (name === 'exit') {
      exit = { code: Number(rest || '0'), signal: 0 };
      schedule();
      return;
    } else if (name !== '') say(`${name}: not found\r\n`);
    say(PROMPT);
  };

  say(PROMPT);
  return {
    pid: -1,
    onData: (listener) => (tell = listener),
    onExit: (listener) => (end = listener),
    write(bytes) {
      for (const character of Buffer.from(bytes).toString('utf8')) {
        if (character === '\x03') {
          line = '';
          say(`^C\r\n${PROMPT}`);
        } else if (character === '\r') {
          say('\r\n');
          const command = line;
          line = '';
          carryOut(command);
        } else {
          line += character;
          say(character);
        }
      }
    },
    resize: (to) => (size = to),
    pause: () => (paused = true),
    resume() {
      paused = false;
      schedule();
    },
  };
}
