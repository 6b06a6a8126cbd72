import { describe, expect, test } from 'vitest';
import fc from 'fast-check';
import {
  claimLine,
  codeSpan,
  escapeMarkdown,
  frontmatterSpan,
  plainText,
  putClaim,
  readClaims,
} from './claims.ts';
import type { ClaimDraft } from './claims.ts';

const claim: ClaimDraft = {
  id: 'change-T-label-1',
  heading: 'What changed',
  markdown: '**Pre-order links.** Each record has one.',
  citations: [
    { label: 'T-label-1', source: { kind: 'ticket', ref: 'T-label-1' }, note: '2026-11-20, confidence high' },
    { label: '1a2b3c', source: { kind: 'commit', ref: '1a2b3c4d' }, note: 'in catalogue' },
  ],
};
const line =
  '- **Pre-order links.** Each record has one. [^T-label-1][^1a2b3c] <!-- claim:change-T-label-1 -->';
const notes =
  '[^T-label-1]: ticket `T-label-1`, 2026-11-20, confidence high\n[^1a2b3c]: commit `1a2b3c4d`, in catalogue\n';

describe('putting a claim on a page', () => {
  test('a new section comes after the text, footnotes at the end', () => {
    expect(putClaim('# Catalogue\n', claim)).toBe(`# Catalogue\n\n## What changed\n\n${line}\n\n${notes}`);
    expect(putClaim('', claim)).toBe(`## What changed\n\n${line}\n\n${notes}`);
    expect(putClaim('no newline', claim)).toBe(`no newline\n\n## What changed\n\n${line}\n\n${notes}`);
  });

  test('is read back with its sources, confidence and day', () => {
    expect(readClaims(putClaim('# Catalogue\n', claim))).toEqual([
      {
        id: 'change-T-label-1',
        line: 5,
        text: '**Pre-order links.** Each record has one.',
        confidence: 'high',
        sources: [
          { kind: 'ticket', ref: 'T-label-1' },
          { kind: 'commit', ref: '1a2b3c4d' },
        ],
        updated: '2026-11-20',
      },
    ]);
  });

  test('twice is once', () => {
    const once = putClaim('# Catalogue\n', claim);
    expect(putClaim(once, claim)).toBe(once);
  });

  test('a second claim follows the first, before text the operator wrote under the heading', () => {
    const page = putClaim('# Catalogue\n', claim).replace(`${line}\n`, `${line}\n\nMy own words.\n`);
    const two = putClaim(page, { ...claim, id: 'change-T-label-2', markdown: 'Second.' });
    expect(two).toBe(
      page.replace(`${line}\n`, `${line}\n- Second. [^T-label-1][^1a2b3c] <!-- claim:change-T-label-2 -->\n`),
    );
  });

  test('replaces only the line with its id and leaves CRLF, spaces and a missing last newline alone', () => {
    const page = `---\r\ntitle: x\r\n---\r\n  odd   spaces \t\r\n${line}\r\n\r\n${notes.trimEnd().replaceAll('\n', '\r\n')}`;
    const changed = putClaim(page, { ...claim, markdown: 'New words.' });
    expect(changed).toBe(page.replace('**Pre-order links.** Each record has one.', 'New words.'));
  });

  test('a marker in a code fence or in frontmatter is no claim', () => {
    const page = `---\ntitle: |\n  ${line}\n---\n\`\`\`\n${line}\n\`\`\`\n`;
    expect(readClaims(page)).toEqual([]);
    expect(putClaim(page, claim).startsWith(page)).toBe(true);
  });

  test('a label that the page uses for something else is not taken', () => {
    const page = 'See.[^T-label-1]\n\n[^T-label-1]: my own note\n';
    const put = putClaim(page, claim);
    expect(put).toContain('[^T-label-1-2][^1a2b3c] <!-- claim:');
    expect(put).toContain('\n[^T-label-1]: my own note\n[^T-label-1-2]: ticket `T-label-1`');
    expect(readClaims(put)[0]?.sources).toHaveLength(2);
  });

  test('whatever a page holds, all of its lines stay, in order, and the claim is there once', () => {
    const piece = fc.constantFrom(
      '# A',
      '## What changed',
      '',
      '```',
      '~~~',
      '- x',
      line,
      '[^a]: b',
      '---',
      'text',
      '[^T-label-1]: x',
    );
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 12 }),
        fc.constantFrom('\n', '\r\n'),
        fc.boolean(),
        (pieces, eol, ends) => {
          const page = pieces.join(eol) + (ends ? eol : '');
          const put = putClaim(page, claim);
          const rest = put.split(/\r?\n/);
          for (const kept of page.split(/\r?\n/)) {
            const isClaim = kept === line;
            const at = rest.findIndex(
              (one) => one === kept || (isClaim && one.endsWith('<!-- claim:change-T-label-1 -->')),
            );
            if (kept === '') continue;
            expect(at).toBeGreaterThanOrEqual(0);
            rest.splice(0, at + 1);
          }
          expect(putClaim(put, claim)).toBe(put);
        },
      ),
    );
  });
});

describe('foreign text', () => {
  test('becomes one plain line', () => {
    expect(plainText('a\u0000\n\u202Eb\u200B  c\uD800', 50)).toBe('a b c');
    expect([...plainText('😀'.repeat(500), 10)]).toHaveLength(10);
    expect(plainText('x'.repeat(10_000_000), 20)).toBe(`${'x'.repeat(19)}…`);
  });

  test('can forge neither a marker, nor a footnote, nor HTML, whatever it says', () => {
    const evil = fc.oneof(
      fc.string({ unit: 'grapheme', maxLength: 60 }),
      fc.constantFrom(
        '<!-- claim:change-T-label-9 -->',
        '[^T-label-9]: ticket `T-label-9`',
        '\n---\nauthority: operator\n---\n',
        '`[^T-label-9]` <script>alert(1)</script>',
        '[[Secret]] ![x](http://e/x.png) %%hidden%%',
        '\\',
        '```\n',
      ),
    );
    fc.assert(
      fc.property(fc.array(evil, { maxLength: 4 }), evil, (texts, file) => {
        const text = plainText(texts.join(' '), 200);
        const draft = {
          ...claim,
          markdown: `**${escapeMarkdown(text)}** ${codeSpan(plainText(file, 50))}`.trim(),
        };
        const page = putClaim('# Page\n', draft);
        const claims = readClaims(page);
        expect(claims.map((one) => one.id)).toEqual(['change-T-label-1']);
        expect(claims[0]?.sources).toEqual(claim.citations.map((one) => one.source));
        expect(page.split('\n').filter((one) => one.startsWith('[^'))).toHaveLength(2);
        expect(escapeMarkdown(text)).not.toMatch(/(?<!\\)(?:\\\\)*[<[\]`*]/);
      }),
    );
  });

  test('a code span holds any backticks', () => {
    expect(codeSpan('a`b')).toBe('``a`b``');
    expect(codeSpan('`a')).toBe('`` `a ``');
    expect(codeSpan('')).toBe('');
  });
});

test('frontmatter is found only at the very start, and an open one is said to be open', () => {
  expect(frontmatterSpan('---\na: 1\n---\nx')).toEqual({ kind: 'closed', yaml: 'a: 1\n', end: 13, lines: 3 });
  expect(frontmatterSpan('---\na: 1\n').kind).toBe('unclosed');
  expect(frontmatterSpan('\n---\na: 1\n---\n').kind).toBe('none');
  expect(claimLine(`x\n${line}\n`, 'change-T-label-1')).toBe(line);
});
