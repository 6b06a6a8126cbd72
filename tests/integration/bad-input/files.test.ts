import Database from 'better-sqlite3';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { StatusView } from '../../../src-main/contract/feed.ts';
import { openDesk, SHELL_CHECKS } from '../../support/desk.ts';
import type { Desk } from '../../support/desk.ts';
import { makeShellRepository } from '../../support/fixture-repository.ts';
import { expectActionable } from '../../support/told.ts';

let desk: Desk;
const inWorkspace = (...names: string[]): string => path.join(desk.workspace.path, ...names);

beforeAll(async () => {
  desk = await openDesk({});
  for (const id of ['one', 'two']) {
    const repository = await makeShellRepository(path.join(desk.workspace.around, id));
    await desk.addBrand(id, repository, ...SHELL_CHECKS);
    await desk.draft(id, { title: `Draft of ${id}`, command: 'touch made' });
  }
  await desk.stopCore();
});
afterAll(() => desk.remove());

/** Damages a file while no core runs, looks, and puts it back as it was. */
async function damaged(
  file: string,
  damage: () => Promise<unknown>,
  look: () => Promise<void>,
): Promise<void> {
  const before = await readFile(file);
  try {
    await damage();
    await look();
  } finally {
    await desk.stopCore();
    await writeFile(file, before);
  }
}

/** One brand is closed with a sentence, the other one works, and nothing of either is lost. */
async function oneIsClosed(message: RegExp): Promise<void> {
  const tickets = await desk.ask<{ id: string }[]>(['ticket', 'list']);
  expect(tickets.map((ticket) => ticket.id)).toEqual(['T-two-1']);
  const brands = await desk.ask<StatusView['brands']>(['brand', 'list']);
  expect(brands.find((brand) => brand.id === 'one')).toMatchObject({
    state: 'closed',
    error: expect.stringMatching(message) as string,
  });
  expect(brands.find((brand) => brand.id === 'two')).toMatchObject({ state: 'open' });
  const refused = await desk.refused(['ticket', 'draft', '--brand', 'one', '--file', '-'], 'title: More\n');
  expect(refused).toMatchObject({ code: 1, error: { code: 'brand-closed' } });
  expectActionable(refused.error);
  const shown = await desk.refused(['ticket', 'show', 'T-one-1']);
  expect(shown.error.code).toBe('brand-closed');
}

async function nothingIsLost(): Promise<void> {
  const tickets = await desk.ask<{ id: string; state: string }[]>(['ticket', 'list']);
  expect(tickets).toMatchObject([
    { id: 'T-one-1', state: 'draft' },
    { id: 'T-two-1', state: 'draft' },
  ]);
  await desk.stopCore();
}

describe('a brand that cannot be read is closed with its error, and the others go on', () => {
  test.each<[string, string, string, RegExp]>([
    ['no YAML', 'brands/one/brand.yaml', 'id: one\n\tname: x\n', /brand\.yaml, line 2: read .*expected YAML/],
    [
      'a misspelt field',
      'brands/one/brand.yaml',
      'id: one\nname: One\nreposotories: []\n',
      /brand\.yaml, line 3: read reposotories/,
    ],
    [
      'another id',
      'brands/one/brand.yaml',
      'id: other\nname: One\n',
      /brand\.yaml names brand "other", its folder "one"/,
    ],
    ['nothing', 'brands/one/brand.yaml', '', /brand\.yaml, line 1: read id = nothing/],
    [
      'a colour that is none',
      'brands/one/brand.yaml',
      'id: one\nname: One\n\ncolour: red\n',
      /brand\.yaml, line 4: read colour = "red", expected/,
    ],
  ])('brand.yaml: %s', async (_what, name, text, message) => {
    const file = inWorkspace(name);
    await damaged(
      file,
      () => writeFile(file, text),
      () => oneIsClosed(message),
    );
    await nothingIsLost();
  });

  test('its database was written by a newer Atrium', async () => {
    const file = inWorkspace('.atrium/brands/one/brand.db');
    await damaged(
      file,
      () => {
        const database = new Database(file);
        database.exec("INSERT INTO migrations (version, name, sha) VALUES (99, 'of the future', 'x')");
        database.pragma('wal_checkpoint(TRUNCATE)');
        database.close();
        return Promise.resolve();
      },
      () => oneIsClosed(/brand\.db has schema version 99, but this version of Atrium knows \d/),
    );
    await nothingIsLost();
  });

  test('its database is no database', async () => {
    const file = inWorkspace('.atrium/brands/one/brand.db');
    await damaged(
      file,
      () => writeFile(file, 'this is a text, and a long one, not a database\n'.repeat(200)),
      () => oneIsClosed(/brand\.db/),
    );
    await nothingIsLost();
  });

  test('its database is locked by another program', async () => {
    const file = inWorkspace('.atrium/brands/one/brand.db');
    const database = new Database(file);
    try {
      database.pragma('locking_mode = EXCLUSIVE');
      database.exec('BEGIN EXCLUSIVE');
      await oneIsClosed(/brand\.db.*(locked|in use|another)/);
    } finally {
      database.close();
      await desk.stopCore();
    }
    await nothingIsLost();
  });
});

describe('what spans brands', () => {
  test.each<[string, string, RegExp]>([
    ['no YAML', 'name: [\n', /workspace\.yaml, line \d+: read .*expected YAML/],
    ['a misspelt field', 'name: x\n\nmaxRun: 3\n', /workspace\.yaml, line 3: read maxRun/],
    ['a value out of bounds', 'maxRuns: 400\n', /workspace\.yaml, line 1: read maxRuns = 400, expected/],
  ])(
    '[R10] workspace.yaml with %s is exit 3 for every command, and nothing is changed',
    async (_what, text, message) => {
      const file = inWorkspace('workspace.yaml');
      await damaged(
        file,
        () => writeFile(file, text),
        async () => {
          for (const args of [['status'], ['ticket', 'list'], ['start'], ['doctor']]) {
            const refused = await desk.refused(args);
            expect(refused).toMatchObject({
              code: 3,
              error: { code: 'workspace-unusable', message: expect.stringMatching(message) as string },
            });
            expectActionable(refused.error);
          }
          await writeFile(file, 'name: Atrium\n');
        },
      );
      await nothingIsLost();
    },
  );

  test("the workspace's own database of a newer Atrium is exit 3", async () => {
    const file = inWorkspace('.atrium/workspace.db');
    await damaged(
      file,
      () => {
        const database = new Database(file);
        database.exec("INSERT INTO migrations (version, name, sha) VALUES (99, 'of the future', 'x')");
        database.pragma('wal_checkpoint(TRUNCATE)');
        database.close();
        return Promise.resolve();
      },
      async () => {
        const refused = await desk.refused(['ticket', 'list']);
        expect(refused).toMatchObject({ code: 3, error: { code: 'newer-schema' } });
        expectActionable(refused.error);
      },
    );
    await nothingIsLost();
  });

  test('[B7] a contract with broken frontmatter names its file and line, and is no A', async () => {
    const file = inWorkspace('agents/verifier.md');
    await damaged(
      file,
      async () => {
        const text = await readFile(file, 'utf8');
        await writeFile(file, text.replace(/^name: .*$/m, 'name: verifier\nautority: all'));
      },
      async () => {
        const graded = await desk.run(['doctor', '--grade', '--json']);
        expect(graded.code).toBe(1);
        for (const brand of await desk.ask<StatusView['brands']>(['brand', 'list']))
          expect(brand).toMatchObject({
            state: 'closed',
            error: expect.stringMatching(/verifier\.md, line \d+: read autority/) as string,
          });
      },
    );
    await nothingIsLost();
  });
});

describe('import', () => {
  test('[H1] a file with a broken line imports nothing and names the line; the whole file comes back as it was', async () => {
    await desk.ask(['export']);
    const exported = await readFile(inWorkspace('brands/two/tickets.jsonl'), 'utf8');
    const repository = await makeShellRepository(path.join(desk.workspace.around, 'three'));
    await desk.addBrand('three', repository, ...SHELL_CHECKS);
    const file = path.join(desk.workspace.around, 'tickets.jsonl');

    const whole = exported.replaceAll('T-two-', 'T-three-');
    for (const [text, message] of [
      [`${whole}{"id": "T-three-2", "title": \n`, /tickets\.jsonl, line 2: read .*expected one JSON object/],
      [`${whole}{"id": "T-three-2"}\n`, /tickets\.jsonl, line 2: read .*expected a ticket with \w+ = /],
      [`\n${whole}`, /tickets\.jsonl, line 1/],
      [exported, /T-two-1, which is not of brand three/],
    ] as const) {
      await writeFile(file, text);
      const refused = await desk.refused(['import', file, '--brand', 'three']);
      expect(refused).toMatchObject({
        code: 1,
        error: { code: 'invalid-file', message: expect.stringMatching(message) as string },
      });
      expectActionable(refused.error);
      expect(await desk.ask(['ticket', 'list', '--brand', 'three'])).toEqual([]);
    }
    expect(await desk.refused(['import', '/nowhere.jsonl', '--brand', 'three'])).toMatchObject({
      code: 1,
      error: { code: 'invalid-file' },
    });

    await writeFile(file, whole);
    expect(await desk.ask(['import', file, '--brand', 'three'])).toEqual({ brand: 'three', tickets: 1 });
    await desk.ask(['export', '--brand', 'three']);
    expect(await readFile(inWorkspace('brands/three/tickets.jsonl'), 'utf8')).toBe(whole);
    expect(await desk.refused(['import', file, '--brand', 'three'])).toMatchObject({
      code: 1,
      error: { code: 'already-exists' },
    });
  });
});
