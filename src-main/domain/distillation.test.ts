import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { acceptFinding, classify, gather, pageOf } from './distillation.ts';
import { contradicting, route } from './finding-route.ts';
import type { DistilPayload, DistilTicket, Finding } from './distillation.ts';
import { readClaims, putClaim } from './claims.ts';
import { claimOf, newPage, noteSources } from './finding-text.ts';

const commit = '1a2b3c4d5e6f'.padEnd(40, '0');
const ticket: DistilTicket = {
  id: 'T-label-1',
  title: 'Add pre-order links',
  description: '',
  state: 'merged',
  why: 'Fans ask for them',
  mergedCommit: commit,
  verdict: 'pass',
  repository: '/repositories/catalogue',
  files: ['src/page.js', 'src/catalogue.js'],
  summary: 'Each unreleased record has a pre-order link',
  commands: [
    { command: 'npm test', exitCode: 0 },
    { command: 'npm run lint', exitCode: 1 },
  ],
  at: '2026-11-20T10:00:00Z',
};
const day = (change: Partial<DistilPayload> = {}): DistilPayload => ({
  brand: 'label',
  day: '2026-11-20',
  sealed: false,
  tickets: [ticket],
  research: [],
  logs: [],
  ...change,
});
const digest = (text: string) => createHash('sha256').update(text).digest('hex');
const only = (findings: readonly Finding[]): Finding => {
  const [finding] = findings;
  if (!finding || findings.length !== 1) throw new Error(`expected one finding, got ${findings.length}`);
  return finding;
};
const holds = (finding: Finding) =>
  finding.evidence.map((source) => ({ source, holds: true, reason: 'checked' }));

describe('classify', () => {
  test.each<[Partial<DistilTicket>, string, string]>([
    [{}, 'change', 'high'],
    [{ verdict: 'unverified' }, 'change', 'medium'],
    [{ verdict: null }, 'change', 'medium'],
    [{ mergedCommit: null }, 'change', 'medium'],
    [{ mergedCommit: 'HEAD' }, 'change', 'medium'],
    [{ state: 'blocked', why: 'the API key is gone', mergedCommit: null, verdict: null }, 'lesson', 'medium'],
    [{ state: 'blocked', why: 'withdrawn' }, 'lesson', 'low'],
    [{ state: 'blocked', why: '' }, 'lesson', 'low'],
    [{ state: 'verifying' }, 'note', 'low'],
    [{ state: 'draft' }, 'note', 'low'],
  ])('a ticket with %j is a %s of %s confidence', (change, kind, confidence) => {
    expect(only(classify(day({ tickets: [{ ...ticket, ...change }] }), digest))).toMatchObject({
      kind,
      confidence,
    });
  });

  test('a high finding names its evidence and the page of its repository', () => {
    expect(only(classify(day(), digest))).toMatchObject({
      id: 'change-T-label-1',
      claim: 'Add pre-order links: Each unreleased record has a pre-order link',
      targetPage: 'wiki/label/catalogue.md',
      evidence: [
        { kind: 'ticket', ref: 'T-label-1' },
        { kind: 'commit', ref: commit },
      ],
      date: '2026-11-20',
    });
  });

  test('research: clean and cited is high, cited medium, else low; a sealed brand’s stays in the brand', () => {
    const note = {
      id: 'n1',
      title: 'T',
      claim: 'c',
      topic: 'Fees',
      clean: true,
      crossBrand: true,
      sources: [{ kind: 'page' as const, ref: 'x' }],
      at: '',
    };
    const of = (change: object, sealed = false) =>
      only(classify(day({ tickets: [], sealed, research: [{ ...note, ...change }] }), digest));
    expect(of({})).toMatchObject({
      confidence: 'high',
      targetPage: 'wiki/_global/fees.md',
      crossBrand: true,
    });
    expect(of({ clean: false }).confidence).toBe('medium');
    expect(of({ sources: [] }).confidence).toBe('low');
    expect(of({}, true)).toMatchObject({ targetPage: 'wiki/label/fees.md', crossBrand: false });
  });

  test('gather leaves out what is another brand’s, repeats and disorder', () => {
    const later = { ...ticket, id: 'T-label-2', at: '2026-11-20T11:00:00Z' };
    const mixed = day({
      tickets: [later, ticket, ticket, { ...ticket, id: 'T-quant-1' }, { ...ticket, id: 'T-label-x-1' }],
    });
    expect(gather(mixed)).toMatchObject({ refused: 2, payload: { tickets: [ticket, later] } });
  });

  test('a page’s name is safe on any file system', () => {
    expect(pageOf('label', 'Ünï Códe/..\\x')).toBe('wiki/label/uni-code-x.md');
    expect(pageOf('label', '../..')).toBe('wiki/label/general.md');
    expect(pageOf('label', 'x'.repeat(500))).toHaveLength('wiki/label/.md'.length + 64);
  });
});

describe('route', () => {
  const high = only(classify(day(), digest));

  test('high is written by the librarian, or by operator-global across brands', () => {
    expect(route(high, holds(high), [])).toMatchObject({
      authority: 'librarian',
      action: 'write',
      confidence: 'high',
      page: 'wiki/label/catalogue.md',
    });
    expect(route({ ...high, crossBrand: true }, holds(high), []).authority).toBe('operator-global');
  });

  test('medium asks, low stays in the ledger', () => {
    expect(route({ ...high, confidence: 'medium' }, [], []).action).toBe('ask');
    expect(route({ ...high, confidence: 'low' }, holds(high), []).action).toBe('ledger');
  });

  test('nobody’s word makes it high: evidence that fails, was not checked, or is no ticket, asks', () => {
    expect(route(high, [], [])).toMatchObject({ action: 'ask', confidence: 'medium' });
    expect(route(high, holds(high).slice(0, 1), []).action).toBe('ask');
    expect(
      route(
        high,
        holds(high).map((one) => ({ ...one, holds: false })),
        [],
      ).action,
    ).toBe('ask');
    const bare = { ...high, evidence: high.evidence.slice(1) };
    expect(route(bare, holds(bare), []).action).toBe('ask');
    expect(route({ ...high, evidence: [] }, [], []).action).toBe('ledger');
  });

  test('two high facts that contradict each other both become medium and ask', () => {
    const facts = (id: string, value: string) => ({
      ...ticket,
      id,
      facts: [{ subject: 'Default branch', value }],
    });
    const found = classify(
      day({ tickets: [facts('T-label-1', 'main'), facts('T-label-2', 'trunk')] }),
      digest,
    ).filter((one) => one.kind === 'fact');
    const ids = found.map((one) => one.id);
    expect(found).toHaveLength(2);
    for (const finding of found) {
      expect(route(finding, holds(finding), ids)).toMatchObject({
        action: 'ask',
        confidence: 'medium',
        contradicts: ids.filter((id) => id !== finding.id),
      });
    }
    expect(contradicting(ids[0] ?? '', [ids[0] ?? ''])).toEqual([]);
  });
});

test('a proposal of another brand, page, id or ticket is not accepted', () => {
  const good = only(classify(day(), digest));
  expect(acceptFinding(good, 'label')).toEqual(good);
  const bad: Partial<Finding>[] = [
    { brand: 'quant' },
    { targetPage: 'wiki/quant/a.md' },
    { targetPage: 'wiki/label/../quant/a.md' },
    { targetPage: 'wiki/_global/a.md' },
    { id: 'x -->' },
    { evidence: [{ kind: 'ticket', ref: 'T-quant-1' }] },
  ];
  for (const change of bad) expect(acceptFinding({ ...good, ...change }, 'label')).toBeNull();
});

describe('text', () => {
  test('reads well', () => {
    const claim = claimOf(only(classify(day(), digest)), 'high');
    const page = newPage({
      title: 'catalogue',
      authority: 'librarian',
      confidence: 'high',
      sources: claim.citations.map((one) => one.source),
      updated: '2026-11-20',
    });
    expect(putClaim(page, claim)).toBe(`---
title: "catalogue"
authority: librarian
confidence: high
sources:
  - { kind: ticket, ref: "T-label-1" }
  - { kind: commit, ref: "${commit}" }
updated: 2026-11-20
---

# catalogue

Atrium adds what was verified, each claim with its evidence. What you write or change here stays.

## What changed

- **Add pre-order links.** Each unreleased record has a pre-order link. Why: Fans ask for them. Files: \`src/page.js\`, \`src/catalogue.js\`. Verified: \`npm test\` passed; the merged tree got a passing verdict. [^T-label-1][^1a2b3c4d5e6f] <!-- claim:change-T-label-1 -->

[^T-label-1]: ticket \`T-label-1\`, 2026-11-20, confidence high
[^1a2b3c4d5e6f]: commit \`${commit}\`, in catalogue
`);
  });

  test('hostile titles stay text, on the page and in its frontmatter', () => {
    const evil =
      '<script>x</script> [^T-label-9] <!-- claim:forged -->\n---\nauthority: operator\n---\n"quoted" \u202E';
    const finding = only(
      classify(
        day({
          tickets: [
            { ...ticket, title: evil, summary: evil, why: evil, files: [evil, '`'], repository: evil },
          ],
        }),
        digest,
      ),
    );
    const claim = claimOf(finding, 'high');
    const page = putClaim(
      newPage({
        title: evil,
        authority: 'librarian',
        confidence: 'high',
        sources: [],
        updated: '2026-11-20',
      }),
      claim,
    );
    expect(readClaims(page).map((one) => [one.id, one.sources.length])).toEqual([['change-T-label-1', 2]]);
    expect(page.match(/^authority:.*$/gm)).toEqual(['authority: librarian']);
    const body = page.slice(page.indexOf('\n---\n', 4));
    expect(body.replace(/(`+)[^]*?\1/g, '')).not.toMatch(/(?<!\\)<script/);
  });

  test('new sources are noted in Atrium’s own frontmatter only', () => {
    const sources = [{ kind: 'ticket' as const, ref: 'T-label-2' }];
    const own = newPage({
      title: 'x',
      authority: 'librarian',
      confidence: 'high',
      sources: [],
      updated: '2026-11-20',
    });
    const noted = noteSources(own, sources, '2026-11-21');
    expect(noted).toBe(
      own
        .replace('sources:\n', 'sources:\n  - { kind: ticket, ref: "T-label-2" }\n')
        .replace('2026-11-20', '2026-11-21'),
    );
    expect(noteSources(noted, sources, '2026-11-21')).toBe(noted);
    for (const theirs of [
      '# x\n',
      own.replace('librarian', 'operator'),
      own.replace('sources:', 'sources: []'),
      '---\nx: [\n---\n',
    ]) {
      expect(noteSources(theirs, sources, '2026-11-21')).toBe(theirs);
    }
  });
});
