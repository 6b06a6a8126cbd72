import { spawn as nodeSpawn } from 'node:child_process';
import { failure, RepositoryFault } from './fault.ts';
import type { RepositoryFailure } from './fault.ts';
import { runProcess } from './process.ts';
import type { ProcessInput, ProcessResult, SpawnPort } from './process.ts';

/** Where git is, and whose configuration counts where the operator's own is asked for. */
export interface GitProgram {
  /** The program, by absolute path. */
  file: string;
  /** The operator's home: read for their name, and where a remote is spoken to. Null where there is none. */
  home: string | null;
  /** Further variables for speaking to a remote, such as SSH_AUTH_SOCK. */
  remoteEnvironment: Record<string, string>;
  /** How it is started; Node's own `spawn` by default. */
  spawn?: SpawnPort | undefined;
}

export interface GitCall {
  /** The repository's own folder (`.git`); without it git finds the repository from `cwd`. */
  gitDir?: string;
  /** The working tree, where the call touches one. */
  workTree?: string;
  cwd?: string;
  /** Configuration for this call alone, by full key. */
  config?: Array<[key: string, value: string]>;
  env?: Record<string, string>;
  /** `operator`: the operator's configuration is read; `remote`: and remotes may be spoken to. Neither by default. */
  trust?: 'none' | 'operator' | 'remote';
  stdin?: ProcessInput['stdin'];
  stdoutDescriptor?: number;
  timeoutMs?: number;
  maxOutputBytes?: number;
  /** An upper bound of its memory, for reading what a stranger made. */
  memoryKb?: number;
}

const LOCAL_TIMEOUT_MS = 120_000;
const REMOTE_TIMEOUT_MS = 300_000;
const OUTPUT_LIMIT = 64 * 1024 * 1024;

/**
 * What holds for every call: no hooks, no file-system monitor, no filters of submodules, no clean-up in passing, nothing
 * signed, the checks on path names of all systems on.
 */
const HARDENED: Array<[string, string]> = [
  ['core.hooksPath', '/dev/null'],
  ['core.fsmonitor', 'false'],
  ['core.protectHFS', 'true'],
  ['core.protectNTFS', 'true'],
  ['core.editor', 'false'],
  ['core.pager', 'cat'],
  ['protocol.ext.allow', 'never'],
  ['gc.auto', '0'],
  ['maintenance.auto', 'false'],
  ['submodule.recurse', 'false'],
  ['fetch.recurseSubmodules', 'false'],
  ['push.recurseSubmodules', 'no'],
  ['push.gpgSign', 'false'],
  ['commit.gpgSign', 'false'],
  ['tag.gpgSign', 'false'],
  ['log.showSignature', 'false'],
  ['credential.interactive', 'never'],
  ['advice.detachedHead', 'false'],
];

function environmentOf(program: GitProgram, call: GitCall): Record<string, string> {
  const trust = call.trust ?? 'none';
  const env: Record<string, string> = {
    PATH: '/usr/local/bin:/usr/bin:/bin',
    LC_ALL: 'C',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_ATTR_NOSYSTEM: '1',
    GIT_TERMINAL_PROMPT: '0',
    GIT_OPTIONAL_LOCKS: '0',
    GIT_NO_REPLACE_OBJECTS: '1',
    GIT_LITERAL_PATHSPECS: '1',
    GIT_ALLOW_PROTOCOL: trust === 'remote' ? 'file:git:http:https:ssh' : '',
  };
  if (trust !== 'none' && program.home !== null) env['HOME'] = program.home;
  else env['GIT_CONFIG_GLOBAL'] = '/dev/null';
  if (trust === 'remote') Object.assign(env, program.remoteEnvironment, { SSH_ASKPASS_REQUIRE: 'never' });
  // By environment and not by -c: a key from somebody's configuration may hold "=", which -c would split at.
  const config = call.config ?? [];
  if (config.length > 0) {
    env['GIT_CONFIG_COUNT'] = String(config.length);
    config.forEach(([key, value], index) => {
      env[`GIT_CONFIG_KEY_${index}`] = key;
      env[`GIT_CONFIG_VALUE_${index}`] = value;
    });
  }
  return { ...env, ...call.env };
}

/** Runs git, hardened, and gives back whatever it answered. */
export async function askGit(
  program: GitProgram,
  args: string[],
  call: GitCall = {},
): Promise<ProcessResult> {
  const before = HARDENED.flatMap(([key, value]) => ['-c', `${key}=${value}`]);
  if (call.gitDir !== undefined) before.push(`--git-dir=${call.gitDir}`);
  if (call.workTree !== undefined) before.push(`--work-tree=${call.workTree}`);
  const whole = [...before, '--no-pager', ...args];
  const bounded = ['-c', 'ulimit -v "$1"; shift; exec "$@"', 'sh', String(call.memoryKb), program.file];
  return await runProcess({
    spawn: program.spawn ?? nodeSpawn,
    file: call.memoryKb === undefined ? program.file : '/bin/sh',
    args: call.memoryKb === undefined ? whole : [...bounded, ...whole],
    cwd: call.cwd ?? call.workTree ?? '/',
    env: environmentOf(program, call),
    ...(call.stdin === undefined ? {} : { stdin: call.stdin }),
    ...(call.stdoutDescriptor === undefined ? {} : { stdoutDescriptor: call.stdoutDescriptor }),
    timeoutMs: call.timeoutMs ?? (call.trust === 'remote' ? REMOTE_TIMEOUT_MS : LOCAL_TIMEOUT_MS),
    maxOutputBytes: call.maxOutputBytes ?? OUTPUT_LIMIT,
  });
}

/** The fault for an answer that is not the one that was needed. */
export function gitFault(args: string[], result: ProcessResult): RepositoryFault {
  const what = `git ${args[0] ?? ''}`;
  if (result.outcome === 'timeout')
    return new RepositoryFault('git-timeout', `${what} did not end in its time.`);
  if (result.outcome === 'output-limit')
    return new RepositoryFault('git-output-limit', `${what} gave more than it may.`);
  const detail = redact(result.stderr).trim().split('\n').slice(-3).join(' ');
  return new RepositoryFault(
    'git-failed',
    `${what} ended with ${result.code ?? 'a signal'}: ${detail || 'it said nothing'}`,
  );
}

/** Runs git and gives back its output; throws where it did not end with one of `accept` (0 alone by default). */
export async function git(
  program: GitProgram,
  args: string[],
  call: GitCall = {},
  accept: number[] = [0],
): Promise<ProcessResult> {
  const result = await askGit(program, args, call);
  if (result.outcome !== 'exited' || result.code === null || !accept.includes(result.code))
    throw gitFault(args, result);
  return result;
}

/** The one line that git answered, without its line end (a path in it may hold others). */
export async function gitLine(program: GitProgram, args: string[], call: GitCall = {}): Promise<string> {
  return lineOf((await git(program, args, call)).stdout);
}

/** Output without its last line end. */
export function lineOf(output: Buffer): string {
  return output.toString('utf8').replace(/\n$/, '');
}

/** The records of `-z` output. */
export function recordsOf(output: Buffer): string[] {
  const text = output.toString('utf8');
  if (text === '') return [];
  return (text.endsWith('\0') ? text.slice(0, -1) : text).split('\0');
}

/** Takes names and passwords out of the addresses in a text. */
export function redact(text: string): string {
  return text.replace(/([a-z][a-z0-9+.-]*:\/\/)[^/\s@]*@/gi, '$1');
}

const COMMIT = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;

/** Says that a value is a full object id; throws `bad-argument` otherwise. Nothing else may stand where git takes a revision. */
export function requireObjectId(value: string): string {
  if (!COMMIT.test(value))
    throw new RepositoryFault('bad-argument', `${JSON.stringify(value)} is not a full object id.`);
  return value;
}

/** Names that git is not asked about: parts of letters, digits, dots, dashes, beginning and ending with neither of the last two. */
const PLAIN_REF = /^refs(?:\/[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?)+$/;

/** Says that a value can be a ref's name; throws `bad-argument` otherwise. */
export async function requireRefName(program: GitProgram, ref: string): Promise<string> {
  if (PLAIN_REF.test(ref) && !/\.\.|\.lock(?:\/|$)/.test(ref)) return ref;
  const result = ref.includes('\0') ? null : await askGit(program, ['check-ref-format', ref]);
  if (result?.code !== 0)
    throw new RepositoryFault('bad-argument', `${JSON.stringify(ref)} cannot be the name of a ref.`);
  return ref;
}

/** The oldest git that can make a merged tree without a working tree. */
export const OLDEST_GIT = '2.38';

/** Whether git is there and new enough, with its version. */
export async function checkGit(
  program: GitProgram,
): Promise<{ ok: true; version: string } | RepositoryFailure<'git-missing' | 'git-too-old'>> {
  let text: string;
  try {
    text = await gitLine(program, ['version']);
  } catch (error) {
    if (!(error instanceof RepositoryFault)) throw error;
    return failure(
      'git-missing',
      `git could not be run at ${program.file}.`,
      `Install git ${OLDEST_GIT} or newer.`,
    );
  }
  const found = /(\d+)\.(\d+)(?:\.\d+)*/.exec(text);
  const version = found?.[0] ?? text;
  if (Number(found?.[1] ?? 0) * 1000 + Number(found?.[2] ?? 0) < 2038) {
    return failure(
      'git-too-old',
      `git ${version} at ${program.file} is older than ${OLDEST_GIT}.`,
      `Install git ${OLDEST_GIT} or newer.`,
    );
  }
  return { ok: true, version };
}

/** Configuration that makes every filter and merge driver of a repository do nothing, whatever attributes pick. */
export async function withoutDrivers(program: GitProgram, call: GitCall): Promise<Array<[string, string]>> {
  const result = await git(program, ['config', '-z', '--list', '--name-only', '--includes'], call);
  const overrides = new Map<string, string>();
  for (const key of recordsOf(result.stdout)) {
    const match = /^(filter|merge)\.([\s\S]+)\.[a-z0-9-]+$/i.exec(key);
    if (match === null) continue;
    const [, kind, name] = match;
    if (kind === 'filter') {
      for (const part of ['clean', 'smudge', 'process']) overrides.set(`filter.${name}.${part}`, '');
      overrides.set(`filter.${name}.required`, 'false');
    } else overrides.set(`merge.${name}.driver`, 'false');
  }
  return [...overrides];
}
