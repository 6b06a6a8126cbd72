import { mkdir, mkdtemp, readFile, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { PageStore } from '../../src-main/services/wiki/index.ts';

const librarian = { role: 'librarian', brand: 'label' };
const page = (words: string) =>
  `---\ntitle: Releases\nauthority: librarian\nconfidence: high\nsources:\n  - { kind: ticket, ref: "T-label-1" }\n---\n\n${words}\n`;

/**
 * What every page store must do. `make` gets a folder that exists and serves it under `wiki/label`.
 */
export function pageStoreConformance(name: string, make: (root: string) => PageStore): void {
  describe(`page store: ${name}`, () => {
    let home: string;
    let root: string;
    let store: PageStore;

    beforeEach(async () => {
      home = await mkdtemp(join(tmpdir(), 'atrium-pages-'));
      root = join(home, 'label');
      await mkdir(root);
      store = make(root);
    });
    afterEach(() => rm(home, { recursive: true, force: true }));

    async function written(path: string, text: string, expectedHash: string | null = null): Promise<string> {
      const outcome = await store.write(path, text, { author: librarian, expectedHash });
      if (!outcome.ok) throw new Error(outcome.failure.message);
      return outcome.value.hash;
    }

    test('a page is read back as it was written, with its hash, and listed', async () => {
      const text = page('Ünïcode ☃ 😀\r\nsecond line without an end');
      const hash = await written('wiki/label/notes/releases.md', text);
      expect(await store.read('wiki/label/notes/releases.md')).toEqual({
        ok: true,
        value: { path: 'wiki/label/notes/releases.md', text, hash },
      });
      expect((await store.list()).map((one) => one.path)).toEqual(['wiki/label/notes/releases.md']);
      expect(await readFile(join(root, 'notes/releases.md'), 'utf8')).toBe(text);
    });

    test('a page that is not there is not found', async () => {
      expect(await store.read('wiki/label/none.md')).toMatchObject({
        ok: false,
        failure: { code: 'not-found' },
      });
      const gone = await store.remove('wiki/label/none.md', { author: librarian, expectedHash: null });
      expect(gone).toMatchObject({ ok: false, failure: { code: 'not-found' } });
    });

    test('what was changed meanwhile is never overwritten', async () => {
      const first = await written('wiki/label/a.md', page('one'));
      await writeFile(join(root, 'a.md'), 'the operator was here\n');
      for (const expectedHash of [first, null]) {
        const late = await store.write('wiki/label/a.md', page('two'), { author: librarian, expectedHash });
        expect(late).toMatchObject({ ok: false, failure: { code: 'version-conflict' } });
      }
      const removal = await store.remove('wiki/label/a.md', { author: librarian, expectedHash: first });
      expect(removal).toMatchObject({ ok: false, failure: { code: 'version-conflict' } });
      expect(await readFile(join(root, 'a.md'), 'utf8')).toBe('the operator was here\n');
    });

    test('of many writers of one new page exactly one wins', async () => {
      const all = await Promise.all(
        Array.from({ length: 8 }, (_, i) =>
          store.write('wiki/label/race.md', page(`writer ${i}`), { author: librarian, expectedHash: null }),
        ),
      );
      expect(all.filter((one) => one.ok)).toHaveLength(1);
    });

    test('the same text again changes nothing', async () => {
      const hash = await written('wiki/label/a.md', page('one'));
      const again = await store.write('wiki/label/a.md', page('one'), {
        author: librarian,
        expectedHash: hash,
      });
      expect(again).toEqual({ ok: true, value: { path: 'wiki/label/a.md', hash, changed: false } });
    });

    test('a removed page is gone', async () => {
      const hash = await written('wiki/label/a.md', page('one'));
      expect(await store.remove('wiki/label/a.md', { author: librarian, expectedHash: hash })).toMatchObject({
        ok: true,
      });
      expect(await store.list()).toEqual([]);
    });

    test.each([
      ['../quant/secret.md', 'leaves the folder'],
      ['wiki/label/../quant/secret.md', 'leaves the folder'],
      ['wiki/quant/secret.md', 'is another brand’s'],
      ['wiki/labelled/secret.md', 'only begins like it'],
      ['/etc/passwd.md', 'is absolute'],
      ['C:/wiki/label/a.md', 'is absolute on Windows'],
      ['wiki\\label\\a.md', 'has backslashes'],
      ['wiki/label/a\u0000.md', 'holds a NUL'],
      ['wiki/label/a\n.md', 'holds a line break'],
      ['wiki/label//a.md', 'has an empty name'],
      ['wiki/label/.git/a.md', 'is hidden'],
      ['wiki/label/a.txt', 'is no markdown'],
      ['wiki/label', 'is the folder'],
      ['', 'is empty'],
      [`wiki/label/${'n'.repeat(300)}.md`, 'has a long name'],
      [`wiki/label/${'d/'.repeat(300)}a.md`, 'is long'],
    ])('the path %j is refused with a sentence: it %s', async (path) => {
      for (const outcome of [
        await store.read(path),
        await store.write(path, page('x'), { author: librarian, expectedHash: null }),
        await store.remove(path, { author: librarian, expectedHash: null }),
      ]) {
        expect(outcome).toMatchObject({ ok: false, failure: { code: 'invalid-input' } });
        if (!outcome.ok) expect(outcome.failure.message).toMatch(/^The page path .+\.$/);
      }
      expect(await readdir(home)).toEqual(['label']);
      expect(await readdir(root)).toEqual([]);
    });

    test('no symbolic link is followed, neither of a page nor of a folder', async () => {
      const outside = join(home, 'outside');
      await mkdir(outside);
      await writeFile(join(outside, 'secret.md'), 'secret');
      await symlink(join(outside, 'secret.md'), join(root, 'page.md'));
      await symlink(join(outside, 'new.md'), join(root, 'dangling.md'));
      await symlink(outside, join(root, 'folder'));
      for (const path of [
        'wiki/label/page.md',
        'wiki/label/dangling.md',
        'wiki/label/folder/secret.md',
        'wiki/label/folder/new.md',
      ]) {
        expect(await store.read(path)).toMatchObject({ ok: false, failure: { code: 'invalid-input' } });
        const write = await store.write(path, page('x'), { author: librarian, expectedHash: null });
        expect(write).toMatchObject({ ok: false, failure: { code: 'invalid-input' } });
      }
      expect(await store.list()).toEqual([]);
      expect(await readdir(outside)).toEqual(['secret.md']);
    });

    test('a name that differs only in case is refused', async () => {
      await written('wiki/label/Notes/Été.md', page('x'));
      for (const path of [
        'wiki/label/Notes/été.md',
        'wiki/label/notes/other.md',
        'wiki/label/Notes/E\u0301te\u0301.md',
      ]) {
        const twin = await store.write(path, page('x'), { author: librarian, expectedHash: null });
        expect(twin).toMatchObject({ ok: false, failure: { code: 'already-exists' } });
      }
    });

    test('a text that is too long or holds a NUL is refused', async () => {
      for (const text of [page('x'.repeat(1024 * 1024)), page('a\u0000b'), page('\uD800')]) {
        const refused = await store.write('wiki/label/a.md', text, { author: librarian, expectedHash: null });
        expect(refused).toMatchObject({ ok: false, failure: { code: 'invalid-file' } });
      }
      expect(await readdir(root)).toEqual([]);
    });
  });
}
