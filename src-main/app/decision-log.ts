import { appendFileSync, mkdirSync, readFileSync, renameSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { DecisionEntry } from '../contract/guard.ts';

/** Which entries are wanted; the newest come first. */
export interface DecisionFilter {
  run?: string | undefined;
  decision?: 'allow' | 'deny' | 'ask' | undefined;
  limit: number;
}

/**
 * Every decision about the calls of a brand's runs, one JSON value a line, outside the event log: what was allowed is much, and
 * worth keeping for a while only. Two files of a bounded size hold the newest.
 */
export interface DecisionLog {
  write(entry: DecisionEntry): void;
  read(filter: DecisionFilter): DecisionEntry[];
}

const MOST_BYTES = 4 * 1024 * 1024;
const KEPT_TEXT = 300;
const KEPT_PATHS = 5;

export function createDecisionLog(options: {
  file: string;
  mostBytes?: number;
  /** A decision stands also where it cannot be logged: the fault is told. */
  onFault(error: unknown): void;
}): DecisionLog {
  const { file } = options;
  const mostBytes = options.mostBytes ?? MOST_BYTES;
  const older = `${file}.1`;
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  let bytes = statSync(file, { throwIfNoEntry: false })?.size ?? 0;

  return {
    write(entry) {
      const line = `${JSON.stringify({
        ...entry,
        text: entry.text.slice(0, KEPT_TEXT),
        paths: entry.paths.slice(0, KEPT_PATHS),
      })}\n`;
      try {
        if (bytes + line.length > mostBytes && bytes > 0) {
          renameSync(file, older);
          bytes = 0;
        }
        appendFileSync(file, line, { mode: 0o600 });
        bytes += Buffer.byteLength(line);
      } catch (error) {
        options.onFault(error);
      }
    },
    read({ run, decision, limit }) {
      const found: DecisionEntry[] = [];
      for (const each of [file, older]) {
        for (const line of linesOf(each).reverse()) {
          const entry = parse(line);
          if (!entry || (run !== undefined && entry.run !== run)) continue;
          if (decision !== undefined && entry.decision !== decision) continue;
          found.push(entry);
          if (found.length === limit) return found;
        }
      }
      return found;
    },
  };
}

function linesOf(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').split('\n');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
}

/** A line that a death of the machine cut is no entry. */
function parse(line: string): DecisionEntry | undefined {
  try {
    const entry = DecisionEntry.safeParse(JSON.parse(line));
    return entry.success ? entry.data : undefined;
  } catch {
    return undefined;
  }
}
