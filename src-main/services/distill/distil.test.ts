import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { DistilPayload, DistilTicket } from '../../domain/distillation.ts';
import { fail, ok } from '../../contract/errors.ts';
import { distil, fileLedger, keepAsked, openLedger } from './index.ts';
import type { Evidence, LedgerFile, Pages } from './index.ts';
import { createHash } from 'node:crypto';

const commit = 'a'.repeat(40);
const ticket = (n: number, change: Partial<DistilTicket> = {}): DistilTicket => ({
  id: `T-label-${n}`,
  title: `Add link ${n}`,
  description: '',
  state: 'merged',
  why: '',
  mergedCommit: commit,
  verdict: 'pass',
  repository: 'catalogue',
  files: ['a.js'],
  summary: 'It is there',
  commands: [],
  at: '2026-11-20T10:00:00Z',
  ...change,
});
const payload = (tickets: DistilTicket[]): DistilPayload => ({
  brand: 'label',
  day: '2026-11-20',
  sealed: false,
  tickets,
  research: [],
  logs: [
    {
      ref: 'core.log:7',
      text: 'a <b>line</b>\n<!-- finding:forged written - -->',
      at: '2026-11-20T09:00:00Z',
    },
  ],
});
const evidence: Evidence = {
  ticket: () => Promise.resolve({ state: 'merged', verdict: 'pass', mergedCommit: commit }),
  resolves: () => Promise.resolve(true),
};
const three = [
  ticket(1),
  ticket(2, { state: 'blocked', why: 'the shop closed', mergedCommit: null, verdict: null }),
  ticket(3, { state: 'draft' }),
];
const pageFile = 'wiki/label/catalogue.md';
const ledgerFile = 'brands/label/ledger/2026-11-20.md';

let workspace: string;
beforeEach(async () => {
  workspace = await mkdtemp(join(tmpdir(), 'atrium-distil-'));
});
afterEach(() => rm(workspace, { recursive: true, force: true }));

const hash = (text: string) => createHash('sha256').update(text).digest('hex');

/** Pages as plain files; `die` is asked before and after each effect on disk and ends the work by throwing. */
function places(die: () => void = () => undefined): { pages: Pages; ledger: LedgerFile } {
  const files = fileLedger({ workspace });
  return {
    pages: {
      async read(path) {
        const text = await readFile(join(workspace, path), 'utf8').catch(() => null);
        return text === null
          ? fail('not-found', `There is no page ${path}.`)
          : ok({ text, hash: hash(text) });
      },
      async write(path, text, { expectedHash }) {
        die();
        const before = await readFile(join(workspace, path), 'utf8').catch(() => null);
        if ((before === null ? null : hash(before)) !== expectedHash)
          return fail('version-conflict', 'changed meanwhile');
        await mkdir(dirname(join(workspace, path)), { recursive: true });
        await writeFile(join(workspace, path), text);
        die();
        return ok({ hash: hash(text), changed: true });
      },
    },
    ledger: {
      ...files,
      async write(brand, day, text) {
        die();
        await files.write(brand, day, text);
        die();
      },
    },
  };
}

async function contents(): Promise<Record<string, string>> {
  const entries = await readdir(workspace, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return Object.fromEntries(
    await Promise.all(
      files
        .sort()
        .map(async (file) => [file.slice(workspace.length + 1), await readFile(file, 'utf8')] as const),
    ),
  );
}

const run = (tickets = three, change: Partial<Parameters<typeof distil>[0]> = {}) =>
  distil({ brand: 'label', day: '2026-11-20', payload: payload(tickets), evidence, ...places(), ...change });

describe('distil', () => {
  test('high is on a page, medium is asked, low is in the ledger only, and the ledger has all', async () => {
    const report = await run();
    expect(report.written).toMatchObject([
      { page: pageFile, finding: 'change-T-label-1', authority: 'librarian' },
    ]);
    expect(report.asked.map((one) => [one.finding.id, one.page])).toEqual([['lesson-T-label-2', pageFile]]);
    expect(report.ledgerPath).toBe(ledgerFile);
    const files = await contents();
    expect(Object.keys(files).sort()).toEqual([ledgerFile, pageFile]);
    expect(files[pageFile]).toContain('<!-- claim:change-T-label-1 -->');
    expect(files[pageFile]).not.toContain('T-label-2');
    const lines = files[ledgerFile]?.split('\n').filter((line) => line.startsWith('- ')) ?? [];
    expect(lines.map((line) => /<!-- finding:(\S+ \w+)/.exec(line)?.[1])).toEqual([
      'change-T-label-1 written',
      'lesson-T-label-2 asked',
      'note-T-label-3 kept',
      expect.stringMatching(/^note-[0-9a-f]{16} kept$/),
    ]);
    expect(lines[3]).toContain('a \\<b\\>line\\</b\\>');
  });

  test('the same day again changes no file', async () => {
    await run();
    const before = await contents();
    expect((await run()).written).toEqual([]);
    expect(await contents()).toEqual(before);
  });

  test('killed at any point and repeated, it ends the same', async () => {
    await run();
    const whole = await contents();
    const steps = 6;
    for (let stop = 1; stop <= steps; stop += 1) {
      await rm(workspace, { recursive: true });
      await mkdir(workspace);
      let step = 0;
      const killed = run(
        three,
        places(() => {
          step += 1;
          if (step === stop) throw new Error('killed');
        }),
      );
      await expect(killed).rejects.toThrow('killed');
      const report = await run();
      expect(await contents()).toEqual(whole);
      expect(report.findings.find((one) => one.id === 'change-T-label-1')?.outcome).toBe('written');
      if (stop < steps) expect(report.written).toHaveLength(1);
    }
  });

  test('what is killed while a claim changes also ends the same', async () => {
    const changed = [ticket(1, { summary: 'It is there and green' })];
    const begin = async () => {
      await rm(workspace, { recursive: true });
      await mkdir(workspace);
      await run([ticket(1)]);
    };
    await begin();
    await run(changed);
    const whole = await contents();
    expect(whole[pageFile]).toContain('It is there and green');
    for (let stop = 1; stop <= 6; stop += 1) {
      await begin();
      let step = 0;
      await expect(
        run(
          changed,
          places(() => {
            step += 1;
            if (step === stop) throw new Error('killed');
          }),
        ),
      ).rejects.toThrow('killed');
      await run(changed);
      expect(await contents()).toEqual(whole);
    }
  });

  test('the operator’s page and wording stay', async () => {
    await mkdir(join(workspace, 'wiki/label'), { recursive: true });
    const theirs = '---\ntitle:   My catalogue # mine\n---\r\n\n  my notes\n';
    await writeFile(join(workspace, pageFile), theirs);
    await run();
    const page = await readFile(join(workspace, pageFile), 'utf8');
    expect(page.startsWith(theirs)).toBe(true);
    const reworded = page.replace('**Add link 1.** It is there.', 'In my own words.');
    expect(reworded).not.toBe(page);
    await writeFile(join(workspace, pageFile), reworded);
    await run([ticket(1, { summary: 'Another summary' })]);
    expect(await readFile(join(workspace, pageFile), 'utf8')).toBe(reworded);
    expect(await readFile(join(workspace, ledgerFile), 'utf8')).toContain("the operator's wording was left");
  });

  test('a claim that the operator took off a page does not come back with the same day', async () => {
    await run();
    await rm(join(workspace, pageFile));
    await run();
    expect(Object.keys(await contents())).toEqual([ledgerFile]);
  });

  test('a page edited between reading and writing is read again, not overwritten', async () => {
    await run([ticket(1)]);
    const { pages, ledger } = places();
    let edits = 0;
    const racing: Pages = {
      read: pages.read,
      async write(path, text, change) {
        if ((edits += 1) === 1)
          await writeFile(join(workspace, path), `${await readFile(join(workspace, path), 'utf8')}\nMine.\n`);
        return pages.write(path, text, change);
      },
    };
    await run([ticket(1), ticket(4)], { pages: racing, ledger });
    const page = await readFile(join(workspace, pageFile), 'utf8');
    expect(page).toContain('\nMine.\n');
    expect(page).toContain('claim:change-T-label-4');
  });

  test.each<[string, Evidence]>([
    [
      'says it is not merged',
      {
        ...evidence,
        ticket: () => Promise.resolve({ state: 'verifying', verdict: 'pass', mergedCommit: commit }),
      },
    ],
    [
      'says the verdict failed',
      {
        ...evidence,
        ticket: () => Promise.resolve({ state: 'merged', verdict: 'fail', mergedCommit: commit }),
      },
    ],
    [
      'knows another commit',
      {
        ...evidence,
        ticket: () => Promise.resolve({ state: 'merged', verdict: 'pass', mergedCommit: 'b'.repeat(40) }),
      },
    ],
    ['knows no such ticket', { ...evidence, ticket: () => Promise.resolve(null) }],
    ['cannot be asked', { ...evidence, resolves: () => Promise.reject(new Error('no log')) }],
  ])('when the core %s, what claims to be high is asked instead', async (_, core) => {
    const report = await run([ticket(1)], { evidence: core });
    expect(report.written).toEqual([]);
    expect(report.asked[0]?.finding).toMatchObject({ id: 'change-T-label-1', confidence: 'medium' });
    expect(Object.keys(await contents())).toEqual([ledgerFile]);
  });

  test('a fact that contradicts a page asks, and a yes puts both side by side', async () => {
    const fact = (n: number, value: string) => ticket(n, { facts: [{ subject: 'Default branch', value }] });
    await run([fact(1, 'main')]);
    const report = await run([fact(2, 'trunk')]);
    expect(report.asked).toHaveLength(1);
    expect(report.asked[0]?.reason).toMatch(/^it contradicts fact-/);
    const [asked] = report.asked;
    if (!asked) throw new Error('nothing was asked');
    const answer = { ref: 'answer-7', day: '2026-11-21' };
    const keep = () => keepAsked({ brand: 'label', day: '2026-11-20', asked, answer, ...places() });
    expect(await keep()).toMatchObject({ ok: true, page: pageFile, changed: true });
    const page = await readFile(join(workspace, pageFile), 'utf8');
    expect(page.match(/\*\*Default branch\.\*\*/g)).toHaveLength(2);
    expect(page).toContain('[^answer-7]: operator `answer-7`, confirmed 2026-11-21');
    const after = await contents();
    expect(await keep()).toMatchObject({ ok: true, changed: false });
    await run([fact(2, 'trunk')]);
    expect(await contents()).toEqual(after);
  });

  test('a page that the store refuses is reported and stands in the ledger', async () => {
    const { pages, ledger } = places();
    const report = await run([ticket(1)], {
      pages: {
        read: pages.read,
        write: () => Promise.resolve(fail('not-authorized', 'The librarian may not write there.')),
      },
      ledger,
    });
    expect(report.refused).toMatchObject([
      { finding: 'change-T-label-1', failure: { code: 'not-authorized' } },
    ]);
    expect(await readFile(join(workspace, ledgerFile), 'utf8')).toContain('finding:change-T-label-1 refused');
  });

  test('what names another brand reaches no file', async () => {
    const report = await run([ticket(1), ticket(2, { id: 'T-quant-2', title: 'canary' })]);
    expect(report.foreign).toBe(1);
    expect(JSON.stringify(await contents())).not.toMatch(/quant|canary/);
  });

  test('a first day is only opened', async () => {
    const { ledger } = places();
    await openLedger({ brand: 'label', day: '2026-11-20', ledger });
    const before = await contents();
    expect(before[ledgerFile]).toContain('Atrium starts here');
    await openLedger({ brand: 'label', day: '2026-11-20', ledger });
    expect(await contents()).toEqual(before);
  });

  test('no brand or day leads out of the ledgers', () => {
    const ledger = fileLedger({ workspace });
    expect(() => ledger.path('../x', '2026-11-20')).toThrow(RangeError);
    expect(() => ledger.path('label', '../../x')).toThrow(RangeError);
  });
});
