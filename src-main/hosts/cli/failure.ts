import { ORPCError } from '@orpc/client';
import { Failure, fail } from '../../contract/errors.ts';
import type { FailureCode, Result } from '../../contract/errors.ts';

/** A failure on its way to the one place that prints it and sets the exit code. */
export class CommandFailure extends Error {
  readonly failure: Failure;
  /** Fields that a `--json` failure carries beside `error`. */
  readonly beside: Record<string, unknown>;

  constructor(failure: Failure, beside: Record<string, unknown> = {}) {
    super(failure.message);
    this.failure = failure;
    this.beside = beside;
  }
}

/** Ends the command with a failure. */
export function refuse(code: FailureCode, message: string, hint = ''): never {
  throw new CommandFailure(fail(code, message, hint).failure);
}

/** The value of an answer, or the end of the command. */
export function valueOf<T>(result: Result<T>): T {
  if (result.ok) return result.value;
  throw new CommandFailure(result.failure);
}

/** What was thrown, as a failure that can be printed. */
export function failureOf(error: unknown): Failure {
  if (error instanceof CommandFailure) return error.failure;
  if (error instanceof ORPCError) {
    const told = Failure.safeParse((error.data as { failure?: unknown } | undefined)?.failure);
    if (told.success) return told.data;
    if (error.code === 'BAD_REQUEST') {
      return fail(
        'invalid-input',
        `This is not what the command takes: ${issuesOf(error.data)}.`,
        'See --help.',
      ).failure;
    }
    return fail('fault', `The core failed: ${error.message}.`, 'See .atrium/core.log in the workspace.')
      .failure;
  }
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof DOMException || /not open|closed|abort/i.test(message)) {
    return fail(
      'core-unreachable',
      'The core ended before it answered.',
      'Give the command again: the core is started anew and nothing is lost.',
    ).failure;
  }
  return fail('fault', `The command failed: ${message}.`, 'See .atrium/core.log in the workspace.').failure;
}

function issuesOf(data: unknown): string {
  const issues = (data as { issues?: { path?: unknown[]; message?: string }[] } | undefined)?.issues ?? [];
  const told = issues.map(
    ({ path, message }) => `${(path ?? []).map(String).join('.')}: ${message ?? 'not valid'}`,
  );
  return told.length === 0 ? 'its input is not valid' : told.join('; ');
}
