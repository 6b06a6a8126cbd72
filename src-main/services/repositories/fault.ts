/** The closed list of what a repository operation throws: nobody can act on these but by looking at the machine. */
export type RepositoryFaultCode =
  | 'git-missing'
  | 'git-failed'
  | 'git-timeout'
  | 'git-output-limit'
  | 'bad-argument'
  | 'not-opened'
  | 'sandbox-failed';

/** A fault: git or the machine did not do what it must. What somebody can act on travels as a {@link RepositoryFailure}. */
export class RepositoryFault extends Error {
  readonly code: RepositoryFaultCode;

  constructor(code: RepositoryFaultCode, message: string) {
    super(message);
    this.name = 'RepositoryFault';
    this.code = code;
  }
}

/** A failure that somebody can act on: `message` says what and where in one sentence, `hint` what to do. */
export interface RepositoryFailure<Code extends string> {
  ok: false;
  code: Code;
  message: string;
  hint: string;
}

/** Makes a failure. */
export function failure<Code extends string>(
  code: Code,
  message: string,
  hint = '',
): RepositoryFailure<Code> {
  return { ok: false, code, message, hint };
}
