import type { ProbeFailureCode } from './profile.ts';

/** Closed list of reasons for which nothing is started. */
export type SandboxErrorCode =
<<<<<<< HEAD
  ProbeFailureCode | 'profile-refused' | 'mount-refused' | 'identity-refused' | 'bash-missing' | 'closed';
=======
  | ProbeFailureCode
  | 'profile-refused'
  | 'mount-refused'
  | 'identity-refused'
  | 'kernel-layer-missing'
  | 'closed';
>>>>>>> abfbf06 (The kernel layer: a launcher of our own in C puts every run behind Landlock inside its room, from an allow-list that the mounts do not make)

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
