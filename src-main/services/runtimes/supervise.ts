import { Transform } from 'node:stream';
import type { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import type {
  DriveHooks,
  LaunchedProcess,
  PermissionDecision,
  PermissionRequest,
  RuntimeEvent,
  RuntimeOutcome,
} from './port.ts';

/** How long an agent has after an interrupt to end by itself, in milliseconds. */
const graceMs = 3_000;
const keptStderr = 4_000;
const interrupted = 'The run was interrupted.';

/** What a driver works with while a run is watched: its output counted, its silence timed. */
export interface Supervision {
  /** The process's stdout, counted against the limit. */
  stdout: Readable;
  tell(event: RuntimeEvent): void;
  /** Asks whether a call may go on, and tells it; a fault of the one who decides is a denial. */
  decide(request: PermissionRequest): Promise<PermissionDecision>;
  /** All text told so far. */
  finalText(): string;
  /** " Last lines: …" of stderr, to end a reason with; empty where there are none. */
  lastWords(): string;
  /** True once the run is being ended from outside. */
  ending(): boolean;
}

/** The driver's own part in a run. */
export interface Conversation {
  /** What the agent's end means. */
  outcome: Promise<RuntimeOutcome>;
  /** Asks the agent to end by itself; what does not within three seconds is stopped. */
  interrupt?(): Promise<void>;
}

/**
 * Runs a conversation with a launched process under its limits: interrupt, silence, total time, amount of output. Whatever
 * ends it, the process is stopped before this resolves.
 */
export async function supervise(
  process: LaunchedProcess,
  hooks: DriveHooks,
  converse: (supervision: Supervision) => Conversation,
): Promise<RuntimeOutcome> {
  if (hooks.signal.aborted) {
    await process.stop();
    return { outcome: 'stopped', reason: interrupted, transient: false, finalText: '' };
  }
  let settle: (end: { outcome: RuntimeOutcome['outcome']; reason: string; gentle: boolean }) => void;
  const endedFromOutside = new Promise<Parameters<typeof settle>[0]>((resolve) => {
    settle = resolve;
  });
  let over = false;
  let ending = false;
  let written = 0;
  let text = '';
  let stderrTail = '';
  let deciding = 0;
  let cancelQuiet = (): void => undefined;

  const end = (outcome: RuntimeOutcome['outcome'], reason: string, gentle = false): void => {
    if (ending || over) return;
    ending = true;
    settle({ outcome, reason, gentle });
  };

  const armQuiet = (): void => {
    cancelQuiet();
    cancelQuiet = (): void => undefined;
    if (over || deciding > 0) return;
    cancelQuiet = hooks.after(hooks.limits.quietMs, () =>
      end('timeout', `Nothing was heard from the agent for ${seconds(hooks.limits.quietMs)}; it was ended.`),
    );
  };

  const tell = (event: RuntimeEvent): void => {
    if (over) return;
    if (event.kind === 'text') text += event.text;
    armQuiet();
    hooks.onEvent(event);
  };

  const counted = (source: Readable): Readable => {
    const counter = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        written += chunk.length;
        if (written <= hooks.limits.maxOutputBytes) {
          done(null, chunk);
          return;
        }
        end(
          'failed',
          `The agent wrote more than ${hooks.limits.maxOutputBytes} bytes of output and was ended.`,
        );
        done();
      },
    });
    source.on('error', () => counter.end());
    return source.pipe(counter);
  };

  const supervision: Supervision = {
    stdout: counted(process.stdout),
    tell,
    decide: async (request) => {
      deciding += 1;
      cancelQuiet();
      let decision: PermissionDecision;
      try {
        decision = await hooks.decide(request);
      } catch (error) {
        decision = {
          decision: 'deny',
          rule: 'guard-fault',
          reason: `The guard could not decide: ${messageOf(error)}`,
        };
      } finally {
        deciding -= 1;
      }
      tell({
        kind: 'permission',
        tool: request.tool,
        text: request.text,
        decision: decision.decision,
        rule: decision.rule,
      });
      return decision;
    },
    finalText: () => text,
    lastWords: () => {
      const lines = lastLines(stderrTail);
      return lines === '' ? '' : ` Last lines: ${lines}`;
    },
    ending: () => ending,
  };

  readText(counted(process.stderr), (piece) => {
    stderrTail = (stderrTail + piece).slice(-keptStderr);
    tell({ kind: 'stderr', text: piece });
  });
  // A process that is gone takes no more input: its end is told by `exited`.
  process.stdin.on('error', () => undefined);

  const onAbort = (): void => end('stopped', interrupted, true);
  hooks.signal.addEventListener('abort', onAbort, { once: true });
  const cancelTotal = hooks.after(hooks.limits.totalMs, () =>
    end('timeout', `The run took longer than ${seconds(hooks.limits.totalMs)}; it was ended.`),
  );
  armQuiet();

  try {
    const conversation = converse(supervision);
    const endedInside = conversation.outcome.then((outcome) => ({ inside: outcome }));
    const endedOutside = endedFromOutside.then((outside) => ({ outside }));
    let first = await Promise.race([endedInside, endedOutside]);
    if ('inside' in first && ending) first = await endedOutside;
    if ('inside' in first) return first.inside;

    const { outcome, reason, gentle } = first.outside;
    if (gentle && conversation.interrupt !== undefined) {
      // A program that is ended while it is asked answers nothing any more.
      conversation.interrupt().catch(() => undefined);
      await settledWithin(hooks, conversation.outcome);
    }
    conversation.outcome.catch(() => undefined);
    return { outcome, reason, transient: false, finalText: text };
  } finally {
    over = true;
    cancelQuiet();
    cancelTotal();
    hooks.signal.removeEventListener('abort', onAbort);
    await process.stop();
  }
}

/** Resolves when the promise settles, or after the grace. */
async function settledWithin(hooks: DriveHooks, promise: Promise<unknown>): Promise<void> {
  let cancel = (): void => undefined;
  const grace = new Promise<void>((resolve) => {
    cancel = hooks.after(graceMs, resolve);
  });
  await Promise.race([
    promise.then(
      () => undefined,
      () => undefined,
    ),
    grace,
  ]);
  cancel();
}

/** Calls back with decoded text as it arrives; a character that is split over two chunks stays whole. */
export function readText(stream: Readable, onText: (text: string) => void): void {
  const decoder = new StringDecoder('utf8');
  const pass = (text: string): void => {
    if (text !== '') onText(text);
  };
  stream.on('data', (chunk: Buffer) => pass(decoder.write(chunk)));
  stream.on('end', () => pass(decoder.end()));
}

/** Calls back with whole lines; resolves when the stream has ended. A last line without a line feed counts. */
export function readLines(stream: Readable, onLine: (line: string) => void): Promise<void> {
  let rest = '';
  readText(stream, (text) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) onLine(line);
  });
  return new Promise((resolve) => {
    const finish = (): void => {
      if (rest !== '') onLine(rest);
      rest = '';
      resolve();
    };
    stream.on('end', finish);
    stream.on('close', finish);
  });
}

/** The end of a program in words: its exit code, its signal, or that it was out of memory. */
export function exitInWords(exit: Awaited<LaunchedProcess['exited']>): string {
  if (exit.outOfMemory === true) return 'was ended because it used more memory than allowed';
  if (exit.signal !== null) return `was ended by ${exit.signal}`;
  return `ended with exit code ${exit.code ?? 'unknown'}`;
}

/** The last lines of a text that are not empty, at most five and 1,000 characters. */
export function lastLines(text: string): string {
  return text
    .split('\n')
    .map((line) => line.trimEnd())
    .filter((line) => line !== '')
    .slice(-5)
    .join('\n')
    .slice(-1_000);
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function seconds(ms: number): string {
  return `${Math.round(ms / 100) / 10} s`;
}
