import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readContracts } from '../../src-main/app/configuration.ts';
import { decideCall } from '../../src-main/app/guard.ts';
import { compilePolicy } from '../../src-main/domain/policy.ts';
import { checkedPageStore, filePageStore, type PageStore } from '../../src-main/services/wiki/index.ts';
import { held, makePlace, type TestPlace } from '../support/workspace.ts';

/** Who may write which page: asked of the store that the core composes, and of the same store without its check. */

let place: TestPlace;
let unchecked: PageStore;
let checked: PageStore;

const GOOD =
  '---\ntitle: Hours\nauthority: librarian\nsources:\n  - { kind: ticket, ref: T-acme-1 }\n---\n\nText.\n';

beforeAll(() => {
  place = makePlace();
  const wiki = path.join(place.workspace, 'wiki');
  for (const brand of ['acme', 'beta', '_global']) mkdirSync(path.join(wiki, brand), { recursive: true });
  unchecked = filePageStore({ root: wiki, prefix: 'wiki' });
  checked = checkedPageStore(unchecked, {
    authorize: (page, author) => {
      const contracts = held(readContracts(path.join(place.workspace, 'agents')));
      const contract = contracts.find(({ name }) => name === author.role);
      if (!contract) return { allowed: false, rule: 'contract-missing', reason: 'there is none' };
      const policy = compilePolicy(
        { contract, workspace: [], brand: [], ticket: [], foreign: [] },
        () => () => false,
      );
      const { decision, rule, reason } = decideCall(
        policy,
        { tool: 'edit', paths: [path.join(place.workspace, page)], text: page },
        place.workspace,
        { brand: 'acme', workspace: place.workspace, checkouts: [], inTicket: () => false },
      );
      return { allowed: decision === 'allow', rule, reason };
    },
  });
});
afterAll(() => place.remove());

const write = (store: PageStore, page: string, text: string, role: string) =>
  store.write(page, text, { author: { role, brand: 'acme' }, expectedHash: null });

test('the librarian writes a page of its brand that names its evidence', async () => {
  expect(await write(checked, 'wiki/acme/hours.md', GOOD, 'librarian')).toMatchObject({ ok: true });
});

test.each<[string, string, string, string, string]>([
  ['another brand (wiki.other-brand)', 'wiki/beta/hours.md', GOOD, 'librarian', 'not-authorized'],
  ['every brand (wiki.global)', 'wiki/_global/hours.md', GOOD, 'librarian', 'not-authorized'],
  [
    'its brand, as an executor (wiki.executor)',
    'wiki/acme/by-executor.md',
    GOOD,
    'ticket-executor',
    'not-authorized',
  ],
  [
    'a claim without evidence (wiki.uncited)',
    'wiki/acme/uncited.md',
    `${GOOD}\n- It never closes. <!-- claim:c-1 -->\n`,
    'librarian',
    'invalid-file',
  ],
  [
    'a page without authority (wiki.no-authority)',
    'wiki/acme/nobody.md',
    GOOD.replace('authority: librarian\n', ''),
    'librarian',
    'invalid-file',
  ],
])(
  '%s: refused, and nothing is there; without the check it is written',
  async (_name, page, text, role, code) => {
    const file = path.join(place.workspace, page);
    expect(await write(checked, page, text, role)).toMatchObject({ ok: false, failure: { code } });
    expect(existsSync(file)).toBe(false);
    expect(await write(unchecked, page, text, role)).toMatchObject({ ok: true });
    expect(existsSync(file)).toBe(true);
  },
);

test.each([
  'wiki/acme/../beta/up.md',
  'wiki/acme/../../agents/up.md',
  '/etc/up.md',
  'wiki/acme/./up.md',
  'wiki/acme/.hidden/up.md',
])('the path %s leads nowhere; whoever joins it is led out (wiki.upward)', async (page) => {
  expect(await write(unchecked, page, GOOD, 'operator')).toMatchObject({ ok: false });
  const joined = path.join(place.workspace, page);
  expect(page.includes('..') ? joined.startsWith(path.join(place.workspace, 'wiki', 'acme')) : false).toBe(
    false,
  );
});

test('a link among the pages is not written through; a plain write is led out (wiki.link)', async () => {
  const outside = path.join(place.around, 'outside');
  mkdirSync(outside);
  writeFileSync(path.join(outside, 'page.md'), 'mine');
  const inside = path.join(place.workspace, 'wiki', 'acme', 'led');
  symlinkSync(outside, inside);
  symlinkSync(path.join(outside, 'page.md'), path.join(place.workspace, 'wiki', 'acme', 'led.md'));
  for (const page of ['wiki/acme/led/page.md', 'wiki/acme/led/new.md', 'wiki/acme/led.md'])
    await write(checked, page, GOOD, 'librarian');
  expect(readFileSync(path.join(outside, 'page.md'), 'utf8')).toBe('mine');
  expect(existsSync(path.join(outside, 'new.md'))).toBe(false);
  writeFileSync(path.join(inside, 'page.md'), 'theirs');
  expect(readFileSync(path.join(outside, 'page.md'), 'utf8')).toBe('theirs');
});
