import type { CountBy } from '../contract/config.ts';
import type { Verdict } from '../contract/tickets.ts';
import { plural } from './plural.ts';

/** How one declared command ended, in a sandbox. */
export interface CommandOutcome {
  outcome: 'exited' | 'timeout' | 'output-limit' | 'killed';
  code: number | null;
  stdout: string;
  stderr: string;
  durationMs: number;
}

export interface CheckOutcome {
  outcome: Verdict;
  detail: string;
  counted?: number;
}

/** 126: found but not executable; 127: not found. Both mean that it did not run. */
const DID_NOT_RUN = new Set([126, 127]);

/**
 * What a command's ending says. Three outcomes: a command that is missing, is killed or times out has not run, and that is
 * neither pass nor fail. Where tests are counted, at least one must have been.
 */
export function judge(command: string, ended: CommandOutcome, count: CountBy): CheckOutcome {
  if (ended.outcome === 'timeout')
    return {
      outcome: 'unverified',
      detail: `"${command}" did not end in time (${seconds(ended.durationMs)})`,
    };
  if (ended.outcome === 'output-limit')
    return { outcome: 'unverified', detail: `"${command}" printed more than Atrium keeps` };
  if (ended.outcome === 'killed' || ended.code === null)
    return { outcome: 'unverified', detail: `"${command}" was killed` };
  if (DID_NOT_RUN.has(ended.code))
    return {
      outcome: 'unverified',
      detail: `"${command}" did not run (exit code ${ended.code}): ${lastLine(ended)}`,
    };
  if (ended.code !== 0)
    return { outcome: 'fail', detail: `"${command}" ended with exit code ${ended.code}: ${lastLine(ended)}` };
  if (count === 'exit') return { outcome: 'pass', detail: `"${command}" ended with exit code 0` };
  const counted = countTests(count, `${ended.stdout}\n${ended.stderr}`);
  return counted > 0
    ? { outcome: 'pass', detail: `"${command}": ${plural(counted, 'test')} counted`, counted }
    : {
        outcome: 'unverified',
        detail: `"${command}" ended with exit code 0, but no test was counted`,
        counted,
      };
}

/** Tests that ran and were not skipped, from TAP lines or JUnit XML in a command's output. */
export function countTests(count: Exclude<CountBy, 'exit'>, output: string): number {
  if (count === 'junit') {
    const cases = output.match(/<testcase\b/g)?.length ?? 0;
    const skipped = output.match(/<skipped\b/g)?.length ?? 0;
    return Math.max(0, cases - skipped);
  }
  // A command may run several packages, each with a summary of its own.
  const totals = [...output.matchAll(/^(?:#|ℹ) (tests|skipped|todo) (\d+)\s*$/gm)];
  const total = (name: string) =>
    totals.reduce((sum, match) => (match[1] === name ? sum + Number(match[2]) : sum), 0);
  if (totals.some((match) => match[1] === 'tests'))
    return Math.max(0, total('tests') - total('skipped') - total('todo'));
  return output
    .split('\n')
    .filter((text) => /^\s*(not )?ok(\s+\d+\b.*|\s+-.*|\s*)$/.test(text) && !/#\s*(skip|todo)/i.test(text))
    .length;
}

function lastLine(ended: CommandOutcome): string {
  const lines = (text: string) => text.split('\n').filter((line) => line.trim() !== '');
  return (lines(ended.stderr).at(-1) ?? lines(ended.stdout).at(-1) ?? 'it printed nothing')
    .trim()
    .slice(0, 300);
}

function seconds(ms: number): string {
  return `${Math.round(ms / 1000)} s`;
}
