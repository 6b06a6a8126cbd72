/**
 * Claims: how one cited statement stands in a markdown page, and how it is read back, added and replaced without
 * touching a byte of what else is in the file. Pure text in, text out; the wiki, distillation and the window share it.
 *
 * A claim is one list item. It ends with its footnotes and a marker that names it:
 *
 *     - **Pre-order links.** Each unreleased record has one. [^T-label-1][^1a2b3c4d5e6f] <!-- claim:change-T-label-1 -->
 *
 *     [^T-label-1]: ticket `T-label-1`, 2026-11-20, confidence high
 */

export const SOURCE_KINDS = ['ticket', 'commit', 'log', 'page', 'operator'] as const;
export type SourceKind = (typeof SOURCE_KINDS)[number];

/** What a claim rests on: a ticket's id, a commit's hash, a log line, a page's path, an answer of the operator. */
export type Source = { readonly kind: SourceKind; readonly ref: string };

export const CONFIDENCES = ['high', 'medium', 'low'] as const;
export type Confidence = (typeof CONFIDENCES)[number];

/** A footnote to write: its preferred label, what it cites, and plain text said after it. */
export type Citation = { readonly label: string; readonly source: Source; readonly note: string };

/** A claim to write. `markdown` is already safe (built with {@link escapeMarkdown} and {@link codeSpan}), one line. */
export type ClaimDraft = {
  readonly id: string;
  readonly heading: string;
  readonly markdown: string;
  readonly citations: readonly Citation[];
};

/** A claim as read from a page. `line` counts from 1; `text` has neither footnotes nor marker. */
export type Claim = {
  readonly id: string;
  readonly line: number;
  readonly text: string;
  readonly confidence: Confidence | null;
  readonly sources: readonly Source[];
  readonly updated: string | null;
};

/** A footnote definition as read. `source` is null where it does not begin with a kind and a reference. */
export type Footnote = {
  readonly label: string;
  readonly line: number;
  readonly source: Source | null;
  readonly confidence: Confidence | null;
  readonly date: string | null;
};

/** One line of a page: `raw` keeps its line ending, `text` has none. */
export type Line = {
  readonly raw: string;
  readonly text: string;
  readonly zone: 'frontmatter' | 'code' | 'body';
};

const ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;
const LABEL = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;
const LONGEST_FOOTNOTE = 2000;

/** True for an id that may stand in a claim's marker. */
export function isClaimId(id: string): boolean {
  return ID.test(id);
}

/**
 * Foreign text as one harmless line: no control, bidirectional or invisible characters, no line breaks, single spaces,
 * at most `max` characters (cut with an ellipsis). It is not yet safe in markdown.
 */
export function plainText(text: string, max: number): string {
  const near = text.length > max * 4 ? text.slice(0, max * 4) : text;
  const line = near
    .replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ')
    .replace(/(?![\u200C\u200D])[\p{Cf}\p{Cs}\p{Co}]/gu, '')
    .replace(/\s+/gu, ' ')
    .trim();
  const characters = [...line];
  return characters.length > max ? `${characters.slice(0, max - 1).join('')}…` : line;
}

/** Plain text with everything escaped that markdown, HTML or Obsidian would read as more than text. */
export function escapeMarkdown(plain: string): string {
  return plain.replace(/[\\`*_{}[\]<>#|~^$&=%!]/g, '\\$&');
}

/** Plain text as a code span, whatever backticks it holds. Empty text gives an empty string. */
export function codeSpan(plain: string): string {
  if (plain === '') return '';
  const longest = Math.max(0, ...[...plain.matchAll(/`+/g)].map((run) => run[0].length));
  const fence = '`'.repeat(longest + 1);
  const pad = plain.startsWith('`') || plain.endsWith('`') ? ' ' : '';
  return `${fence}${pad}${plain}${pad}${fence}`;
}

/**
 * Where the frontmatter is. `none`: the file does not begin with `---`. `unclosed`: it does, and no line ends it.
 * `closed`: `yaml` is the text between, `lines` how many lines the block takes with both fences.
 */
export type FrontmatterSpan =
  | { readonly kind: 'none' }
  | { readonly kind: 'unclosed' }
  | { readonly kind: 'closed'; readonly yaml: string; readonly end: number; readonly lines: number };

/** Finds the frontmatter block at the start of `text`; `end` is the offset of the first character after it. */
export function frontmatterSpan(text: string): FrontmatterSpan {
  const opening = /^\uFEFF?---[ \t]*(?:\r?\n|$)/.exec(text);
  if (!opening) return { kind: 'none' };
  let offset = opening[0].length;
  let lines = 1;
  while (offset < text.length) {
    const newline = text.indexOf('\n', offset);
    const next = newline < 0 ? text.length : newline + 1;
    const line = text.slice(offset, next).trimEnd();
    lines += 1;
    if (line === '---' || line === '...') {
      return { kind: 'closed', yaml: text.slice(opening[0].length, offset), end: next, lines };
    }
    offset = next;
  }
  return { kind: 'unclosed' };
}

/** The lines of a page with what each is part of: frontmatter, a code fence, or the body. */
export function pageLines(text: string): Line[] {
  return scan(text).lines;
}

/** The lines, and at which of them a code fence begins that nothing closes (-1 without one). */
function scan(text: string): { lines: Line[]; openFence: number } {
  const span = frontmatterSpan(text);
  const frontmatterLines = span.kind === 'closed' ? span.lines : 0;
  const lines: Line[] = [];
  let fence: { mark: string; length: number; at: number } | null = null;
  for (const raw of text.match(/[^\n]*\n|[^\n]+$/g) ?? []) {
    const content = raw.replace(/\r?\n$/, '');
    if (lines.length < frontmatterLines) {
      lines.push({ raw, text: content, zone: 'frontmatter' });
      continue;
    }
    const opener = /^[ \t]{0,12}(?:[-*+>][ \t]+)?(`{3,}|~{3,})(.*)$/.exec(content);
    const mark = opener?.[1] ?? '';
    const rest = opener?.[2] ?? '';
    if (fence === null) {
      if (mark !== '' && !(mark.startsWith('`') && rest.includes('`'))) {
        fence = { mark: mark.charAt(0), length: mark.length, at: lines.length };
        lines.push({ raw, text: content, zone: 'code' });
      } else {
        lines.push({ raw, text: content, zone: 'body' });
      }
      continue;
    }
    lines.push({ raw, text: content, zone: 'code' });
    if (mark.startsWith(fence.mark) && mark.length >= fence.length && rest.trim() === '') fence = null;
  }
  return { lines, openFence: fence?.at ?? -1 };
}

type MarkedLine = { readonly id: string; readonly text: string; readonly labels: readonly string[] };

/** A line that is a claim, taken apart; null for any other line. */
function readClaimLine(line: string): MarkedLine | null {
  const trimmed = line.trimEnd();
  const at = trimmed.lastIndexOf('<!-- claim:');
  if (at < 0 || !trimmed.endsWith(' -->')) return null;
  const id = trimmed.slice(at + '<!-- claim:'.length, -' -->'.length);
  if (!ID.test(id)) return null;
  let text = trimmed.slice(0, at).trim();
  if (!/^[-*+][ \t]/.test(text)) return null;
  const labels: string[] = [];
  while (text.endsWith(']')) {
    const open = text.lastIndexOf('[^');
    const label = open < 0 ? '' : text.slice(open + 2, -1);
    if (!LABEL.test(label) || text.charAt(open - 1) === '\\') break;
    labels.unshift(label);
    text = text.slice(0, open).trimEnd();
  }
  return { id, text: text.slice(1).trim(), labels };
}

function readFootnote(line: string, number: number): Footnote | null {
  if (!line.startsWith('[^') || line.length > LONGEST_FOOTNOTE) return null;
  const close = line.indexOf(']:');
  const label = close < 0 ? '' : line.slice(2, close);
  if (!LABEL.test(label)) return null;
  const rest = line.slice(close + 2).trim();
  const cited = /^(ticket|commit|log|page|operator) (`+)/.exec(rest);
  let source: Source | null = null;
  let note = rest;
  if (cited?.[1] !== undefined && cited[2] !== undefined) {
    const from = cited[0].length;
    const until = rest.indexOf(cited[2], from);
    if (until > from) {
      source = { kind: cited[1] as SourceKind, ref: rest.slice(from, until).trim() };
      note = rest.slice(until + cited[2].length);
    }
  }
  const confidence = /\bconfidence (high|medium|low)\b/.exec(note)?.[1] as Confidence | undefined;
  const date = /\b\d{4}-\d{2}-\d{2}\b/.exec(note)?.[0];
  return { label, line: number, source, confidence: confidence ?? null, date: date ?? null };
}

/** The footnote definitions of a page, by label; of two with one label the first counts. */
export function readFootnotes(lines: readonly Line[]): Map<string, Footnote> {
  const footnotes = new Map<string, Footnote>();
  lines.forEach((line, index) => {
    if (line.zone !== 'body') return;
    const footnote = readFootnote(line.text, index + 1);
    if (footnote && !footnotes.has(footnote.label)) footnotes.set(footnote.label, footnote);
  });
  return footnotes;
}

/** The claims of a page, in the order they stand. A claim whose footnotes cite nothing has no sources. */
export function readClaims(text: string): Claim[] {
  const lines = pageLines(text);
  const footnotes = readFootnotes(lines);
  const claims: Claim[] = [];
  lines.forEach((line, index) => {
    if (line.zone !== 'body') return;
    const marked = readClaimLine(line.text);
    if (!marked) return;
    const cited = marked.labels.flatMap((label) => footnotes.get(label) ?? []);
    claims.push({
      id: marked.id,
      line: index + 1,
      text: marked.text,
      confidence: cited.find((note) => note.confidence !== null)?.confidence ?? null,
      sources: cited.flatMap((note) => note.source ?? []),
      updated: cited.find((note) => note.date !== null)?.date ?? null,
    });
  });
  return claims;
}

/** The whole line of the claim with this id, without its line ending; null where the page has none. */
export function claimLine(text: string, id: string): string | null {
  const found = pageLines(text).find((line) => line.zone === 'body' && readClaimLine(line.text)?.id === id);
  return found?.text ?? null;
}

/**
 * Adds a claim to a page, or replaces the line of the claim with the same id. Missing footnotes are added at the end.
 * Every other byte stays. A label that the page uses for another source is not taken; the claim gets one of its own.
 *
 * @returns the new text; the same string when nothing changes
 */
export function putClaim(text: string, claim: ClaimDraft): string {
  if (!ID.test(claim.id)) throw new RangeError(`A claim's id must match ${ID.source}.`);
  const { lines, openFence } = scan(text);
  if (openFence >= 0) {
    // What is appended after an open fence would be code: the claim goes before it.
    const head = lines.slice(0, openFence).map((line) => line.raw);
    return putClaim(head.join(''), claim) + text.slice(head.join('').length);
  }
  const eol = /\r\n/.test(lines[0]?.raw ?? '') ? '\r\n' : '\n';
  const footnotes = readFootnotes(lines);
  const missing: Citation[] = [];
  const labels = claim.citations.map((citation) => {
    const label = freeLabel(citation, footnotes);
    if (!footnotes.has(label)) {
      missing.push({ ...citation, label });
      footnotes.set(label, { label, line: 0, source: citation.source, confidence: null, date: null });
    }
    return label;
  });
  const written = `- ${claim.markdown} ${labels.map((label) => `[^${label}]`).join('')} <!-- claim:${claim.id} -->`;
  const out = lines.map((line) => line.raw);
  const existing = lines.findIndex(
    (line) => line.zone === 'body' && readClaimLine(line.text)?.id === claim.id,
  );
  if (existing >= 0) {
    const line = lines[existing];
    if (line && line.text !== written) out[existing] = written + line.raw.slice(line.text.length);
  } else {
    insertClaim(lines, out, claim.heading, written, eol);
  }
  const added = missing.map((citation) => footnoteLine(citation) + eol);
  if (added.length > 0) {
    endWithNewline(out, eol);
    const last = pageLines(out.join('')).findLast((line) => line.text.trim() !== '');
    if (!last?.text.startsWith('[^')) out.push(eol);
    out.push(...added);
  }
  return out.join('');
}

function footnoteLine(citation: Citation): string {
  const note = plainText(citation.note, 200);
  const cited = `${citation.source.kind} ${codeSpan(plainText(citation.source.ref, 200))}`;
  return `[^${citation.label}]: ${cited}${note === '' ? '' : `, ${escapeMarkdown(note)}`}`;
}

function freeLabel(citation: Citation, footnotes: ReadonlyMap<string, Footnote>): string {
  const wanted = LABEL.test(citation.label) ? citation.label.slice(0, 90) : 'source';
  for (let n = 1; ; n += 1) {
    const label = n === 1 ? wanted : `${wanted}-${n}`;
    const taken = footnotes.get(label);
    const same = taken?.source?.kind === citation.source.kind && taken.source.ref === citation.source.ref;
    if (!taken || same) return label;
  }
}

function endWithNewline(out: string[], eol: string): void {
  const last = out.at(-1);
  if (last !== undefined && !last.endsWith('\n')) out[out.length - 1] = last + eol;
}

/** Puts a new claim after the last claim under its heading, under the heading, or in a new section before the footnotes. */
function insertClaim(
  lines: readonly Line[],
  out: string[],
  heading: string,
  written: string,
  eol: string,
): void {
  const title = `## ${heading}`;
  const at = lines.findIndex((line) => line.zone === 'body' && line.text.trimEnd() === title);
  if (at >= 0) {
    let last = -1;
    for (let i = at + 1; i < lines.length; i += 1) {
      const line = lines[i];
      if (line?.zone !== 'body') continue;
      if (/^#{1,2} /.test(line.text)) break;
      if (readClaimLine(line.text)) last = i;
    }
    const after = last >= 0 ? last : at;
    const raw = out[after] ?? '';
    if (!raw.endsWith('\n')) out[after] = raw + eol;
    out.splice(after + 1, 0, ...(last >= 0 ? [] : [eol]), written + eol);
    return;
  }
  let end = lines.length;
  while (end > 0) {
    const line = lines[end - 1];
    if (line?.zone !== 'body' || !(line.text.trim() === '' || line.text.startsWith('[^'))) break;
    end -= 1;
  }
  const tail = out.splice(end);
  endWithNewline(out, eol);
  const gap = out.length > 0 ? [eol] : [];
  const keptGap = tail.findIndex((raw) => raw.trim() !== '');
  const footnotesFollow = keptGap >= 0;
  const before = footnotesFollow && keptGap > 0 ? tail.slice(0, keptGap) : footnotesFollow ? gap : tail;
  const lead = before.length > 0 ? before : gap;
  out.push(...lead, title + eol, eol, written + eol);
  if (footnotesFollow) out.push(eol, ...tail.slice(keptGap));
}
