import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { createRouterClient } from '@orpc/server';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createApp } from '../../src-main/app/index.ts';
import type { App } from '../../src-main/app/index.ts';
import type { TicketDetail } from '../../src-main/contract/tickets.ts';
import { laySiege, type Siege } from '../adversarial/siege.ts';
import { addBrand, appRoot, held, makePlace, nodePath } from '../support/workspace.ts';
import type { OperatorClient, TestPlace, TestRepository } from '../support/workspace.ts';

/** Ages go by the calendar of whoever asks, as `ATRIUM_NOW` moves it; boundaries are tried a second before and at them. */

const HOUR = 3_600_000;
let place: TestPlace;
let app: App;
let siege: Siege;
let shop: TestRepository;
/** A blocked ticket whose checkout is there. */
let source: TicketDetail;

const at = (instant: number): OperatorClient =>
  createRouterClient(app.router('cli'), {
    context: { door: 'cli', now: new Date(instant).toISOString() },
  }) as OperatorClient;
const now = () => createRouterClient(app.router('cli'), { context: { door: 'cli' } }) as OperatorClient;
const startAt = async (instant: number): Promise<string> => {
  let reason = '';
  for await (const report of await at(instant).start({ phase: 2 }))
    reason = report.phases[0]?.reason ?? reason;
  return reason;
};
const checkout = (name: string): string => path.join(place.workspace, 'checkouts', 'shop', name);
const order = async (title: string, command: string): Promise<TicketDetail> => {
  const { id } = await siege.order('shop', {
    title,
    paths: [`${title}/**`],
    acceptance: ['true'],
    command,
  });
  return siege.until(id, ({ state }) => state === 'merged' || state === 'blocked');
};

beforeAll(async () => {
  place = makePlace({ maxCheckouts: 3 });
  shop = place.repository('shop', { 'a.txt': 'a\n' });
  const made = await createApp({
    workspace: place.workspace,
    appRoot,
    nodePath,
    version: '0.0.0-test',
    environment: place.environment,
    log: () => undefined,
  });
  if (!made.ok) throw new Error(made.failure.message);
  app = made.value;
  siege = laySiege({ client: now() });
  await addBrand(now(), 'shop', shop.path);
});
afterAll(async () => {
  await siege.end();
  await app.close();
  place.remove();
});

test('[B5] the checkout of a blocked ticket goes three days after, at a start; what was not committed is kept as a ref', async () => {
  const blocked = await order('blocked', 'mkdir blocked; echo dirty > blocked/left.txt; exit 1');
  expect(blocked.state).toBe('blocked');
  expect(existsSync(checkout(blocked.id))).toBe(true);
  const ended = Date.parse(blocked.updatedAt);

  expect(await startAt(ended + 72 * HOUR - 1_000)).not.toContain('removed');
  expect(existsSync(checkout(blocked.id))).toBe(true);
  expect(await startAt(ended + 72 * HOUR + 1_000)).toContain('1 overdue checkout');
  expect(existsSync(checkout(blocked.id))).toBe(false);

  const told = held(await now().activity({ brand: 'shop', limit: 500 })).find(
    ({ type, text }) => type === 'checkout.removed' && text.includes('blocked three days ago'),
  );
  expect(told?.text).toMatch(/what was left is kept as refs\/atrium\/trash\//);
});

/** Settles with what is told when the next checkout has been removed. */
async function untilRemoved(): Promise<string> {
  for await (const item of await now().feed({}))
    if (item.kind === 'activity' && item.entry.type === 'checkout.removed') return item.entry.text;
  throw new Error('The feed ended before a checkout was removed.');
}

/** Lays down a checkout as a crash could have left it: a copy of another, remembered like that one. */
const plant = (from: string, name: string): string => {
  const folder = checkout(name);
  cpSync(checkout(from), folder, { recursive: true, verbatimSymlinks: true });
  execFileSync('chown', ['-R', '--reference', checkout(from), folder]);
  const records = path.join(
    place.workspace,
    '.atrium',
    'brands',
    'shop',
    'repositories',
    'shop',
    'checkouts',
  );
  const fileOf = (of: string) =>
    path.join(records, `${createHash('sha256').update(of).digest('hex').slice(0, 32)}.json`);
  const record = JSON.parse(readFileSync(fileOf(checkout(from)), 'utf8')) as object;
  writeFileSync(fileOf(folder), JSON.stringify({ ...record, folder }));
  return folder;
};

test('[B5] the checkout of a merged ticket goes a day after the merge, an orphan a day after it was made', async () => {
  source = await order('source', 'mkdir source; echo dirty > source/x; exit 1');
  const removed = untilRemoved();
  const merged = await order('merged', 'mkdir merged; echo x > merged/x');
  expect(merged.state).toBe('merged');
  expect(await removed).toContain(merged.id);
  const folder = plant(source.id, merged.id);
  const ended = Date.parse(
    held(await now().ticket.show({ id: merged.id })).timeline.findLast(({ type }) => type === 'ticket.merged')
      ?.at ?? '',
  );
  await startAt(ended + 24 * HOUR - 1_000);
  expect(existsSync(folder)).toBe(true);
  await startAt(ended + 24 * HOUR);
  expect(existsSync(folder)).toBe(false);

  const orphan = plant(source.id, 'nobody');
  const made = statSync(orphan).birthtimeMs;
  await startAt(made + 24 * HOUR - 1_000);
  expect(existsSync(orphan)).toBe(true);
  await startAt(made + 24 * HOUR + 1_000);
  expect(existsSync(orphan)).toBe(false);
});

test('[B5] at the cap the checkout that ended first makes room, and nothing in it is lost', async () => {
  const first = await order('first', 'mkdir first; echo dirty > first/left; exit 1');
  const second = await order('second', 'mkdir second; echo dirty > second/left; exit 1');
  expect([source, first, second].map(({ id }) => existsSync(checkout(id)))).toEqual([true, true, true]);
  expect((await order('last', 'mkdir last; echo x > last/x')).state).toBe('merged');
  expect([source, first, second].map(({ id }) => existsSync(checkout(id)))).toEqual([false, true, true]);
  const told = held(await now().activity({ brand: 'shop', limit: 500 })).find(({ text }) =>
    text.includes('another ticket needed its place'),
  );
  expect(told?.text).toMatch(/kept as refs\/atrium\/trash\//);
});
