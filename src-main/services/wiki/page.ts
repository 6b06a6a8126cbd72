import { LineCounter, parseDocument } from 'yaml';
import { CONFIDENCES, SOURCE_KINDS, frontmatterSpan, pageLines, readClaims } from '../../domain/claims.ts';
import type { Claim, Confidence, Source } from '../../domain/claims.ts';

/** What stands in a page's frontmatter. A field that is not there is null or empty. */
export type Frontmatter = {
  readonly title: string | null;
  readonly authority: string | null;
  readonly confidence: Confidence | null;
  readonly sources: readonly Source[];
  readonly updated: string | null;
};

/** Frontmatter that cannot be used: where, what stands there, and what was expected. `line` counts from 1. */
export type FrontmatterError = {
  readonly file: string;
  readonly line: number;
  readonly read: string;
  readonly expected: string;
  readonly message: string;
};

/** A link out of a page: `[[target]]` or `[text](target)`, without its heading. `line` counts from 1. */
export type PageLink = { readonly kind: 'wiki' | 'relative'; readonly target: string; readonly line: number };

/** A page taken apart. With broken frontmatter, `body` is the whole text, so that nothing of it is lost. */
export type ParsedPage = {
  readonly path: string;
  readonly title: string;
  readonly frontmatter: Frontmatter | null;
  readonly error: FrontmatterError | null;
  readonly body: string;
  readonly headings: readonly string[];
  readonly links: readonly PageLink[];
  readonly claims: readonly Claim[];
};

/** Reads a page. Never throws: what is wrong with it is in `error`. */
export function parsePage(path: string, text: string): ParsedPage {
  const { frontmatter, error, body } = readFrontmatter(path, text);
  const headings: string[] = [];
  const links: PageLink[] = [];
  pageLines(text).forEach((line, index) => {
    if (line.zone !== 'body') return;
    const heading = /^ {0,3}#{1,6}[ \t]+(.*)$/.exec(line.text)?.[1];
    if (heading !== undefined) headings.push(heading.replace(/[ \t]+#+[ \t]*$/, '').trim());
    links.push(...linksOf(line.text, index + 1));
  });
  const name = path.slice(path.lastIndexOf('/') + 1).replace(/\.md$/, '');
  const title =
    frontmatter?.title ?? headings.find((heading) => heading !== '')?.replace(/\\(.)/g, '$1') ?? name;
  return { path, title, frontmatter, error, body, headings, links, claims: readClaims(text) };
}

function linksOf(line: string, number: number): PageLink[] {
  if (!line.includes('[')) return [];
  const prose = line.length > 20_000 ? '' : withoutCode(line);
  const links: PageLink[] = [];
  for (const match of prose.matchAll(
    /(?<!\\)\[\[([^[\]|#\n]{1,300})(?:#[^[\]|\n]{0,300})?(?:\|[^[\]\n]{0,300})?\]\]/g,
  )) {
    const target = (match[1] ?? '').replace(/\\$/, '').trim();
    if (target !== '') links.push({ kind: 'wiki', target, line: number });
  }
  for (const match of prose.matchAll(/(?<!\\)\]\(\s{0,4}<?([^()<>\s]{1,500})>?(?:\s[^()]{0,300})?\)/g)) {
    const target = (match[1] ?? '').split('#')[0] ?? '';
    if (target === '' || /^([a-z][a-z0-9+.-]*:|\/)/i.test(target)) continue;
    links.push({ kind: 'relative', target: decoded(target), line: number });
  }
  return links;
}

/** The line with its code spans left out: a run of backticks up to the next run of the same length. */
function withoutCode(line: string): string {
  const runs = [...line.matchAll(/`+/g)].map((run) => ({ from: run.index, length: run[0].length }));
  const closers = new Map<number, number>();
  const nextOf: (number | undefined)[] = [];
  for (let i = runs.length - 1; i >= 0; i -= 1) {
    const length = runs[i]?.length ?? 0;
    nextOf[i] = closers.get(length);
    closers.set(length, i);
  }
  let prose = '';
  let offset = 0;
  for (let i = 0; i < runs.length; i += 1) {
    const open = runs[i];
    const next = nextOf[i];
    const close = next === undefined ? undefined : runs[next];
    if (!open || !close || next === undefined) continue;
    prose += line.slice(offset, open.from);
    offset = close.from + close.length;
    i = next;
  }
  return prose + line.slice(offset);
}

function decoded(target: string): string {
  try {
    return decodeURIComponent(target);
  } catch {
    return target;
  }
}

type ReadFrontmatter = { frontmatter: Frontmatter | null; error: FrontmatterError | null; body: string };

function readFrontmatter(path: string, text: string): ReadFrontmatter {
  const span = frontmatterSpan(text);
  if (span.kind === 'none') return { frontmatter: null, error: null, body: text };
  const broken = (line: number, read: string, expected: string): ReadFrontmatter => {
    const message = `${path}, line ${line}: read ${read}, expected ${expected}.`;
    return { frontmatter: null, error: { file: path, line, read, expected, message }, body: text };
  };
  if (span.kind === 'unclosed')
    return broken(1, '"---" that no later line closes', 'a second line "---" after the frontmatter');
  const counter = new LineCounter();
  const document = parseDocument(span.yaml, { lineCounter: counter, strict: true, uniqueKeys: true });
  const lineAt = (offset: number) => counter.linePos(offset).line + 1;
  const shown = (line: number) =>
    JSON.stringify((text.split('\n', line)[line - 1] ?? '').trim().slice(0, 120));
  const fault = document.errors[0];
  if (fault) {
    const line = lineAt(fault.pos[0]);
    return broken(line, shown(line), 'valid YAML');
  }
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: 20 });
  } catch {
    return broken(2, shown(2), 'YAML without deep aliases');
  }
  if (value === null) return { frontmatter: emptyFrontmatter, error: null, body: text.slice(span.end) };
  if (typeof value !== 'object' || Array.isArray(value))
    return broken(2, shown(2), 'fields such as "title: Releases"');
  const fields = new Map<string, unknown>(Object.entries(value));
  const wrong = wrongField(fields);
  if (wrong) {
    const at = new RegExp(`^["']?${wrong.field}["']?[ \\t]*:`, 'm').exec(span.yaml)?.index ?? 0;
    const line = lineAt(at);
    return broken(line, shown(line), wrong.expected);
  }
  return { frontmatter: toFrontmatter(fields), error: null, body: text.slice(span.end) };
}

const emptyFrontmatter: Frontmatter = {
  title: null,
  authority: null,
  confidence: null,
  sources: [],
  updated: null,
};

function isSource(value: unknown): value is Source {
  if (typeof value !== 'object' || value === null || !('kind' in value) || !('ref' in value)) return false;
  return (
    SOURCE_KINDS.some((kind) => kind === value.kind) &&
    (typeof value.ref === 'string' || typeof value.ref === 'number')
  );
}

function wrongField(fields: ReadonlyMap<string, unknown>): { field: string; expected: string } | null {
  const scalar = (value: unknown) =>
    value === undefined || value === null || ['string', 'number'].includes(typeof value);
  for (const field of ['title', 'authority', 'updated']) {
    if (!scalar(fields.get(field))) return { field, expected: `"${field}" as one line of text` };
  }
  const confidence = fields.get('confidence') ?? null;
  if (confidence !== null && !CONFIDENCES.some((one) => one === confidence)) {
    return { field: 'confidence', expected: '"confidence" as high, medium or low' };
  }
  const sources = fields.get('sources') ?? [];
  if (!Array.isArray(sources) || !sources.every(isSource)) {
    return {
      field: 'sources',
      expected: `"sources" as a list of {kind: ${SOURCE_KINDS.join('|')}, ref: text}`,
    };
  }
  return null;
}

function toFrontmatter(fields: ReadonlyMap<string, unknown>): Frontmatter {
  const text = (field: string) => {
    const value = fields.get(field);
    const line =
      typeof value === 'string' || typeof value === 'number' ? String(value).replace(/\s+/g, ' ').trim() : '';
    return line === '' ? null : line.slice(0, 500);
  };
  const sources = fields.get('sources');
  return {
    title: text('title'),
    authority: text('authority'),
    confidence: CONFIDENCES.find((one) => one === fields.get('confidence')) ?? null,
    sources: Array.isArray(sources)
      ? sources.filter(isSource).map(({ kind, ref }) => ({ kind, ref: String(ref) }))
      : [],
    updated: text('updated'),
  };
}

/** Everything a page cites: its frontmatter's sources, then those of its claims, each once. */
export function sourcesOf(page: ParsedPage): Source[] {
  const all = [...(page.frontmatter?.sources ?? []), ...page.claims.flatMap((claim) => claim.sources)];
  return [...new Map(all.map((source) => [`${source.kind} ${source.ref}`, source])).values()];
}
