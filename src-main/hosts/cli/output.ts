/** Where a command writes. */
export interface Output {
  json: boolean;
  /** The command's one value: as JSON with `--json`, otherwise in the words that `human` makes of it. */
  value(value: unknown, human: () => string): void;
  /** A line for the person, on stderr with `--json`. */
  note(line: string): void;
}

/** Writes to this process's own streams. */
export function createOutput(json: boolean): Output {
  return {
    json,
    value(value, human) {
      const text = json ? JSON.stringify(value) : printable(human());
      if (text !== '') process.stdout.write(`${text}\n`);
    },
    note: (line) => void (json ? process.stderr : process.stdout).write(`${printable(line)}\n`),
  };
}

/**
 * Text as a terminal may get it: what an agent or a file wrote must not move the cursor, hide a line or turn its direction. JSON
 * escapes it by itself.
 */
export function printable(text: string): string {
  return text.replaceAll(/(?![\n\t])[\p{Cc}\p{Bidi_Control}]/gu, (each) => {
    const code = each.charCodeAt(0).toString(16).padStart(4, '0');
    return `\\u${code}`;
  });
}

/** Rows in aligned columns, with a heading; `none` where there is no row. */
export function table(headings: string[], rows: string[][], none: string): string {
  if (rows.length === 0) return none;
  const lines = [headings, ...rows];
  const widths = headings.map((_, column) => Math.max(...lines.map((line) => (line[column] ?? '').length)));
  return lines
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** Names and values in two aligned columns; what has no value is left out. */
export function facts(pairs: [string, string | null | undefined][]): string {
  const told = pairs.filter(
    (pair): pair is [string, string] => pair[1] !== undefined && pair[1] !== null && pair[1] !== '',
  );
  const width = Math.max(0, ...told.map(([name]) => name.length));
  return told
    .map(
      ([name, value]) =>
        `${name.padEnd(width)}  ${value.trimEnd().replaceAll(/\n(?=.)/g, `\n${' '.repeat(width + 2)}`)}`,
    )
    .join('\n');
}

/** A number with its noun: "1 approval", "3 approvals". */
export function counted(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

/** Dollars as people read them: what was spent is never shown as nothing. */
export function dollars(amount: number): string {
  if (amount > 0 && amount < 0.005) return '<$0.01';
  return `$${amount.toFixed(2)}`;
}
