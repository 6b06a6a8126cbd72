import { z } from 'zod';

/**
 * The closed list of what a command can be answered with when it does not hold. A failure is data: it crosses every door
 * as `{ code, message, hint }`, where `message` says what and where, and `hint` what to do.
 */
export const FailureCode = z.enum([
  'usage',
  'invalid-input',
  'invalid-file',
  'not-found',
  'already-exists',
  'refused-transition',
  'hash-mismatch',
  'not-authorized',
  'dependency-cycle',
  'version-conflict',
  'not-a-repository',
  'repository-unusable',
  'checks-need-confirmation',
  'sandbox-unavailable',
  'runtime-missing',
  'workspace-unusable',
  'brand-closed',
  'newer-schema',
  'disk',
  'gate-failed',
  'grade-below-a',
  'not-built',
  'core-unreachable',
  'fault',
]);
export type FailureCode = z.infer<typeof FailureCode>;

export const Failure = z.object({ code: FailureCode, message: z.string(), hint: z.string() });
export type Failure = z.infer<typeof Failure>;

/** What a command gives back inside the core: a value, or a failure that somebody can act on. */
export type Result<T> = { ok: true; value: T } | { ok: false; failure: Failure };

export function ok<T>(value: T): Result<T> {
  return { ok: true, value };
}

export function fail(code: FailureCode, message: string, hint = ''): { ok: false; failure: Failure } {
  return { ok: false, failure: { code, message, hint } };
}

/** Exit codes of the CLI: 1 the thing asked for did not hold, 2 usage, 3 the workspace cannot be opened. */
export function exitCodeOf(code: FailureCode): 1 | 2 | 3 {
  if (code === 'usage') return 2;
  if (code === 'workspace-unusable' || code === 'newer-schema' || code === 'core-unreachable') return 3;
  return 1;
}
