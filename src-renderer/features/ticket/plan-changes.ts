/** A line of a plan, and what became of it between two versions. */
export interface PlanLine {
  kind: 'same' | 'added' | 'removed';
  text: string;
}

/** Above so many pairs of lines two versions count as written anew: a plan is compared while a person reads it. */
const MOST_PAIRS = 4_000_000;

/** What changed from one version of a plan to the next, line by line: the fewest lines that do. */
export function changesBetween(before: string, after: string): PlanLine[] {
  const from = before.split('\n');
  const to = after.split('\n');
  let start = 0;
  while (start < Math.min(from.length, to.length) && from[start] === to[start]) start += 1;
  let end = 0;
  while (end < Math.min(from.length, to.length) - start && from.at(-1 - end) === to.at(-1 - end)) end += 1;
  const same = (lines: readonly string[]) => lines.map((text): PlanLine => ({ kind: 'same', text }));
  return [
    ...same(from.slice(0, start)),
    ...middle(from.slice(start, from.length - end), to.slice(start, to.length - end)),
    ...same(from.slice(from.length - end)),
  ];
}

function middle(from: readonly string[], to: readonly string[]): PlanLine[] {
  const removed = (lines: readonly string[]) => lines.map((text): PlanLine => ({ kind: 'removed', text }));
  const added = (lines: readonly string[]) => lines.map((text): PlanLine => ({ kind: 'added', text }));
  if (from.length * to.length > MOST_PAIRS) return [...removed(from), ...added(to)];
  // The longest common run of lines that is left from each pair of places on.
  const width = to.length + 1;
  const left = new Uint32Array((from.length + 1) * width);
  const at = (row: number, column: number) => left[row * width + column] ?? 0;
  for (let row = from.length - 1; row >= 0; row -= 1)
    for (let column = to.length - 1; column >= 0; column -= 1)
      left[row * width + column] =
        from[row] === to[column]
          ? at(row + 1, column + 1) + 1
          : Math.max(at(row + 1, column), at(row, column + 1));
  const lines: PlanLine[] = [];
  let row = 0;
  let column = 0;
  while (row < from.length && column < to.length) {
    if (from[row] === to[column]) {
      lines.push({ kind: 'same', text: from[row] ?? '' });
      row += 1;
      column += 1;
    } else if (at(row + 1, column) >= at(row, column + 1)) {
      lines.push(...removed(from.slice(row, row + 1)));
      row += 1;
    } else {
      lines.push(...added(to.slice(column, column + 1)));
      column += 1;
    }
  }
  return [...lines, ...removed(from.slice(row)), ...added(to.slice(column))];
}
