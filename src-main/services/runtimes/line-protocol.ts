import { z } from 'zod';
import type { DriveHooks, LaunchedProcess, RuntimeOutcome, Task } from './port.ts';
import { exitInWords, readLines, supervise } from './supervise.ts';
import type { Supervision } from './supervise.ts';

/**
 * What Atrium's own small programs write on stdout, one JSON value a line. They read the task as their first line of stdin and
 * then the answers to what they asked.
 */
const Line = z.discriminatedUnion('event', [
  z.object({ event: z.enum(['text', 'thought', 'stdout', 'stderr', 'note', 'error']), text: z.string() }),
  z.object({
    event: z.literal('tool'),
    tool: z.string(),
    title: z.string(),
    state: z.enum(['started', 'done', 'failed']),
    text: z.string().default(''),
    paths: z.array(z.string()).default([]),
  }),
  z.object({
    event: z.literal('usage'),
    inputTokens: z.number(),
    outputTokens: z.number(),
    contextUsed: z.number().nullable().default(null),
  }),
  z.object({
    event: z.literal('ask'),
    id: z.number(),
    tool: z.string(),
    kind: z.enum(['read', 'search', 'edit', 'execute', 'fetch', 'other']).default('other'),
    paths: z.array(z.string()).default([]),
    text: z.string().default(''),
  }),
  z.object({
    event: z.literal('end'),
    outcome: z.enum(['done', 'failed']),
    reason: z.string(),
    transient: z.boolean().default(false),
  }),
]);
type Line = z.infer<typeof Line>;

/** Drives a program of Atrium's own that speaks the line protocol. */
export function driveLines(process: LaunchedProcess, task: Task, hooks: DriveHooks): Promise<RuntimeOutcome> {
  return supervise(process, hooks, (supervision) => ({
    outcome: converse(process, task, supervision),
  }));
}

async function converse(
  process: LaunchedProcess,
  task: Task,
  supervision: Supervision,
): Promise<RuntimeOutcome> {
  let ended: { outcome: 'done' | 'failed'; reason: string; transient: boolean } | null = null;

  const take = (raw: string): void => {
    const line = parse(raw);
    if (line === null) {
      supervision.tell({ kind: 'stdout', text: `${raw}\n` });
      return;
    }
    switch (line.event) {
      case 'end':
        ended = line;
        return;
      case 'ask':
        void supervision
          .decide({ tool: line.tool, kind: line.kind, paths: line.paths, text: line.text })
          .then((decision) => {
            const answer = { answer: line.id, decision: decision.decision, reason: decision.reason };
            process.stdin.write(`${JSON.stringify(answer)}\n`);
          });
        return;
      case 'tool':
        supervision.tell({
          kind: 'tool',
          tool: line.tool,
          title: line.title,
          state: line.state,
          text: line.text,
          paths: line.paths,
        });
        return;
      case 'usage':
        supervision.tell({
          kind: 'usage',
          inputTokens: line.inputTokens,
          outputTokens: line.outputTokens,
          contextUsed: line.contextUsed,
        });
        return;
      default:
        supervision.tell({ kind: line.event, text: line.text });
    }
  };

  const read = readLines(supervision.stdout, take);
  process.stdin.write(
    `${JSON.stringify({ ticket: task.ticket, title: task.title, command: task.command })}\n`,
  );
  const exit = await process.exited;
  // What the program left behind may hold its output open.
  await process.stop();
  await read;

  const finalText = supervision.finalText();
  const end = ended as { outcome: 'done' | 'failed'; reason: string; transient: boolean } | null;
  if (end !== null && (end.outcome === 'failed' || exit.code === 0)) return { ...pick(end), finalText };
  const reason = `The program ${exitInWords(exit)} without saying that it was done.${supervision.lastWords()}`;
  return { outcome: 'failed', reason, transient: false, finalText };
}

function pick(end: {
  outcome: 'done' | 'failed';
  reason: string;
  transient: boolean;
}): Omit<RuntimeOutcome, 'finalText'> {
  return { outcome: end.outcome, reason: end.reason, transient: end.transient };
}

function parse(raw: string): Line | null {
  try {
    const parsed = Line.safeParse(JSON.parse(raw));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}
