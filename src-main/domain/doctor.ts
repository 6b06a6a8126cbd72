import type { CheckView, DoctorReport } from '../contract/doctor.ts';

/** The nineteen checks, by number. */
export const CHECK_TITLES: readonly string[] = [
  'workspace and brand configuration valid',
  'state store sound',
  'event hash chain whole',
  'projections equal a replay',
  'tickets.jsonl equals the log at the position it names',
  'the eight contracts exist with valid frontmatter',
  'contracts registered, write scopes disjoint',
  'guard installed and unchanged where it must be',
  'guard live: canary calls are denied',
  'OS sandbox live: canaries inside it fail',
  'sealed brands have all four layers',
  'git new enough, repositories sound, main a descendant of what Atrium merged',
  'no orphan or overdue checkout',
  'pages that Atrium wrote have authority and citations that resolve',
  'wiki index equals the files',
  'no orphan process, no run without a heartbeat',
  'the runtimes in use probed in their present version',
  'no dead letter or open breaker unacknowledged for a day',
  'the last export restores into an empty workspace, the disk has room',
];

/** A means all nineteen pass; then a letter for each three that do not, down to F. What is not built has not passed. */
export function grade(
  checks: readonly CheckView[],
): Pick<DoctorReport, 'grade' | 'passed' | 'total' | 'checks'> {
  const passed = checks.filter((check) => check.ok && check.built).length;
  const letters = ['A', 'B', 'C', 'D', 'E'];
  const missing = CHECK_TITLES.length - passed;
  return {
    grade: missing === 0 ? 'A' : (letters[Math.ceil(missing / 3)] ?? 'F'),
    passed,
    total: 19,
    checks: [...checks],
  };
}
