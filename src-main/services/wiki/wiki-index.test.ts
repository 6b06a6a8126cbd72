import { mkdir, mkdtemp, readFile, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openWikiIndex } from './index.ts';
import type { IndexChange, WikiIndex } from './index.ts';

let home: string;
let index: WikiIndex;

const pageText = (title: string, body: string) =>
  `---\ntitle: ${title}\nauthority: librarian\nconfidence: high\nsources:\n  - { kind: ticket, ref: T-label-1 }\nupdated: 2026-11-20\n---\n\n# ${title}\n\n${body}\n`;

async function put(path: string, text: string): Promise<void> {
  await mkdir(join(home, path, '..'), { recursive: true });
  await writeFile(join(home, path), text);
}

function open(file = join(home, 'index.db')): WikiIndex {
  return openWikiIndex({
    file,
    roots: ['label', 'quant', '_global'].map((brand) => ({ brand, root: join(home, 'wiki', brand) })),
  });
}

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'atrium-index-'));
  index = open();
});
afterEach(async () => {
  await index.close();
  await rm(home, { recursive: true, force: true });
});

const found = (query: string, brand?: string) =>
  index.search(query, brand === undefined ? {} : { brand }).map((hit) => hit.page);

describe('refresh', () => {
  test('takes in what is new, changed and gone, and reads nothing twice', async () => {
    await put('wiki/label/a.md', pageText('Alpha', 'vinyl'));
    await put('wiki/label/sub/b.md', pageText('Beta', 'cassette'));
    expect(await index.refresh()).toEqual({ added: 2, changed: 0, removed: 0, total: 2 });
    expect(await index.refresh()).toEqual({ added: 0, changed: 0, removed: 0, total: 2 });
    await put('wiki/label/a.md', pageText('Alpha', 'shellac'));
    await rm(join(home, 'wiki/label/sub/b.md'));
    expect(await index.refresh()).toEqual({ added: 0, changed: 1, removed: 1, total: 1 });
    expect([found('vinyl'), found('cassette'), found('shellac')]).toEqual([[], [], ['wiki/label/a.md']]);
  });

  test('sees a change that keeps size and time, and a touch that changes nothing', async () => {
    await put('wiki/label/a.md', pageText('Alpha', 'vinyl'));
    await utimes(join(home, 'wiki/label/a.md'), 1000, 1000);
    await index.refresh();
    await put('wiki/label/a.md', pageText('Alpha', 'tapes'));
    await utimes(join(home, 'wiki/label/a.md'), 1000, 1000);
    expect(await index.differences()).toEqual(['wiki/label/a.md']);
    expect(await index.refresh()).toMatchObject({ changed: 1 });
    await utimes(join(home, 'wiki/label/a.md'), 2000, 2000);
    expect(await index.refresh()).toMatchObject({ changed: 0 });
    expect(await index.differences()).toEqual([]);
  });

  test('survives a restart; a damaged index file is made anew', async () => {
    await put('wiki/label/a.md', pageText('Alpha', 'vinyl'));
    await index.refresh();
    await index.close();
    index = open();
    expect(found('vinyl')).toEqual(['wiki/label/a.md']);
    await index.close();
    for (const suffix of ['-wal', '-shm']) await rm(join(home, `index.db${suffix}`), { force: true });
    await writeFile(join(home, 'index.db'), 'this is no database at all, whatever it was '.repeat(200));
    index = open();
    expect(found('vinyl')).toEqual([]);
    await index.refresh();
    expect(found('vinyl')).toEqual(['wiki/label/a.md']);
    expect(await index.rebuild()).toEqual({ added: 1, changed: 0, removed: 0, total: 1 });
  });
});

describe('search', () => {
  beforeEach(async () => {
    await put(
      'wiki/label/releases.md',
      pageText('Releases', 'Every pre-order of the café catalogue. [^T-label-1] <!-- claim:c1 -->'),
    );
    await put('wiki/label/other.md', pageText('Other', 'Mentions releases once among many other words.'));
    await put('wiki/quant/secret.md', pageText('Secret', 'releases of the sealed strategy'));
    await put('wiki/_global/terms.md', pageText('Terms', 'What releases means everywhere.'));
    await index.refresh();
  });

  test('a brand sees its own pages and the global ones, never another brand’s', () => {
    expect(found('releases', 'label')).toEqual([
      'wiki/label/releases.md',
      'wiki/_global/terms.md',
      'wiki/label/other.md',
    ]);
    expect(found('sealed strategy', 'label')).toEqual([]);
    expect(found('releases', 'quant').sort()).toEqual(['wiki/_global/terms.md', 'wiki/quant/secret.md']);
    expect(found('releases', '_global')).toEqual(['wiki/_global/terms.md']);
    expect(found('releases', 'nobody')).toEqual(['wiki/_global/terms.md']);
    expect(found('releases')).toHaveLength(4);
    expect(found('scope')).toEqual([]);
    expect(found(`s${Buffer.from('quant').toString('hex')}s`)).toEqual([]);
  });

  test('a hit names its page, title, confidence, sources and where it matched', () => {
    expect(index.search('CAFE cata', { brand: 'label', limit: 1 })).toEqual([
      {
        page: 'wiki/label/releases.md',
        title: 'Releases',
        brand: 'label',
        confidence: 'high',
        snippet: '# Releases Every pre-order of the \u0002café\u0003 \u0002catalogue\u0003.',
        sources: [{ kind: 'ticket', ref: 'T-label-1' }],
      },
    ]);
  });

  test('all words must be there, the last may be a beginning, quoted words are a phrase', () => {
    expect(found('catal', 'label')).toEqual(['wiki/label/releases.md']);
    expect(found('catal ', 'label')).toEqual([]);
    expect(found('café strategy')).toEqual([]);
    expect(found('"many other words"')).toEqual(['wiki/label/other.md']);
    expect(found('"words other many"')).toEqual([]);
  });

  test.each([
    '"',
    '""',
    '*',
    'a*"b',
    'NEAR(',
    '(',
    ') OR (',
    'title:',
    '{scope}: x',
    "'; DROP TABLE page; --",
    'AND',
    'NOT x',
    '\u0000',
    '-',
    '^a',
    '\uD800',
    '',
  ])('the query %j is harmless', (query) => {
    expect(Array.isArray(index.search(query, { brand: 'label' }))).toBe(true);
    expect(found('releases', 'label')).toHaveLength(3);
  });

  test('no text at all is a syntax error or reaches another brand', () => {
    const hostile = fc.array(
      fc.oneof(
        fc.string({ unit: 'binary', maxLength: 8 }),
        fc.constantFrom('"', ' OR ', 'scope:', '*', 'releases', ')'),
      ),
      { maxLength: 12 },
    );
    fc.assert(
      fc.property(hostile, (parts) => {
        for (const hit of index.search(parts.join(''), { brand: 'label', limit: 5 }))
          expect(hit.brand).not.toBe('quant');
      }),
      { numRuns: 500 },
    );
  });
});

describe('pages', () => {
  test('a page shows its claims with their evidence and what links to it', async () => {
    await put(
      'wiki/label/releases.md',
      `${pageText('Releases', '')}- Pre-orders. [^T-label-1] <!-- claim:c1 -->\n\n[^T-label-1]: ticket \`T-label-1\`, 2026-11-19, confidence medium\n`,
    );
    await put('wiki/label/by-name.md', 'See [[releases|the releases]] and `[[not this]]`.');
    await put('wiki/label/sub/by-path.md', 'See [releases](../releases.md#x).');
    await put('wiki/quant/foreign.md', 'See [[Releases]].');
    await index.refresh();
    const shown = await index.show('wiki/label/releases.md');
    expect(shown).toMatchObject({
      ok: true,
      value: {
        page: 'wiki/label/releases.md',
        brand: 'label',
        title: 'Releases',
        authority: 'librarian',
        updated: '2026-11-20',
        backlinks: ['wiki/label/by-name.md', 'wiki/label/sub/by-path.md'],
        claims: [
          {
            id: 'c1',
            text: 'Pre-orders.',
            confidence: 'medium',
            sources: ['ticket T-label-1'],
            updated: '2026-11-19',
          },
        ],
      },
    });
    expect(await index.show('wiki/label/releases.md', { brand: 'quant' })).toMatchObject({ ok: false });
    for (const path of [
      'wiki/label/none.md',
      'wiki/label/../quant/foreign.md',
      '/etc/passwd',
      'wiki/nobody/x.md',
    ]) {
      expect(await index.show(path)).toMatchObject({ ok: false });
    }
  });

  test.each([
    ['title: [\n', 3, '"]"'],
    ['title: x\nconfidence: certain\n', 3, 'confidence: certain'],
    ['title: x\nsources: T-label-1\n', 3, 'sources: T-label-1'],
    ['- a list\n', 2, '- a list'],
    ['title: x\ntitle: y\n', 3, 'title: y'],
  ])(
    'broken frontmatter %j is named with its line, and the page is still found',
    async (yaml, line, read) => {
      await put('wiki/label/broken.md', `---\n${yaml}---\n\nNever lost.\n`);
      await index.refresh();
      expect(found('never lost')).toEqual(['wiki/label/broken.md']);
      const [page] = index.pages({ brand: 'label' });
      expect(page?.path).toBe('wiki/label/broken.md');
      expect(page?.error).toMatch(/^wiki\/label\/broken\.md, line \d+: read .+, expected .+\.$/);
      if (read !== '"]"') expect(page?.error).toContain(`line ${line}: read ${JSON.stringify(read)}`);
      expect(await index.show('wiki/label/broken.md')).toMatchObject({
        ok: true,
        value: { title: 'broken' },
      });
    },
  );

  test('lint names uncited claims, dead links, sources that do not resolve and broken frontmatter', async () => {
    await put(
      'wiki/label/a.md',
      `${pageText('A', '[[b]] [[nowhere]] [[foreign]] [x](gone.md) [y](https://x.org/z.md)')}- Claim. <!-- claim:c1 -->\n`,
    );
    await put('wiki/label/b.md', '---\ntitle: [\n---\n');
    await put('wiki/quant/foreign.md', 'x');
    await index.refresh();
    const issues = await index.lint(() => Promise.reject(new Error('no log')), { brand: 'label' });
    expect(issues.map(({ kind, page, line }) => `${kind} ${page}:${line}`)).toEqual([
      'unresolved-source wiki/label/a.md:1',
      'dead-link wiki/label/a.md:12',
      'dead-link wiki/label/a.md:12',
      'dead-link wiki/label/a.md:12',
      'uncited wiki/label/a.md:13',
      expect.stringMatching(/^frontmatter wiki\/label\/b\.md:\d$/),
    ]);
  });

  test('the template that a new workspace starts with has nothing to mend', async () => {
    await put(
      'wiki/_global/README.md',
      await readFile(new URL('../../../wiki-template/_global/README.md', import.meta.url), 'utf8'),
    );
    await index.refresh();
    expect(await index.lint((source) => source.kind === 'operator')).toEqual([]);
    expect(index.pages()[0]).toMatchObject({ title: 'How this wiki works', error: null });
  });
});

describe('watching', () => {
  /** Resolves with the next change of the index that fits. */
  function next(fits: (change: IndexChange) => boolean): Promise<IndexChange> {
    return new Promise((resolve) => {
      const stop = index.onChange((change) => {
        if (!fits(change)) return;
        stop();
        resolve(change);
      });
    });
  }

  test('a page that an editor saves, renames or removes can be searched at once', async () => {
    await put('wiki/label/a.md', pageText('Alpha', 'vinyl'));
    await index.refresh();
    const errors: Error[] = [];
    await index.watch((error) => errors.push(error));

    let change = next((one) => one.page === 'wiki/label/a.md');
    await put('wiki/label/a.md', pageText('Alpha', 'shellac'));
    expect((await change).type).toBe('changed');
    if (found('shellac').length === 0) await next((one) => one.page === 'wiki/label/a.md');
    expect(found('shellac')).toEqual(['wiki/label/a.md']);

    change = next((one) => one.page === 'wiki/label/deep/new.md');
    await put('wiki/label/deep/new.md', pageText('New', 'flexi'));
    await change;

    change = next((one) => one.type === 'removed' && one.page === 'wiki/label/a.md');
    const arrival = next((one) => one.page === 'wiki/label/moved.md');
    await rename(join(home, 'wiki/label/a.md'), join(home, 'wiki/label/moved.md'));
    await Promise.all([change, arrival]);
    expect(found('shellac')).toEqual(['wiki/label/moved.md']);
    expect(errors).toEqual([]);
  });

  test('settled is a receipt: after it the index equals the files', async () => {
    const watcher = await index.watch((error) => {
      throw error;
    });
    for (let i = 0; i < 50; i += 1) await put(`wiki/label/p${i}.md`, pageText(`P${i}`, 'word'));
    await watcher.settled();
    expect(await index.differences()).toEqual([]);
    expect(index.search('word', { limit: 200 })).toHaveLength(50);
  });
});
