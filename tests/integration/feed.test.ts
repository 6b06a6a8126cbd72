import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { FeedItem } from '../../src-main/contract/feed.ts';
import { addBrand, held, makePlace } from '../support/workspace.ts';
import type { InProcessCore, TestPlace } from '../support/workspace.ts';

let place: TestPlace;
let core: InProcessCore;

beforeAll(async () => {
  place = makePlace();
  core = await place.open();
  for (const id of ['shop', 'many'])
    await addBrand(core.client, id, place.repository(id, { 'a.txt': 'a\n' }).path);
});
afterAll(async () => {
  await core.close();
  place.remove();
});

/** Fifty drafts as a file that can be taken in. */
async function manyDrafts(): Promise<string> {
  await core.client.ticket.draft({ brand: 'shop', draft: { title: 'One' } });
  const [exported] = held(await core.client.export({ brand: 'shop' }));
  const one = JSON.parse(readFileSync(exported?.file ?? '', 'utf8').split('\n')[0] ?? '') as object;
  const file = path.join(place.around, 'many.jsonl');
  const lines = Array.from({ length: 50 }, (_, n) => JSON.stringify({ ...one, id: `T-many-${n + 1}` }));
  writeFileSync(file, `${lines.join('\n')}\n`);
  return file;
}

test('a window is told what waits once for all that comes at a time, and not again where nothing changed', async () => {
  const file = await manyDrafts();
  const window = new AbortController();
  const items = (await core.client.feed({}, { signal: window.signal }))[Symbol.asyncIterator]();
  const told: FeedItem[] = [];
  const until = async (holds: (item: FeedItem) => boolean): Promise<void> => {
    for (;;) {
      const next = await items.next();
      if (next.done) throw new Error('the feed ended');
      told.push(next.value);
      if (holds(next.value)) return;
    }
  };
  const waits = (count: number) => (item: FeedItem) => item.kind === 'waiting' && item.items.length === count;
  await until((item) => item.kind === 'snapshot');

  held(await core.client.import({ brand: 'many', file }));
  await until(waits(50));
  expect(told.filter(({ kind }) => kind === 'waiting')).toHaveLength(1);

  held(await core.client.ticket.comment({ id: 'T-many-1', text: 'Not before spring.' }));
  await until((item) => item.kind === 'activity' && item.entry.type === 'ticket.commented');
  held(await core.client.ticket.draft({ brand: 'many', draft: { title: 'Two' } }));
  await until(waits(51));
  expect(told.filter(({ kind }) => kind === 'waiting')).toHaveLength(2);
  window.abort();
});
