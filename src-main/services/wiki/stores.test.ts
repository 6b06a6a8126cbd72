import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { checkedPageStore, eventedPageStore, filePageStore } from './index.ts';
import type { PageEvent } from './index.ts';

const operator = { role: 'operator' };
const librarian = { role: 'librarian', brand: 'label' };
const cited =
  '---\ntitle: R\nauthority: librarian\nsources:\n  - { kind: ticket, ref: T-label-1 }\n---\n\nText.\n';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'atrium-wiki-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

describe('files', () => {
  test('a writer killed in the middle leaves one whole text, and its leavings are swept', async () => {
    const script = `
      import { filePageStore } from ${JSON.stringify(new URL('./index.ts', import.meta.url).href)};
      const store = filePageStore({ root: ${JSON.stringify(root)}, prefix: 'wiki/label' });
      let expectedHash = null;
      for (let i = 0; ; i += 1) {
        const text = String(i % 10).repeat(900_000) + '\\n';
        const write = await store.write('wiki/label/a.md', text, { author: { role: 'operator' }, expectedHash });
        expectedHash = write.value.hash;
        console.log(i);
      }`;
    for (let round = 0; round < 3; round += 1) {
      await rm(join(root, 'a.md'), { force: true });
      const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      for await (const line of createInterface({ input: child.stdout })) if (Number(line) >= 3 + round) break;
      child.kill('SIGKILL');
      await once(child, 'exit');
      const text = await readFile(join(root, 'a.md'), 'utf8');
      expect(text).toHaveLength(900_001);
      expect(text).toBe(`${text.charAt(0).repeat(900_000)}\n`);
    }
    await writeFile(join(root, '.atrium-4194303-1.tmp'), 'half');
    const store = filePageStore({ root, prefix: 'wiki/label' });
    expect((await store.list()).map((page) => page.path)).toEqual(['wiki/label/a.md']);
    await store.write('wiki/label/b.md', 'x', { author: operator, expectedHash: null });
    expect((await readdir(root)).sort()).toEqual(['a.md', 'b.md']);
  }, 60_000);

  test('a writer that dies with half of the text on disk leaves the page as it was', async () => {
    const store = filePageStore({ root, prefix: 'wiki/label' });
    const before = await store.write('wiki/label/a.md', 'as it was\n', {
      author: operator,
      expectedHash: null,
    });
    const script = `
      import { filePageStore } from ${JSON.stringify(new URL('./index.ts', import.meta.url).href)};
      const store = filePageStore({ root: ${JSON.stringify(root)}, prefix: 'wiki/label' });
      await store.write('wiki/label/a.md', 'new'.repeat(300_000), {
        author: { role: 'operator' }, expectedHash: ${JSON.stringify(before.ok ? before.value.hash : null)} });`;
    // No file may grow beyond 100 blocks: the write ends in the middle, as on a full disk.
    const limited = ['-c', 'ulimit -f 100; exec "$0" --input-type=module -e "$1"', process.execPath, script];
    const child = spawn('/bin/sh', limited, { stdio: 'ignore' });
    const [code, signal] = (await once(child, 'exit')) as [number | null, string | null];
    expect(code === 0 && signal === null).toBe(false);
    expect(await readFile(join(root, 'a.md'), 'utf8')).toBe('as it was\n');
    expect((await store.list()).map((page) => page.path)).toEqual(['wiki/label/a.md']);
  }, 60_000);

  test('history keeps what was replaced and what was removed, newest first', async () => {
    const historyRoot = await mkdtemp(join(tmpdir(), 'atrium-history-'));
    const store = filePageStore({ root, prefix: 'wiki/label', historyRoot });
    let expectedHash: string | null = null;
    for (const text of ['one', 'two', 'three']) {
      const write = await store.write('wiki/label/a.md', text, { author: operator, expectedHash });
      expectedHash = write.ok ? write.value.hash : null;
    }
    await store.remove('wiki/label/a.md', { author: operator, expectedHash });
    const history = await store.history('wiki/label/a.md');
    expect(history.ok && history.value.map((one) => one.text).sort()).toEqual(['one', 'three', 'two']);
    await rm(historyRoot, { recursive: true });
  });
});

describe('checked', () => {
  const brandOnly = (path: string, author: { role: string }) => ({
    allowed: author.role === 'librarian' && path.startsWith('wiki/label/'),
    rule: 'librarian-writes-brand',
    reason: 'its contract names wiki/label/ only',
  });
  const store = () => checkedPageStore(filePageStore({ root, prefix: 'wiki' }), { authorize: brandOnly });

  test('a role writes only where its contract lets it', async () => {
    expect(
      await store().write('wiki/label/a.md', cited, { author: librarian, expectedHash: null }),
    ).toMatchObject({ ok: true });
    for (const path of ['wiki/quant/a.md', 'wiki/_global/a.md']) {
      const refused = await store().write(path, cited, { author: librarian, expectedHash: null });
      expect(refused).toMatchObject({ ok: false, failure: { code: 'not-authorized' } });
      if (!refused.ok) expect(refused.failure.message).toContain('librarian-writes-brand');
    }
    const removal = await store().remove('wiki/label/a.md', {
      author: { role: 'scout' },
      expectedHash: null,
    });
    expect(removal).toMatchObject({ ok: false, failure: { code: 'not-authorized' } });
  });

  test('a policy that cannot be asked refuses', async () => {
    const broken = checkedPageStore(filePageStore({ root, prefix: 'wiki' }), {
      authorize: () => Promise.reject(new Error('no rules')),
    });
    const refused = await broken.write('wiki/label/a.md', cited, { author: librarian, expectedHash: null });
    expect(refused).toMatchObject({ ok: false, failure: { code: 'not-authorized' } });
  });

  test.each([
    ['no source at all', cited.replace(/sources:\n.*\n/, '')],
    ['no frontmatter', 'Text.\n'],
    ['a claim without a footnote', `${cited}\n- Something. <!-- claim:c-1 -->\n`],
    ['a claim whose footnote is nowhere', `${cited}\n- Something. [^T-label-9] <!-- claim:c-1 -->\n`],
    ['broken frontmatter', cited.replace('title: R', 'title: [')],
    ['no authority', cited.replace('authority: librarian\n', '')],
  ])('a page by a role with %s is refused', async (_, text) => {
    const refused = await store().write('wiki/label/a.md', text, { author: librarian, expectedHash: null });
    expect(refused).toMatchObject({ ok: false, failure: { code: 'invalid-file' } });
    expect(await readdir(root)).toEqual([]);
  });

  test('the operator writes what and where they like', async () => {
    expect(
      await store().write('wiki/quant/a.md', 'no source\n', { author: operator, expectedHash: null }),
    ).toMatchObject({ ok: true });
  });
});

test('evented tells of what is on disk, and of nothing else', async () => {
  const events: PageEvent[] = [];
  const store = eventedPageStore(
    filePageStore({ root, prefix: 'wiki/label' }),
    (event) => void events.push(event),
  );
  const write = await store.write('wiki/label/a.md', 'x', { author: operator, expectedHash: null });
  const hash = write.ok ? write.value.hash : '';
  await store.write('wiki/label/a.md', 'x', { author: operator, expectedHash: hash });
  await store.write('wiki/label/a.md', 'y', { author: operator, expectedHash: null });
  await store.remove('wiki/label/a.md', { author: operator, expectedHash: hash });
  expect(events).toEqual([
    { type: 'page.written', path: 'wiki/label/a.md', hash, author: operator },
    { type: 'page.removed', path: 'wiki/label/a.md', author: operator },
  ]);
});
