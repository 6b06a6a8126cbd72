import Database from 'better-sqlite3';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CheckView, DoctorReport } from '../../src-main/contract/doctor.ts';
import type { PhaseView } from '../../src-main/contract/start.ts';
import { operatorApi } from '../../src-main/contract/operator-api.ts';
import { laySiege, type Siege } from '../adversarial/siege.ts';
import { addBrand, held, makePlace } from '../support/workspace.ts';
import type { InProcessCore, TestPlace, TestRepository } from '../support/workspace.ts';

let place: TestPlace;
let core: InProcessCore;
let siege: Siege;
let shop: TestRepository;

const inWorkspace = (...segments: string[]): string => path.join(place.workspace, ...segments);
const examine = async (): Promise<DoctorReport> => held(await core.client.doctor({}));
const failing = (report: DoctorReport): CheckView[] => report.checks.filter((check) => !check.ok);
const inLog = <T>(work: (database: Database.Database) => T): T => {
  const database = new Database(inWorkspace('.atrium', 'brands', 'shop', 'brand.db'), { timeout: 10_000 });
  try {
    return work(database);
  } finally {
    database.close();
  }
};

beforeAll(async () => {
  place = makePlace();
  shop = place.repository('shop', { 'a.txt': 'a\n' });
  core = await place.open();
  siege = laySiege(core);
  await addBrand(core.client, 'shop', shop.path);
  const { id } = await siege.order('shop', {
    title: 'Say hello',
    description: 'The shop says hello to whoever comes in.',
    paths: ['hello.txt'],
    acceptance: ['test -s hello.txt'],
    command: 'echo hello > hello.txt',
  });
  await siege.until(id, (ticket) => ticket.state === 'merged');
  for await (const _report of await core.client.start({})) {
    // Its end is what counts: what was merged is on a page.
  }
});
afterAll(async () => {
  await siege.end();
  await core.close();
  place.remove();
});

test('[B7] a workspace with merged work is an A; each check says what it proved, and when', async () => {
  const report = await examine();
  expect(failing(report)).toEqual([]);
  expect(report).toMatchObject({ grade: 'A', passed: 19, total: 19, mended: [], noted: [] });
  for (const check of report.checks) {
    expect(check.detail).toMatch(/\w/);
    expect(Date.parse(check.at)).toBeGreaterThan(Date.now() - 60_000);
  }
  expect(held(await core.client.snapshot({})).doctor).toEqual(report);
});

interface Deviation {
  number: number;
  detail: RegExp;
  /** Breaks it, and gives back what puts it right. */
  break(): () => unknown;
}

const swapped = (file: string, change: (text: string) => string): (() => void) => {
  const text = readFileSync(file, 'utf8');
  writeFileSync(file, change(text));
  return () => writeFileSync(file, text);
};

const DEVIATIONS: Record<string, Deviation> = {
  'a brand.yaml that does not read': {
    number: 1,
    detail: /brand\.yaml, line \d+: read colours/,
    break: () => swapped(inWorkspace('brands', 'shop', 'brand.yaml'), (text) => `${text}colours: 3\n`),
  },
  'an event that was changed': {
    number: 3,
    detail: /at position \d+: Event \d+ was changed/,
    break: () => {
      const select = "SELECT position, data FROM events WHERE type = 'ticket.approved'";
      const row = inLog((log) => log.prepare<[], { position: number; data: string }>(select).get());
      const write = (data: string) =>
        inLog((log) => {
          const guards = log
            .prepare<[], { name: string; sql: string }>(
              "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'events'",
            )
            .all();
          for (const { name } of guards) log.exec(`DROP TRIGGER ${name}`);
          log.prepare('UPDATE events SET data = ? WHERE position = ?').run(data, row?.position);
          for (const { sql } of guards) log.exec(sql);
        });
      write('{"hash":"of nobody"}');
      return () => write(row?.data ?? '');
    },
  },
  'a projection that tells something else than the log': {
    number: 4,
    detail: /projection_tickets differs from a replay/,
    break: () => {
      const write = (state: string) =>
        inLog((log) => log.prepare('UPDATE projection_tickets SET state = ?').run(state));
      write('ready');
      return () => write('merged');
    },
  },
  'a contract that is missing': {
    number: 6,
    detail: /lacks scout/,
    break: () => {
      const file = inWorkspace('agents', 'scout.md');
      renameSync(file, `${file}.away`);
      return () => renameSync(`${file}.away`, file);
    },
  },
  'a contract with broken frontmatter': {
    number: 6,
    detail: /verifier\.md, line \d+: read autority/,
    break: () =>
      swapped(inWorkspace('agents', 'verifier.md'), (text) =>
        text.replace(/^name: .*$/m, 'name: verifier\nautority: all'),
      ),
  },
  'a second role that writes the pages of a brand': {
    number: 7,
    detail: /wiki\/<brand>/,
    break: () => {
      const file = inWorkspace('agents', 'second-librarian.md');
      const text = readFileSync(inWorkspace('agents', 'librarian.md'), 'utf8');
      writeFileSync(file, text.replace(/^name: .*$/m, 'name: second-librarian'));
      return () => rmSync(file);
    },
  },
  'an object that the branch needs and that is gone': {
    number: 12,
    detail: /does not hold together/,
    break: () => {
      const id = shop.git('rev-parse', 'HEAD:a.txt');
      const file = path.join(shop.path, '.git', 'objects', id.slice(0, 2), id.slice(2));
      renameSync(file, `${file}.away`);
      return () => renameSync(`${file}.away`, file);
    },
  },
};

describe('[B7] a deviation is no A', () => {
  test.each(Object.entries(DEVIATIONS))('%s', async (_name, deviation) => {
    const restore = deviation.break();
    try {
      const report = await examine();
      expect(report.grade).not.toBe('A');
      const found = failing(report);
      expect(found.map(({ number }) => number)).toContain(deviation.number);
      expect(found.find(({ number }) => number === deviation.number)?.detail).toMatch(deviation.detail);
    } finally {
      await restore();
    }
  });

  test('all of them put right', async () => {
    expect((await examine()).grade).toBe('A');
  });

  test('main moved otherwise than forward: shown at once, nothing is built on it, until the operator says so', async () => {
    const head = shop.git('rev-parse', 'main');
    shop.git('commit', '-q', '--amend', '-m', 'Written again');
    const other = shop.git('rev-parse', 'main');
    const [bad] = failing(await examine());
    expect(bad).toMatchObject({ number: 12, detail: expect.stringContaining(other) as string });

    const waiting = await siege.order('shop', {
      title: 'Wait',
      paths: ['w.txt'],
      acceptance: ['true'],
      command: 'echo w > w.txt',
    });
    let phases: PhaseView[] = [];
    for await (const report of await core.client.start({})) phases = report.phases;
    expect(phases[7]).toMatchObject({
      outcome: 'waiting',
      reason: expect.stringContaining('was moved from') as string,
    });
    const stands = held(await core.client.ticket.show({ id: waiting.id }));
    expect(stands).toMatchObject({ state: 'ready', attempts: 0 });

    const wrong = await core.client.brand.accept({ id: 'shop', repository: 'shop', commit: head });
    expect(wrong).toMatchObject({ ok: false, failure: { code: 'hash-mismatch' } });
    held(await core.client.brand.accept({ id: 'shop', repository: 'shop', commit: other }));
    const merged = await siege.until(waiting.id, (ticket) => ticket.state === 'merged');
    expect(merged.attempts).toBe(1);
    const words = held(await core.client.activity({ brand: 'shop', limit: 500 })).map(({ type }) => type);
    expect(words.filter((type) => type === 'branch.moved')).toHaveLength(1);
    expect(words).toContain('branch.accepted');
  });
});

test('what Atrium can put right it puts right before it grades, and says so', async () => {
  for await (const _report of await core.client.start({})) {
    // When it has ended, nothing of Atrium's own is under way.
  }
  await examine();
  const jsonl = inWorkspace('brands', 'shop', 'tickets.jsonl');
  const before = readFileSync(jsonl, 'utf8');
  writeFileSync(jsonl, before.replace('"status":"merged"', '"status":"ready"'));
  const home = inWorkspace('homes', 'shop', 'R-shop-0123456789ab');
  mkdirSync(home);
  const bait = path.join(place.workspace, '.atrium', 'sandbox', 'canary-999999999-x');
  writeFileSync(bait, 'x');
  shop.git('update-ref', 'refs/atrium/base/T-shop-1.1', 'main');
  const index = new Database(inWorkspace('.atrium', 'brands', 'shop', 'wiki-index.db'), { timeout: 10_000 });
  index.prepare("UPDATE page SET hash = 'x'").run();
  index.close();

  const report = await examine();
  const said = report.mended.join('\n');
  expect(said).toContain('tickets.jsonl was written again');
  expect(said).toContain('1 home of runs that have ended');
  expect(said).toContain('1 bait');
  expect(said).toContain('1 pin of attempts without a checkout');
  expect(said).toContain('the index was built again');
  expect(readFileSync(jsonl, 'utf8')).toBe(before);
  expect(existsSync(home) || existsSync(bait)).toBe(false);
  expect(shop.git('for-each-ref', 'refs/atrium/base')).toBe('');
  expect((await examine()).mended).toEqual([]);
});

test('what the operator may do is taken note of and no fault: a commit by hand, an edited page', async () => {
  const commit = shop.commit({ 'by-hand.txt': 'x\n' }, 'By hand');
  const [page] = held(await core.client.wiki.list({ brand: 'shop' })).filter(({ brand }) => brand === 'shop');
  const file = inWorkspace(page?.page ?? '');
  writeFileSync(
    file,
    readFileSync(file, 'utf8').replace(/\n---\n/, '\n---\nA word of my own, without a source.\n\n'),
  );
  const report = await examine();
  expect(report.noted.join('\n')).toContain(`went on to ${commit.slice(0, 10)} by other hands`);
  expect(report.noted.join('\n')).toContain(page?.page);
  expect(failing(report).filter(({ number }) => number === 12)).toEqual([]);
});

test.runIf(process.getuid?.() === 0)('a process of a run’s user that no run owns is found', async () => {
  const uid = execFileSync('cat', [inWorkspace('.atrium', 'run-users.json'), '/dev/null'], {
    encoding: 'utf8',
  });
  expect(uid).toContain('shop');
  const owner = held(await core.client.run.list({ brand: 'shop' }));
  expect(owner.length).toBeGreaterThan(0);
  const { runUser } = await import('../../src-main/app/run-users.ts');
  const identity = runUser({ workspace: place.workspace, state: inWorkspace('.atrium') }, 'shop' as never);
  const left = spawnSync(
    'setpriv',
    [
      ...[`--reuid=${identity?.uid}`, `--regid=${identity?.gid}`, '--clear-groups'],
      ...['sh', '-c', 'setsid sleep 300 >/dev/null 2>&1 & echo $!'],
    ],
    { encoding: 'utf8' },
  );
  const pid = Number(left.stdout.trim());
  try {
    const found = failing(await examine()).find(({ number }) => number === 16);
    expect(found?.detail).toMatch(/process \d+ \(sleep\) belongs to no run/);
  } finally {
    process.kill(pid, 'SIGKILL');
  }
});

const start = async (): Promise<PhaseView[]> => {
  let phases: PhaseView[] = [];
  for await (const report of await core.client.start({})) phases = report.phases;
  return phases;
};
const housekeeping = async () =>
  held(await core.client.ticket.list({ brand: 'shop' })).filter((ticket) => ticket.housekeeping);

test('[B8] a deviation that is left becomes one ticket at the next start, which closes by itself when it is put right', async () => {
  const file = inWorkspace('agents', 'scout.md');
  renameSync(file, `${file}.away`);
  const before = await housekeeping();
  const phases = await start();
  const [ticket, ...more] = (await housekeeping()).slice(before.length);
  expect(more).toEqual([]);
  expect(phases[2]?.reason).toContain(ticket?.id);
  const shown = held(await core.client.ticket.show({ id: ticket?.id ?? '' }));
  expect(shown).toMatchObject({ state: 'draft', reason: 'waits for a repair' });
  expect(shown.description).toMatch(/Check 6, .*lacks scout/);
  expect(held(await core.client.status({})).waiting.approvals).toBe(0);
  const refused = await core.client.ticket.approve({ id: shown.id, hash: shown.hash });
  expect(refused).toMatchObject({ ok: false, failure: { code: 'refused-transition' } });

  await start();
  await examine();
  await start();
  expect((await housekeeping()).filter(({ state }) => state === 'draft').map(({ id }) => id)).toEqual([
    shown.id,
  ]);

  renameSync(`${file}.away`, file);
  await examine();
  const settled = held(await core.client.ticket.show({ id: shown.id }));
  expect(settled).toMatchObject({ state: 'blocked', blockedReason: 'settled: every check holds again' });
  await start();
  expect(await housekeeping()).toHaveLength(before.length + 1);
});

test('[B3] below A nothing is merged; the candidate waits, and goes on when the checks hold again', async () => {
  const file = inWorkspace('agents', 'distiller.md');
  renameSync(file, `${file}.away`);
  const main = shop.git('rev-parse', 'main');
  const { id } = await siege.order('shop', {
    title: 'Below A',
    paths: ['below.txt'],
    acceptance: ['true'],
    command: 'echo below > below.txt',
  });
  const waiting = await siege.until(id, (ticket) => ticket.reason.includes("the doctor's grade is B"));
  expect(waiting).toMatchObject({ state: 'verifying', attempts: 1 });
  expect(waiting.reason).toContain('check 6');
  expect(waiting.artifacts.findLast(({ name }) => name === 'gate-report')?.content).toMatchObject({
    outcome: 'unverified',
  });
  expect(shop.git('rev-parse', 'main')).toBe(main);
  renameSync(`${file}.away`, file);
  await examine();
  expect((await siege.until(id, (ticket) => ticket.state === 'merged')).attempts).toBe(1);
});

test('[B3] a lint that does not hold is refused, and there is nothing to pass it by', async () => {
  const tidy = place.repository('tidy', { 'a.txt': 'a\n' });
  await addBrand(core.client, 'tidy', tidy.path, { test: 'true', lint: 'test ! -e ugly.txt' });
  const main = tidy.git('rev-parse', 'main');
  const { ticket } = await siege.attack('tidy', {
    title: 'Ugly',
    paths: ['ugly.txt'],
    acceptance: ['true'],
    command: 'echo ugly > ugly.txt',
  });
  expect(ticket.attemptList[0]).toMatchObject({
    state: 'failed',
    reason: expect.stringContaining('test ! -e ugly.txt') as string,
  });
  expect(tidy.git('rev-parse', 'main')).toBe(main);
  const asked = (value: object): string[] =>
    Object.entries(value).flatMap(([name, each]: [string, unknown]) =>
      typeof each === 'object' && each !== null && !('~orpc' in each) ? [name, ...asked(each)] : [name],
    );
  expect(asked(operatorApi).filter((name) => /force|merge|bypass|override/i.test(name))).toEqual([]);
});

test('[B4] of a sealed brand the doctor demands every layer, and names the one that is missing', async () => {
  const vault = place.repository('vault', { 'v.txt': 'v\n' });
  held(
    await core.client.brand.add({
      ...{ id: 'vault', name: 'vault', repositories: [vault.path], sealed: true, confirmed: true },
      ...{ setup: 'none', test: 'none', lint: 'none', count: 'exit' as const },
    }),
  );
  const report = held(await core.client.doctor({ brand: 'vault' }));
  const eleven = report.checks.find(({ number }) => number === 11);
  expect(eleven?.detail).toMatch(
    eleven?.ok ? /vault: sealed, and all four layers are live/ : /vault: .*kernel/,
  );
});
