import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Actor } from '../contract/events.ts';
import { fail, type Result } from '../contract/errors.ts';
import { TicketId } from '../contract/ids.ts';
import type { PageView, SearchHit } from '../contract/wiki.ts';
import type { DistilTicket } from '../domain/distillation.ts';
import { decideCall } from './guard.ts';
import type { Ticket } from '../domain/ticket.ts';
import { distil, fileLedger, type DistilReport } from '../services/distill/index.ts';
import { createReactor, type Reactor } from '../services/event-store/index.ts';
import {
  checkedPageStore,
  filePageStore,
  openWikiIndex,
  type PageStore,
  type Watcher,
  type WikiIndex,
} from '../services/wiki/index.ts';
import type { Brand } from './brand.ts';
import { localDay } from './calendar.ts';
import { asRecorded, ticketStream } from './projections.ts';

/** What one brand knows: its pages, their index, and the distillation of what was merged. */
export interface Knowledge {
  index: WikiIndex;
  pages: PageStore;
  /** Resolves when everything merged so far is distilled. */
  drain(): Promise<void>;
  search(query: string, limit: number): SearchHit[];
  show(page: string): Promise<Result<PageView>>;
  /** Looks at the pages that Atrium wrote; what the operator changed since is theirs, and no fault. */
  examine(): Promise<PageExamination>;
  /** A text that changes when a page does. */
  mark(): string;
  close(): Promise<void>;
}

/** How the brand's pages stand. */
export interface PageExamination {
  /** What is wrong with pages that are as Atrium wrote them: claims without a source, sources that do not resolve. */
  faults: string[];
  /** Pages that are as Atrium wrote them. */
  proved: number;
  /** Pages that Atrium wrote and somebody else changed or removed. */
  edited: string[];
}

const librarian: Actor = { kind: 'core', part: 'librarian' };

export async function openKnowledge(parts: {
  brand: Brand;
  workspace: string;
  wiki: string;
  /** Why a page must not hold this text; null where it may. */
  foreign(to: string, text: string): Promise<string | null>;
  onPage(brand: string, page: string): void;
  onFault(error: unknown): void;
}): Promise<Knowledge> {
  const { brand, workspace, wiki } = parts;
  const index = openWikiIndex({
    file: brand.places.wikiIndex,
    roots: [
      { brand: brand.id, root: brand.places.wiki },
      { brand: '_global', root: join(wiki, '_global') },
    ],
  });
  await index.refresh();
  let changes = 0;
  index.onChange((change) => {
    changes += 1;
    parts.onPage(change.brand, change.page);
  });
  const watcher: Watcher = await index.watch(parts.onFault);
  const pages = checkedPageStore(
    filePageStore({ root: wiki, prefix: 'wiki', historyRoot: join(brand.places.state, 'page-history') }),
    {
      authorize: (path, author) => {
        const contract = brand.contract(author.role);
        if (!contract.ok)
          return { allowed: false, rule: 'contract-missing', reason: contract.failure.message };
        const decision = decideCall(
          brand.guard.policy(contract.value),
          { tool: 'edit', paths: [join(workspace, path)], text: path },
          workspace,
          { brand: brand.id, workspace, checkouts: [], inTicket: () => false },
        );
        return { allowed: decision.decision === 'allow', rule: decision.rule, reason: decision.reason };
      },
    },
  );

  const resolves = async (kind: string, ref: string): Promise<boolean> => {
    if (kind === 'ticket')
      return TicketId.safeParse(ref).success && brand.tickets.get(ref as TicketId) !== null;
    if (kind === 'commit') {
      for (const repository of await brand.repositories()) {
        if (!repository.ok) continue;
        const head = await repository.value.git.head();
        if (await repository.value.git.isDescendant(head, ref)) return true;
      }
      // The log stays the evidence of a merge, also where the operator has since taken it off the branch.
      return isMerge(brand, ref);
    }
    if (kind === 'page') return existsSync(join(workspace, ref)) || existsSync(join(workspace, `${ref}.md`));
    return kind === 'operator';
  };

  const reactor: Reactor = createReactor({
    store: brand.store,
    name: 'distil',
    types: ['ticket.merged'],
    onFault: parts.onFault,
    handle: async (event) => {
      const id = event.stream.slice('ticket/'.length) as TicketId;
      const ticket = brand.tickets.get(id);
      if (!ticket) return;
      const report = await distil({
        brand: brand.id,
        day: localDay(new Date(event.at)),
        payload: {
          brand: brand.id,
          day: localDay(new Date(event.at)),
          sealed: brand.config.sealed,
          tickets: [await asDistilled(brand, ticket)],
          research: [],
          logs: [],
        },
        evidence: {
          ticket: (ref) => {
            const found = TicketId.safeParse(ref).success ? brand.tickets.get(ref as TicketId) : null;
            return Promise.resolve(
              found && {
                state: found.state,
                verdict: found.verdicts.at(-1)?.verdict.verdict ?? null,
                mergedCommit: found.merged?.commit ?? null,
              },
            );
          },
          resolves: (source) => resolves(source.kind, source.ref),
        },
        pages: watchedPages(brand, pages, parts.foreign),
        ledger: fileLedger({ workspace }),
      });
      await index.refresh();
      recordReport(brand, id, report, event.position);
    },
  });
  reactor.start();

  return {
    index,
    pages,
    drain() {
      reactor.retry();
      return reactor.drain();
    },
    search: (query, limit) =>
      index
        .search(query, { brand: brand.id, limit })
        .filter(
          (hit) => brand.leaving('search result', `${hit.page}\n${hit.title}\n${hit.snippet}`, null) === null,
        )
        .map(toHit),
    show: async (page) => {
      const shown = await index.show(page.endsWith('.md') ? page : `${page}.md`, { brand: brand.id });
      if (!shown.ok) return shown;
      const { error: _error, ...view } = shown.value;
      return {
        ok: true,
        value: {
          ...view,
          sources: [...view.sources],
          backlinks: [...view.backlinks],
          claims: view.claims.map((claim) => ({ ...claim, sources: [...claim.sources] })),
        },
      };
    },
    async examine() {
      const issues = await index.lint((source) => resolves(source.kind, source.ref), { brand: brand.id });
      const there = new Map(index.pages().map((page) => [page.path, page]));
      const found: PageExamination = { faults: [], proved: 0, edited: [] };
      for (const { page, authority, hash } of writtenPages(brand)) {
        const now = there.get(page);
        if (now?.hash !== hash) {
          found.edited.push(page);
          continue;
        }
        found.proved += 1;
        if (now.authority !== authority)
          found.faults.push(`${page} names the authority ${now.authority}, and ${authority} wrote it`);
        const issue = issues.find((one) => one.page === page && one.kind !== 'dead-link');
        if (issue) found.faults.push(`${page}, line ${issue.line}: ${issue.message}`);
      }
      return found;
    },
    mark: () => `${changes} changes`,
    async close() {
      await reactor.stop();
      await watcher.close();
      await index.close();
    },
  };
}

/** Pages that hold nothing of a brand whose they are not. */
function watchedPages(
  brand: Brand,
  pages: Pick<PageStore, 'read' | 'write'>,
  foreign: (to: string, text: string) => Promise<string | null>,
): Pick<PageStore, 'read' | 'write'> {
  return {
    read: (path) => pages.read(path),
    async write(path, text, change) {
      const to = path.split('/')[1] ?? '';
      const why = await foreign(to, text);
      if (why === null) return pages.write(path, text, change);
      const data = { run: null, rule: 'boundary-guard', reason: why, tool: 'page', layer: 'exit' };
      brand.record('exits', [{ type: 'guard.decided', data: { ...data, decision: 'deny' } }], librarian);
      return fail('not-authorized', `${path} is not written: ${why}`, 'leave it out');
    },
  };
}

/** Whether Atrium merged a commit. */
function isMerge(brand: Brand, commit: string): boolean {
  return (
    brand.store.query(
      "SELECT 1 FROM projection_tickets WHERE state = 'merged' AND json_extract(record, '$.merged.commit') = ? LIMIT 1",
      commit,
    ).length > 0
  );
}

/** Each page that was written for the brand, as it was written last. */
function writtenPages(brand: Brand): { page: string; authority: string; hash: string }[] {
  const last = new Map<string, { page: string; authority: string; hash: string }>();
  for (const event of brand.store.readStream('knowledge').map(asRecorded))
    if (event.type === 'page.written') last.set(event.data.page, event.data);
  return [...last.values()];
}

function toHit(hit: ReturnType<WikiIndex['search']>[number]): SearchHit {
  return { ...hit, sources: [...hit.sources] };
}

/** What was found and written, each event once: their ids are derived from what they follow. */
function recordReport(brand: Brand, ticket: TicketId, report: DistilReport, position: number): void {
  for (const finding of report.findings) {
    brand.record(
      'knowledge',
      [
        {
          type: 'finding.recorded',
          data: {
            finding: finding.id,
            confidence: finding.confidence,
            claim: finding.claim,
            action: finding.action,
            ticket,
          },
        },
      ],
      librarian,
      `distil:${position}:${finding.id}`,
    );
  }
  for (const { page, finding, authority, hash } of report.written) {
    brand.record(
      'knowledge',
      [{ type: 'page.written', data: { page, ticket, finding, authority, hash } }],
      librarian,
      `distil:${position}:${page}:${finding}`,
    );
  }
}

async function asDistilled(brand: Brand, ticket: Ticket): Promise<DistilTicket> {
  const result = ticket.results.at(-1)?.result;
  const gate = ticket.gates.at(-1)?.report;
  const repository = brand.repository(ticket.repository);
  const files =
    repository.ok && gate
      ? (await repository.value.git.changes(gate.onto, gate.tree)).map((change) => change.path)
      : [];
  return {
    id: ticket.id,
    title: ticket.draft.title,
    description: ticket.draft.description,
    state: ticket.state,
    why: ticket.blocked ? ticket.blocked.detail : ticket.draft.why,
    mergedCommit: ticket.merged?.commit ?? null,
    verdict: ticket.verdicts.at(-1)?.verdict.verdict ?? null,
    repository: ticket.repository,
    files,
    // What the `command` runtime says of itself is only its command: the operator's own words tell more.
    summary: ticket.runtime === 'command' ? ticket.draft.description : (result?.summary ?? ''),
    commands: ranByAtrium(ticket),
    requests: brand.store
      .readStream(ticketStream(ticket.id))
      .map(asRecorded)
      .flatMap((event) => (event.type === 'wiki.write-requested' ? event.data.text : [])),
    at: ticket.updatedAt,
  };
}

/** What Atrium itself ran on the merged tree: what the executor says that it ran is not evidence. */
function ranByAtrium(ticket: Ticket): DistilTicket['commands'] {
  return [ticket.checks.test, ticket.checks.lint, ...ticket.draft.acceptance]
    .filter((command) => command !== 'none')
    .map((command) => ({ command, exitCode: 0 }));
}

/** A page that no brand has. */
export function noPage(page: string): Result<PageView> {
  return fail('not-found', `there is no page ${page}`, 'see "atrium wiki list"');
}
