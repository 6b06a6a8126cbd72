import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { escapeMarkdown, isClaimId } from '../../domain/claims.ts';
import type { Confidence } from '../../domain/claims.ts';
import type { Finding } from '../../domain/distillation.ts';
import type { Route } from '../../domain/finding-route.ts';
import type { LedgerFile } from './ports.ts';

/**
 * What became of a finding. `planned` is on disk before the page is touched and becomes `written` after; `asked` waits for
 * the operator; `kept` stays in the ledger only; `refused`: the page's store did not take it.
 */
export type Outcome = 'planned' | 'written' | 'asked' | 'kept' | 'refused';

/**
 * What the ledger remembers of a finding: digests of the claim as it was or is to be written, the newest last. A plan
 * keeps the earlier ones, for until it is done the page may hold any of them.
 */
export type Remembered = { readonly outcome: Outcome; readonly digests: readonly string[] };

const MARKER =
  /<!-- finding:([A-Za-z0-9][A-Za-z0-9._-]{0,99}) (planned|written|asked|kept|refused) (-|[0-9a-f]{12}(?:\.[0-9a-f]{12}){0,4}) -->\s*$/;

/** The findings that a ledger's text holds, by id. */
export function readLedger(text: string | null): Map<string, Remembered> {
  const remembered = new Map<string, Remembered>();
  for (const line of (text ?? '').split('\n')) {
    const [, id, outcome, digests] = MARKER.exec(line.slice(-300)) ?? [];
    if (id === undefined || digests === undefined) continue;
    remembered.set(id, { outcome: outcome as Outcome, digests: digests === '-' ? [] : digests.split('.') });
  }
  return remembered;
}

/** One line of the ledger. */
export type Entry = { readonly id: string; readonly line: string };

/** How a finding stands in the ledger. */
export function entryOf(
  finding: Finding,
  route: Route,
  outcome: Outcome,
  digests: readonly string[],
  why: string,
): Entry {
  const where: Record<Outcome, string> = {
    planned: `being written to [[${route.page.replace(/\.md$/, '')}]]`,
    written: `written to [[${route.page.replace(/\.md$/, '')}]]`,
    asked: 'asked',
    kept: 'not kept on a page',
    refused: 'refused',
  };
  const sources = finding.evidence.map((source) => `${source.kind} ${escapeMarkdown(source.ref)}`).join(', ');
  const parts = [
    `- **${labelOf(route.confidence)}, ${where[outcome]}:** ${escapeMarkdown(finding.claim)}`,
    `(${escapeMarkdown(why)}; evidence: ${sources === '' ? 'none' : sources})`,
    `<!-- finding:${finding.id} ${outcome} ${digests.length === 0 ? '-' : digests.slice(-5).join('.')} -->`,
  ];
  return { id: finding.id, line: parts.join(' ') };
}

function labelOf(confidence: Confidence): string {
  return confidence.charAt(0).toUpperCase() + confidence.slice(1);
}

/**
 * The ledger with these entries: a line for an id that is there is replaced, others are added at the end, every other line
 * stays.
 */
export function putEntries(
  text: string | null,
  about: { brand: string; day: string },
  entries: readonly Entry[],
): string {
  const lines = (text ?? emptyLedger(about)).split('\n');
  const at = new Map<string, number>();
  lines.forEach((line, index) => {
    const id = MARKER.exec(line.slice(-300))?.[1];
    if (id !== undefined && !at.has(id)) at.set(id, index);
  });
  const added: string[] = [];
  for (const { id, line } of entries) {
    if (!isClaimId(id))
      throw new RangeError(`The finding id ${JSON.stringify(id)} cannot stand in a ledger.`);
    const index = at.get(id);
    if (index === undefined) added.push(line);
    else lines[index] = line;
  }
  while (lines.at(-1) === '') lines.pop();
  const gap = added.length > 0 && !MARKER.test((lines.at(-1) ?? '').slice(-300)) ? [''] : [];
  return [...lines, ...gap, ...added, ''].join('\n');
}

function emptyLedger({ brand, day }: { brand: string; day: string }): string {
  const title = `Ledger of ${brand}, ${day}`;
  return [
    '---',
    `title: ${JSON.stringify(title)}`,
    `brand: ${brand}`,
    `day: ${day}`,
    '---',
    '',
    `# ${title}`,
    '',
    'Everything that distillation saw of this day, kept or not, and why.',
    '',
  ].join('\n');
}

/**
 * Ledgers as files: `<workspace>/brands/<brand>/ledger/<day>.md`.
 *
 * @param workspace absolute path of the workspace
 */
export function fileLedger({ workspace }: { workspace: string }): LedgerFile {
  const folderOf = (brand: string) => join(workspace, 'brands', brand, 'ledger');
  const checked = (brand: string, day: string) => {
    if (!/^[a-z][a-z0-9-]{0,31}$/.test(brand))
      throw new RangeError(`${JSON.stringify(brand)} is no brand's id.`);
    if (!/^\d{4}-\d{2}-\d{2}$/.test(day))
      throw new RangeError(`${JSON.stringify(day)} is no day; expected YYYY-MM-DD.`);
    return `${day}.md`;
  };
  return {
    path: (brand, day) => `brands/${brand}/ledger/${checked(brand, day)}`,
    async read(brand, day) {
      try {
        const handle = await open(
          join(folderOf(brand), checked(brand, day)),
          constants.O_RDONLY | constants.O_NOFOLLOW,
        );
        try {
          return await handle.readFile('utf8');
        } finally {
          await handle.close();
        }
      } catch (error) {
        if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
        throw error;
      }
    },
    async write(brand, day, text) {
      const name = checked(brand, day);
      const folder = folderOf(brand);
      await mkdir(folder, { recursive: true });
      const temporary = join(folder, `.atrium-${randomBytes(6).toString('hex')}.tmp`);
      try {
        const handle = await open(temporary, 'wx', 0o644);
        try {
          await handle.writeFile(text);
          await handle.sync();
        } finally {
          await handle.close();
        }
        await rename(temporary, join(folder, name));
      } finally {
        await rm(temporary, { force: true });
      }
      const handle = await open(folder, constants.O_RDONLY);
      try {
        await handle.sync();
      } finally {
        await handle.close();
      }
    },
  };
}
