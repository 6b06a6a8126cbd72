import type { CheckpointRule } from '../contract/config.ts';
import type { CheckpointHit } from '../contract/tickets.ts';
import { CHECKPOINT_RULES } from './checkpoint-rules.ts';

/** One path of a raw difference, with its text where a rule has to read it. */
export interface ChangedFile {
  path: string;
  status: 'added' | 'modified' | 'deleted' | 'type-changed';
  /** Null where it was not there, and where it could not be read as text: `unread` says which. */
  before: string | null;
  after: string | null;
  /** A side is there and was not read: too large, or no text. What is not looked at is not cleared. */
  unread: boolean;
}

type Within = (globs: readonly string[], path: string) => boolean;

/** Whether a rule has to read the lines of a path to decide about it. */
export function readsLines(
  change: Pick<ChangedFile, 'path' | 'status'>,
  rows: readonly CheckpointRule[],
  within: Within,
): boolean {
  return [...rows, ...CHECKPOINT_RULES].some((rule) => patterned(rule) && concerns(rule, change, within));
}

/**
 * What of a difference a person decides about, one hit a rule and path, in the order of the rules and then of the paths.
 *
 * @param rows the brand's and the workspace's own rules; {@link CHECKPOINT_RULES} come after them
 */
export function findCheckpoints(
  changes: readonly ChangedFile[],
  rows: readonly CheckpointRule[],
  within: Within,
): CheckpointHit[] {
  const sorted = [...changes].sort((a, b) => (a.path < b.path ? -1 : 1));
  return [...rows, ...CHECKPOINT_RULES].flatMap((rule) =>
    sorted.flatMap((change) => {
      if (!concerns(rule, change, within)) return [];
      const { name, kind } = rule;
      const hit = (reason: string): CheckpointHit[] => [{ rule: name, kind, path: change.path, reason }];
      if (!patterned(rule)) return hit(rule.reason);
      if (change.unread) return hit(`${rule.reason}, as far as can be told: its lines could not be read`);
      const found =
        (rule.added !== undefined && someLine(linesGained(change.before, change.after), rule.added)) ||
        (rule.removed !== undefined && someLine(linesGained(change.after, change.before), rule.removed)) ||
        (rule.fewer !== undefined && count(change.after, rule.fewer) < count(change.before, rule.fewer));
      return found ? hit(rule.reason) : [];
    }),
  );
}

function patterned(rule: CheckpointRule): boolean {
  return (rule.added ?? rule.removed ?? rule.fewer) !== undefined;
}

function concerns(
  rule: CheckpointRule,
  change: Pick<ChangedFile, 'path' | 'status'>,
  within: Within,
): boolean {
  return (
    (rule.changes === undefined || rule.changes.includes(change.status)) && within(rule.paths, change.path)
  );
}

/** Lines that `to` has more often than `from`. */
function linesGained(from: string | null, to: string | null): string[] {
  const known = new Map<string, number>();
  for (const line of (from ?? '').split('\n')) known.set(line, (known.get(line) ?? 0) + 1);
  return (to ?? '').split('\n').filter((line) => {
    const left = known.get(line) ?? 0;
    known.set(line, left - 1);
    return left <= 0;
  });
}

function count(text: string | null, pattern: string): number {
  const expression = new RegExp(pattern, 'u');
  return (text ?? '').split('\n').filter((line) => expression.test(line)).length;
}

function someLine(lines: readonly string[], pattern: string): boolean {
  const expression = new RegExp(pattern, 'u');
  return lines.some((line) => expression.test(line));
}
