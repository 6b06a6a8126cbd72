/**
 * What a text can be known by again: its passages, as hashes of so many words in a row, and its marks, words that nobody
 * would come upon twice (keys, canaries, identifiers). Pure; the words themselves cannot be had back.
 */
export interface Fingerprint {
  readonly passages: ReadonlySet<number>;
  readonly marks: ReadonlySet<number>;
  /** One in so many passages is kept: which ones the hash itself decides, so that they are found again. */
  readonly sampling: number;
}

/** So many words in a row are a passage: shorter ones are common property. */
const PASSAGE_WORDS = 12;
/** A passage of fewer different words is a table, a border or a list of numbers. */
const DIFFERENT_WORDS = 7;
/** So many passages are kept of one part of a brand; of more text every second, fourth, … */
const MOST_PASSAGES = 200_000;
const MARK = /[A-Za-z0-9][A-Za-z0-9_-]{14,198}[A-Za-z0-9]/g;

/** The fingerprint of several texts together. */
export function fingerprint(texts: Iterable<string>, most = MOST_PASSAGES): Fingerprint {
  let sampling = 1;
  let passages = new Set<number>();
  const marks = new Set<number>();
  for (const text of texts) {
    for (const hash of passagesOf(text)) if (hash % sampling === 0) passages.add(hash);
    for (const hash of marksOf(text)) marks.add(hash);
    while (passages.size > most) {
      sampling *= 2;
      const kept = sampling;
      passages = new Set([...passages].filter((hash) => hash % kept === 0));
    }
  }
  return { passages, marks, sampling };
}

/** How much of a fingerprint a text holds, beside what is common property. */
export function found(
  text: string,
  of: readonly Fingerprint[],
  common: readonly Fingerprint[],
): { passages: number; marks: number } {
  const passages = new Set<number>();
  for (const hash of passagesOf(text))
    if (of.some((each) => each.passages.has(hash)) && !common.some((each) => each.passages.has(hash)))
      passages.add(hash);
  const marks = new Set<number>();
  for (const hash of marksOf(text))
    if (of.some((each) => each.marks.has(hash)) && !common.some((each) => each.marks.has(hash)))
      marks.add(hash);
  return { passages: passages.size, marks: marks.size };
}

function* passagesOf(text: string): Generator<number> {
  const words: number[] = [];
  for (const [word] of text.toLowerCase().matchAll(/[\p{L}\p{N}]+/gu)) words.push(hashOf(word));
  for (let start = 0; start + PASSAGE_WORDS <= words.length; start += 1) {
    const window = words.slice(start, start + PASSAGE_WORDS);
    if (new Set(window).size < DIFFERENT_WORDS) continue;
    yield window.reduce((hash, word) => mix(hash, word), 0);
  }
}

function* marksOf(text: string): Generator<number> {
  for (const [word] of text.matchAll(MARK))
    if (count(word, /[0-9]/g) >= 4 && count(word, /[A-Za-z]/g) >= 4) yield hashOf(word);
}

const count = (word: string, what: RegExp): number => word.match(what)?.length ?? 0;

/** 53 bits, the most that a number holds exactly. */
function hashOf(word: string): number {
  let high = 0xdeadbeef;
  let low = 0x41c6ce57;
  for (let at = 0; at < word.length; at += 1) {
    const code = word.charCodeAt(at);
    high = Math.imul(high ^ code, 2_654_435_761);
    low = Math.imul(low ^ code, 1_597_334_677);
  }
  return (high & 0x1fffff) * 0x1_0000_0000 + ((low ^ (high >>> 15)) >>> 0);
}

function mix(hash: number, word: number): number {
  const low = Math.imul((hash >>> 0) ^ (word >>> 0), 0x9e3779b1);
  const high = Math.imul(Math.floor(hash / 0x1_0000_0000) ^ Math.floor(word / 0x1_0000_0000), 0x85ebca6b);
  return ((high ^ (low >>> 13)) & 0x1fffff) * 0x1_0000_0000 + ((low + (high >>> 7)) >>> 0);
}
