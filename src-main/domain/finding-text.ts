/** How a finding reads on a wiki page and on a new page. Everything that came from outside is escaped here, once. */
import { codeSpan, escapeMarkdown, plainText } from './claims.ts';
import type { Citation, ClaimDraft, Confidence, Source } from './claims.ts';
import type { Finding, FindingKind } from './distillation.ts';

const HEADINGS: Readonly<Record<FindingKind, string>> = {
  change: 'What changed',
  lesson: 'Lessons',
  fact: 'Facts',
  research: 'Research',
  note: 'Notes',
};

/**
 * A finding as a claim to write.
 *
 * @param confidence what routing left of it
 * @param answer the operator's answer that let a medium finding in: it becomes a source of the claim
 */
export function claimOf(
  finding: Finding,
  confidence: Confidence,
  answer?: { ref: string; day: string },
): ClaimDraft {
  const citations: Citation[] = finding.evidence.map((source) => ({
    label: labelOf(source),
    source,
    note: source.kind === 'commit' ? repositoryNote(finding) : `${finding.date}, confidence ${confidence}`,
  }));
  if (answer) {
    const source: Source = { kind: 'operator', ref: plainText(answer.ref, 200) };
    citations.push({ label: labelOf(source), source, note: `confirmed ${answer.day}` });
  }
  return { id: finding.id, heading: HEADINGS[finding.kind], markdown: sentence(finding), citations };
}

function repositoryNote(finding: Finding): string {
  return finding.detail.repository === '' ? '' : `in ${finding.detail.repository}`;
}

function labelOf(source: Source): string {
  const ref = source.kind === 'commit' ? source.ref.slice(0, 12) : source.ref;
  const label = ref
    .replace(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/^[^A-Za-z0-9]+/, '')
    .slice(0, 60);
  return label === '' ? source.kind : label;
}

function stopped(text: string): string {
  return /[.!?…:]$/.test(text) ? text : `${text}.`;
}

function sentence(finding: Finding): string {
  const { title, text, why, files, commands } = finding.detail;
  const parts = [`**${escapeMarkdown(stopped(title === '' ? finding.claim : title))}**`];
  if (finding.kind === 'lesson') {
    parts.push(escapeMarkdown(stopped(why === '' ? 'It was blocked' : `It was blocked: ${why}`)));
  } else {
    if (text !== '') parts.push(escapeMarkdown(stopped(text)));
    if (why !== '') parts.push(`Why: ${escapeMarkdown(stopped(why))}`);
  }
  if (files.length > 0) parts.push(`Files: ${spans(files)}.`);
  if (finding.kind === 'change') {
    const checked = commands.length > 0 ? `${spans(commands)} passed; ` : '';
    const outcome = finding.confidence === 'high' ? 'the merged tree got a passing verdict' : finding.because;
    parts.push(`Verified: ${checked}${escapeMarkdown(outcome)}.`);
  }
  return parts.join(' ');
}

function spans(items: readonly string[]): string {
  return items.map((item) => (/^\d+ more$/.test(item) ? `and ${item}` : codeSpan(item))).join(', ');
}

/** What a new page starts with: frontmatter, a title and one sentence on how it is kept. */
export function newPage(about: {
  title: string;
  authority: string;
  confidence: Confidence;
  sources: readonly Source[];
  updated: string;
}): string {
  const title = plainText(about.title, 160);
  return [
    '---',
    `title: ${JSON.stringify(title)}`,
    `authority: ${about.authority}`,
    `confidence: ${about.confidence}`,
    'sources:',
    ...about.sources.map(sourceLine),
    `updated: ${about.updated}`,
    '---',
    '',
    `# ${escapeMarkdown(title)}`,
    '',
    'Atrium adds what was verified, each claim with its evidence. What you write or change here stays.',
    '',
  ].join('\n');
}

function sourceLine(source: Source): string {
  return `  - { kind: ${source.kind}, ref: ${JSON.stringify(plainText(source.ref, 200))} }`;
}

/**
 * Notes new sources and the day in the frontmatter that {@link newPage} wrote. Frontmatter of the operator's own pages, or
 * in another shape, stays as it is.
 */
export function noteSources(text: string, sources: readonly Source[], day: string): string {
  const head = /^---\n(?:[^\n]*\n)*?---\n/.exec(text)?.[0];
  if (head === undefined || /^authority: *"?operator"? *$/m.test(head)) return text;
  const lines = head.split('\n');
  const at = lines.indexOf('sources:');
  const updated = lines.findIndex((line) => /^updated: \d{4}-\d{2}-\d{2}$/.test(line));
  if (at < 0 || updated < 0) return text;
  let end = at + 1;
  while (/^ {2}- \{ kind: [a-z]+, ref: ".*" \}$/.test(lines[end] ?? '')) end += 1;
  const had = new Set(lines.slice(at + 1, end));
  const added = sources.map(sourceLine).filter((line) => !had.has(line));
  if ((lines[updated] ?? '') < `updated: ${day}`) lines[updated] = `updated: ${day}`;
  lines.splice(end, 0, ...added);
  return lines.join('\n') + text.slice(head.length);
}
