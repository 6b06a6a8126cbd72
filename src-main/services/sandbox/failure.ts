import type { ProbeFailureCode } from './profile.ts';

/** Closed list of reasons for which nothing is started. */
export type SandboxErrorCode =
  | ProbeFailureCode
  | 'profile-refused'
  | 'mount-refused'
  | 'identity-refused'
  | 'kernel-layer-missing'
  | 'bash-missing'
  | 'closed';

/** A launch that was refused or did not come about. */
export class SandboxError extends Error {
  readonly code: SandboxErrorCode;
  /** What to do about it. */
  readonly hint: string;

  constructor(code: SandboxErrorCode, message: string, hint: string) {
    super(message);
    this.name = 'SandboxError';
    this.code = code;
    this.hint = hint;
  }
}
