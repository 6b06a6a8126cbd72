const LONGEST_QUERY = 500;
const MOST_TERMS = 24;

/**
 * What a person typed, as an FTS5 expression that is always well formed: every word must be there, `"quoted words"` are a
 * phrase, and the last word, from two characters on, counts as a beginning unless a space follows it. Null when there is nothing to look for.
 */
export function toMatchExpression(query: string): string | null {
  const typed = query.slice(0, LONGEST_QUERY).normalize('NFC');
  const terms: string[] = [];
  let open = false;
  for (const [index, part] of typed.split('"').entries()) {
    const words = wordsOf(part);
    const closed = index % 2 === 1 && index < typed.split('"').length - 1;
    if (closed && words.length > 0) terms.push(`"${words.join(' ')}"`);
    else terms.push(...words.map((word) => `"${word}"`));
    open = !closed && [...(words.at(-1) ?? '')].length > 1 && !/[^\p{L}\p{N}\p{M}]$/u.test(part);
  }
  if (terms.length === 0) return null;
  const kept = terms.slice(0, MOST_TERMS);
  const prefix = open && kept.length === terms.length ? '*' : '';
  return `${kept.join(' AND ')}${prefix}`;
}

function wordsOf(text: string): string[] {
  return (text.match(/[\p{L}\p{N}\p{M}]+/gu) ?? []).filter((word) => /[\p{L}\p{N}]/u.test(word));
}
