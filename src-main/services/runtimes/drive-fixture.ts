import { PassThrough } from 'node:stream';
import type {
  DriveHooks,
  LaunchedProcess,
  PermissionDecision,
  RuntimeEvent,
  RuntimeOutcome,
  Task,
} from './port.ts';
import type { Runtime } from './port.ts';

/** A message of a program's protocol, as JSON has it. */
export type Message = Record<string, unknown>;

/** What came of a run whose program a test played. */
export interface Driven {
  outcome: RuntimeOutcome;
  events: RuntimeEvent[];
  /** What the driver wrote to the program, a message each. */
  sent: Message[];
}

/**
 * Drives a program that a test plays: it hears each message that the driver writes and says what it likes, a line each. It ends
 * when it is stopped, or with `exit`.
 */
export async function driven(
  drive: Runtime['drive'],
  hear: (message: Message, say: (message: Message) => void, exit: () => void) => void,
  change: { decision?: PermissionDecision['decision']; session?: string; signal?: AbortSignal } = {},
): Promise<Driven> {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
  let exit: () => void = () => undefined;
  const exited = new Promise<{ code: number; signal: null }>((resolve) => {
    exit = () => {
      stdout.end();
      stderr.end();
      resolve({ code: 0, signal: null });
    };
  });
  const process: LaunchedProcess = {
    stdin,
    stdout,
    stderr,
    exited,
    stop: () => {
      exit();
      return Promise.resolve();
    },
  };
  const sent: Message[] = [];
  const say = (message: Message): void => void stdout.write(`${JSON.stringify(message)}\n`);
  let rest = '';
  stdin.on('data', (chunk: Buffer) => {
    const lines = (rest + chunk.toString('utf8')).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const message = JSON.parse(line) as Message;
      sent.push(message);
      hear(message, say, exit);
    }
  });
  const events: RuntimeEvent[] = [];
  const decision = change.decision ?? 'allow';
  const hooks: DriveHooks = {
    onEvent: (event) => events.push(event),
    decide: () => Promise.resolve({ decision, rule: 'test', reason: 'the test says so' }),
    signal: change.signal ?? new AbortController().signal,
    now: () => 0,
    after: () => () => undefined,
    limits: { quietMs: 1_000, totalMs: 1_000, maxOutputBytes: 100_000 },
  };
  const task: Task = {
    ticket: 'T-a-1',
    prompt: 'Do it.',
    command: null,
    model: null,
    title: 't',
    gatewayUrl: '',
    session: change.session ?? null,
    tools: null,
  };
  return { outcome: await drive(process, task, hooks), events, sent };
}

/** Says messages one after another, and after each that asks something waits for its answer; then `end`. */
export function inTurn(
  messages: readonly Message[],
  end: (say: (message: Message) => void) => void,
): { next(say: (message: Message) => void): void } {
  const left = [...messages];
  return {
    next: (say) => {
      for (let message = left.shift(); message !== undefined; message = left.shift()) {
        say(message);
        if ('id' in message) return;
      }
      end(say);
    },
  };
}
