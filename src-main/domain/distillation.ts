/**
 * Distillation by rules: what a day's work says. Pure: no clock, no I/O. Whoever proposes a finding, these rules or a model,
 * proposes only; what it rests on is checked by the core, and finding-route.ts decides with the outcome of that check.
 */
import { CONFIDENCES, SOURCE_KINDS, isClaimId, plainText } from './claims.ts';
import type { Confidence, Source } from './claims.ts';

/** A ticket as distillation sees it. All text in it is foreign. `commit`s are full ids, `at` is ISO 8601. */
export type DistilTicket = {
  readonly id: string;
  readonly title: string;
  readonly description: string;
  readonly state: 'draft' | 'ready' | 'in_progress' | 'verifying' | 'merged' | 'blocked';
  /** Why the ticket was there; for a blocked one, why it was blocked. */
  readonly why: string;
  readonly mergedCommit: string | null;
  readonly verdict: 'pass' | 'fail' | 'unverified' | null;
  /** The repository's name or path; its last part names the page. */
  readonly repository: string | null;
  readonly files: readonly string[];
  readonly summary: string;
  readonly commands: readonly { readonly command: string; readonly exitCode: number }[];
  /** Statements with a subject, which can contradict one another: "default branch" → "main". */
  readonly facts?: readonly { readonly subject: string; readonly value: string }[];
  /** What its runs asked the librarian to write, in their words. */
  readonly requests?: readonly string[];
  readonly at: string;
};

/** A note of research: `clean` says that whoever wrote it found nothing that speaks against it. */
export type DistilResearch = {
  readonly id: string;
  readonly title: string;
  readonly claim: string;
  readonly topic: string;
  readonly clean: boolean;
  readonly crossBrand: boolean;
  readonly sources: readonly Source[];
  readonly at: string;
};

/** A line of a log worth keeping in the ledger. `ref` is where it stands. */
export type DistilLog = { readonly ref: string; readonly text: string; readonly at: string };

/** Everything of one brand's day that distillation looks at. `day` is YYYY-MM-DD. */
export type DistilPayload = {
  readonly brand: string;
  readonly day: string;
  readonly sealed: boolean;
  readonly tickets: readonly DistilTicket[];
  readonly research: readonly DistilResearch[];
  readonly logs: readonly DistilLog[];
};

const KINDS = ['change', 'lesson', 'fact', 'research', 'note'] as const;
export type FindingKind = (typeof KINDS)[number];

/** A candidate fact. `claim` and all of `detail` are plain text of one line, safe to show, not yet safe in markdown. */
export type Finding = {
  readonly id: string;
  readonly brand: string;
  readonly kind: FindingKind;
  readonly claim: string;
  readonly detail: {
    readonly title: string;
    readonly text: string;
    readonly why: string;
    readonly files: readonly string[];
    readonly commands: readonly string[];
    readonly repository: string;
  };
  readonly confidence: Confidence;
  /** Why the confidence is what it is. */
  readonly because: string;
  readonly evidence: readonly Source[];
  readonly targetPage: string;
  readonly crossBrand: boolean;
  /** YYYY-MM-DD of what it tells. */
  readonly date: string;
};

/** A one-way digest in hexadecimal (SHA-256 in the core): passed in, for this folder has no library of its own. */
export type Digest = (text: string) => string;

const BRAND = /^[a-z][a-z0-9-]{0,31}$/;
const COMMIT = /^([0-9a-f]{40}|[0-9a-f]{64})$/;
const MOST_FILES = 6;
const MOST_COMMANDS = 3;
const MOST_REQUESTS = 10;

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/**
 * Puts a day together: each thing once, in a stable order, and nothing that is not this brand's. `refused` counts what
 * named another brand.
 */
export function gather(payload: DistilPayload): { payload: DistilPayload; refused: number } {
  const own = payload.tickets.filter((ticket) => isTicketOf(ticket.id, payload.brand));
  const last = new Map(own.map((ticket) => [ticket.id, ticket]));
  const research = new Map(payload.research.map((note) => [note.id, note]));
  const logs = new Map(payload.logs.map((log) => [`${log.ref}\n${log.text}`, log]));
  return {
    payload: {
      ...payload,
      tickets: [...last.values()].sort((a, b) => compare(a.at, b.at) || compare(a.id, b.id)),
      research: [...research.values()].sort((a, b) => compare(a.at, b.at) || compare(a.id, b.id)),
      logs: [...logs.values()].sort((a, b) => compare(a.at, b.at) || compare(a.ref, b.ref)),
    },
    refused: payload.tickets.length - own.length,
  };
}

function isTicketOf(id: string, brand: string): boolean {
  return (
    BRAND.test(brand) && id.startsWith(`T-${brand}-`) && /^[1-9][0-9]{0,8}$/.test(id.slice(brand.length + 3))
  );
}

/** What a day's work says, as findings with deterministic ids, in the order of the payload. */
export function classify(payload: DistilPayload, digest: Digest): Finding[] {
  const { payload: day } = gather(payload);
  return [
    ...day.tickets.flatMap((ticket) => [
      ticketFinding(day, ticket),
      ...factFindings(day, ticket, digest),
      ...requestFindings(day, ticket, digest),
    ]),
    ...day.research.map((note) => researchFinding(day, note, digest)),
    ...day.logs.map((log) => logFinding(day, log, digest)),
  ];
}

function ticketFinding(day: DistilPayload, ticket: DistilTicket): Finding {
  const title = plainText(ticket.title, 160);
  const text = plainText(
    ticket.summary === '' && ticket.state === 'merged' ? ticket.description : ticket.summary,
    400,
  );
  const why = plainText(ticket.why, 300);
  const judged = judge(ticket);
  const lesson = ticket.state === 'blocked';
  const kind = ticket.state === 'merged' ? 'change' : lesson ? 'lesson' : 'note';
  const claim = lesson
    ? `${title} was blocked${why === '' ? '' : `: ${why}`}`
    : ticket.state === 'merged'
      ? `${title}${text === '' ? '' : `: ${text}`}`
      : `${title} is ${ticket.state}`;
  return {
    id: `${kind}-${ticket.id}`,
    brand: day.brand,
    kind,
    claim: plainText(claim, 600),
    detail: {
      title,
      text,
      why,
      files: listed(ticket.files, MOST_FILES),
      commands: listed(
        ticket.commands.filter((run) => run.exitCode === 0).map((run) => run.command),
        MOST_COMMANDS,
      ),
      repository: plainText(areaOf(ticket.repository), 80),
    },
    ...judged,
    evidence: evidenceOf(ticket),
    targetPage: pageOf(day.brand, areaOf(ticket.repository)),
    crossBrand: false,
    date: dateOf(ticket.at, day.day),
  };
}

/** High is only what Atrium itself merged with a passing verdict: nobody's word makes it. */
function judge(ticket: DistilTicket): { confidence: Confidence; because: string } {
  if (ticket.state === 'merged') {
    const commit = ticket.mergedCommit !== null && COMMIT.test(ticket.mergedCommit);
    if (commit && ticket.verdict === 'pass')
      return { confidence: 'high', because: 'merged with a passing verdict' };
    return {
      confidence: 'medium',
      because: commit ? 'merged, without a passing verdict' : 'merged, without a commit',
    };
  }
  if (ticket.state === 'blocked') {
    const why = plainText(ticket.why, 300);
    if (why === '') return { confidence: 'low', because: 'blocked, without a reason' };
    if (/^(withdrawn|moved)\b/i.test(why))
      return { confidence: 'low', because: 'set aside, which teaches nothing' };
    return { confidence: 'medium', because: 'blocked, with a reason nobody has verified' };
  }
  return { confidence: 'low', because: 'not finished' };
}

function factFindings(day: DistilPayload, ticket: DistilTicket, digest: Digest): Finding[] {
  const judged = judge(ticket);
  return (ticket.facts ?? []).slice(0, 20).flatMap((fact) => {
    const subject = plainText(fact.subject, 120);
    const value = plainText(fact.value, 300);
    if (subject === '' || value === '') return [];
    const area = areaOf(ticket.repository);
    const about = digest(`${day.brand}\n${area}\n${subject.toLowerCase()}`).slice(0, 16);
    return {
      id: `fact-${about}-${digest(value).slice(0, 12)}`,
      brand: day.brand,
      kind: 'fact' as const,
      claim: `${subject}: ${value}`,
      detail: {
        title: subject,
        text: value,
        why: '',
        files: [],
        commands: [],
        repository: plainText(area, 80),
      },
      ...judged,
      evidence: evidenceOf(ticket),
      targetPage: pageOf(day.brand, area),
      crossBrand: false,
      date: dateOf(ticket.at, day.day),
    };
  });
}

/** A run's wish for a page rests on its ticket like everything else that the ticket says: merged and judged, or asked about. */
function requestFindings(day: DistilPayload, ticket: DistilTicket, digest: Digest): Finding[] {
  const wishes = (ticket.requests ?? [])
    .map((request) => plainText(request, 400))
    .filter((text) => text !== '');
  const area = areaOf(ticket.repository);
  return [...new Set(wishes)].slice(0, MOST_REQUESTS).map((text) => ({
    id: `note-${digest(`${ticket.id}\n${text}`).slice(0, 16)}`,
    brand: day.brand,
    kind: 'note' as const,
    claim: text,
    detail: {
      title: plainText(ticket.title, 160),
      text,
      why: '',
      files: [],
      commands: [],
      repository: plainText(area, 80),
    },
    ...judge(ticket),
    evidence: evidenceOf(ticket),
    targetPage: pageOf(day.brand, area),
    crossBrand: false,
    date: dateOf(ticket.at, day.day),
  }));
}

function researchFinding(day: DistilPayload, note: DistilResearch, digest: Digest): Finding {
  const title = plainText(note.title, 160);
  const text = plainText(note.claim, 400);
  const cited = note.sources.length > 0;
  const confidence: Confidence =
    cited && note.clean && text !== '' ? 'high' : cited && text !== '' ? 'medium' : 'low';
  const because = {
    high: 'research whose sources can be looked at, with nothing against it',
    medium: 'research with open questions',
    low: 'research without a source',
  }[confidence];
  // What a sealed brand learned stays with it.
  const crossBrand = note.crossBrand && !day.sealed;
  return {
    id: `research-${digest(`${day.brand}\n${note.id}`).slice(0, 16)}`,
    brand: day.brand,
    kind: 'research',
    claim: plainText(`${title}: ${text}`, 600),
    detail: { title, text, why: '', files: [], commands: [], repository: '' },
    confidence,
    because,
    evidence: note.sources.map((source) => ({ kind: source.kind, ref: plainText(source.ref, 200) })),
    targetPage: pageOf(crossBrand ? '_global' : day.brand, note.topic),
    crossBrand,
    date: dateOf(note.at, day.day),
  };
}

function logFinding(day: DistilPayload, log: DistilLog, digest: Digest): Finding {
  const text = plainText(log.text, 300);
  return {
    id: `note-${digest(`${day.brand}\n${log.ref}\n${log.text}`).slice(0, 16)}`,
    brand: day.brand,
    kind: 'note',
    claim: text,
    detail: { title: text, text: '', why: '', files: [], commands: [], repository: '' },
    confidence: 'low',
    because: 'a line of a log',
    evidence: [{ kind: 'log', ref: plainText(log.ref, 200) }],
    targetPage: pageOf(day.brand, 'log'),
    crossBrand: false,
    date: dateOf(log.at, day.day),
  };
}

function evidenceOf(ticket: DistilTicket): Source[] {
  const sources: Source[] = [{ kind: 'ticket', ref: ticket.id }];
  if (ticket.mergedCommit !== null && COMMIT.test(ticket.mergedCommit)) {
    sources.push({ kind: 'commit', ref: ticket.mergedCommit });
  }
  return sources;
}

function listed(items: readonly string[], most: number): string[] {
  const plain = items.map((item) => plainText(item, 120)).filter((item) => item !== '');
  return plain.length > most ? [...plain.slice(0, most), `${plain.length - most} more`] : plain;
}

function areaOf(repository: string | null): string {
  const parts = (repository ?? '').split(/[\\/]/).filter((part) => part !== '');
  return (parts.at(-1) ?? '').replace(/\.git$/, '');
}

function dateOf(at: string, otherwise: string): string {
  return /^\d{4}-\d{2}-\d{2}/.exec(at)?.[0] ?? otherwise;
}

/** The page of an area of a brand (or of `_global`): `wiki/<brand>/<area>.md`, with a name any file system takes. */
export function pageOf(brand: string, area: string): string {
  const name = plainText(area, 200)
    .normalize('NFKD')
    .replace(/\p{M}+/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 64)
    .replace(/-+$/, '');
  return `wiki/${brand}/${name === '' ? 'general' : name}.md`;
}

/**
 * Reads a finding that somebody proposed, with all its text made plain; null where it is not one of this brand's: another
 * brand's id, evidence or page, or an id that cannot stand in a file.
 */
export function acceptFinding(proposed: Finding, brand: string): Finding | null {
  const folder = proposed.crossBrand ? 'wiki/_global/' : `wiki/${brand}/`;
  const name = proposed.targetPage.startsWith(folder) ? proposed.targetPage.slice(folder.length) : '';
  if (proposed.brand !== brand || !isClaimId(proposed.id) || !/^[a-z0-9-]{1,64}\.md$/.test(name)) return null;
  if (!KINDS.includes(proposed.kind) || !CONFIDENCES.includes(proposed.confidence)) return null;
  if (!proposed.evidence.every((source) => SOURCE_KINDS.includes(source.kind))) return null;
  if (proposed.evidence.some((source) => source.kind === 'ticket' && !isTicketOf(source.ref, brand)))
    return null;
  const { title, text, why, files, commands, repository } = proposed.detail;
  return {
    ...proposed,
    claim: plainText(proposed.claim, 600),
    because: plainText(proposed.because, 300),
    detail: {
      title: plainText(title, 160),
      text: plainText(text, 400),
      why: plainText(why, 300),
      files: files.slice(0, MOST_FILES + 1).map((file) => plainText(file, 120)),
      commands: commands.slice(0, MOST_COMMANDS + 1).map((command) => plainText(command, 120)),
      repository: plainText(repository, 80),
    },
    evidence: proposed.evidence.slice(0, 20).map(({ kind, ref }) => ({ kind, ref: plainText(ref, 200) })),
    date: dateOf(proposed.date, '0000-00-00'),
  };
}
