import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openDesk, SHELL_CHECKS } from '../../support/desk.ts';
import type { Desk } from '../../support/desk.ts';
import { makeShellRepository } from '../../support/fixture-repository.ts';
import { expectActionable } from '../../support/told.ts';

let desk: Desk;
beforeAll(async () => {
  desk = await openDesk({ config: { dispatch: 'on-start' } });
  const repository = await makeShellRepository(path.join(desk.workspace.around, 'shop'));
  await desk.addBrand('shop', repository, ...SHELL_CHECKS);
});
afterAll(() => desk.remove());

const draftIt = (draft: unknown): [string[], string] => [
  ['ticket', 'draft', '--brand', 'shop', '--file', '-'],
  JSON.stringify(draft),
];

describe('a draft that cannot be taken is refused whole, with the place and what was expected', () => {
  const command = 'touch made';
  test.each<[string, unknown, string, RegExp]>([
    ['a field that is none', { title: 'T', command, aceptance: ['x'] }, 'invalid-file', /read aceptance/],
    ['no title', { command }, 'invalid-file', /line 1: read title = nothing/],
    [
      'a dependency that is not there',
      { title: 'T', command, dependsOn: ['T-shop-77'] },
      'invalid-input',
      /T-shop-77 does not exist/,
    ],
    [
      'a dependency of another brand',
      { title: 'T', command, dependsOn: ['T-else-1'] },
      'invalid-input',
      /T-else-1 is of another brand/,
    ],
    [
      'a repository that is not there',
      { title: 'T', command, repository: 'nowhere' },
      'invalid-input',
      /no repository "nowhere"/,
    ],
  ])('%s', async (_what, draft, code, message) => {
    const refused = await desk.refused(...draftIt(draft));
    expect(refused).toMatchObject({
      code: 1,
      error: { code, message: expect.stringMatching(message) as string },
    });
    expectActionable(refused.error);
  });

  test('a brand that is not there', async () => {
    const refused = await desk.refused(
      ['ticket', 'draft', '--brand', 'none', '--file', '-'],
      '{"title": "T"}',
    );
    expect(refused).toMatchObject({
      code: 1,
      error: { code: 'not-found', message: expect.stringContaining('none') as string },
    });
  });

  test('nothing was drafted by any of them', async () => {
    expect(await desk.ask(['ticket', 'list'])).toEqual([]);
  });
});

test('a title is enough for a draft; what it lacks is said when it is to be approved', async () => {
  const ticket = await desk.ask<{ id: string; hash: string; state: string }>(
    ...draftIt({ title: 'Only this' }),
  );
  expect(ticket.state).toBe('draft');
  const refused = await desk.refused(['ticket', 'approve', ticket.id, '--hash', ticket.hash]);
  expect(refused).toMatchObject({
    code: 1,
    error: { code: 'invalid-input', message: expect.stringContaining('needs a command') as string },
  });
  expectActionable(refused.error);
  await desk.ask(['ticket', 'block', ticket.id, '--reason', 'not needed']);
});

describe('texts that only look dangerous come back as they were', () => {
  test.each([
    'Größe, Ñandú, 日本語, 🎵, e\u0301 and a right-to-left \u202Eoverride',
    `"quotes", 'single', \`backticks\`, $(reboot), ; rm -rf / --no-preserve-root`,
    "'; DROP TABLE events; --",
    '--title=--force',
    '<script>alert(1)</script> [[link]] ../../etc/passwd %00 %2e',
    'x'.repeat(200),
  ])('%s', async (title) => {
    const description = `${title}\n\u0000\u001b[31m\r\n${title}`;
    const ticket = await desk.ask<{ id: string; title: string }>(
      ...draftIt({ title, description, command: 'touch made' }),
    );
    const shown = await desk.show(ticket.id);
    expect(shown.title).toBe(title.trim());
    expect(shown.description).toBe(description);
    const human = await desk.run(['ticket', 'show', ticket.id]);
    expect(human.code).toBe(0);
    expect(human.stdout).not.toMatch(/\u001b|\u0000/);
  });
});

describe('approval', () => {
  test('[A10] exactly one id, with the hash that was shown; everything else approves nothing', async () => {
    const [one, two] = [
      await desk.draft('shop', { title: 'One', command: 'touch one' }),
      await desk.draft('shop', { title: 'Two', command: 'touch two' }),
    ];
    const wrong = await desk.refused(['ticket', 'approve', one.id, '--hash', two.hash]);
    expect(wrong).toMatchObject({
      code: 1,
      error: { code: 'hash-mismatch', message: expect.stringContaining(one.hash) as string },
    });
    expectActionable(wrong.error);
    expect((await desk.refused(['ticket', 'approve', one.id, '--hash', ''])).code).toBe(1);
    expect(
      (await desk.refused(['ticket', 'approve', one.id, '--hash', one.hash.slice(0, 8)])).error,
    ).toMatchObject({ code: 'hash-mismatch' });
    expect((await desk.refused(['ticket', 'approve', one.id])).code).toBe(2);
    expect((await desk.refused(['ticket', 'approve', one.id, two.id, '--hash', one.hash])).code).toBe(1);
    expect((await desk.refused(['ticket', 'approve', `${one.id},${two.id}`, '--hash', one.hash])).code).toBe(
      1,
    );
    expect((await desk.refused(['ticket', 'approve', 'T-shop-*', '--hash', one.hash])).code).toBe(1);
    expect((await desk.refused(['ticket', 'approve', '--all', '--hash', one.hash])).code).toBe(2);
    const unknown = await desk.refused(['ticket', 'approve', 'T-shop-999', '--hash', one.hash]);
    expect(unknown).toMatchObject({
      code: 1,
      error: { code: 'not-found', message: expect.stringContaining('T-shop-999') as string },
    });
    expect((await desk.show(one.id)).state).toBe('draft');
    expect((await desk.show(two.id)).state).toBe('draft');
    expect(await desk.approve(one)).toMatchObject({ id: one.id, state: 'ready' });
    const twice = await desk.refused(['ticket', 'approve', one.id, '--hash', one.hash]);
    expect(twice).toMatchObject({ code: 1, error: { code: 'refused-transition' } });
    expectActionable(twice.error);
  });

  test('[H8] a cycle of dependencies is refused and named from end to end', async () => {
    const draft = (title: string, dependsOn: string[]): Promise<{ id: string }> =>
      desk.ask(...draftIt({ title, dependsOn, command: 'touch made' }));
    const first = await draft('First', []);
    const second = await draft('Second', [first.id]);
    const third = await draft('Third', [second.id]);
    const edit = (id: string, dependsOn: string[]) =>
      desk.refused(
        ['ticket', 'edit', id, '--file', '-'],
        JSON.stringify({ title: 'Round', dependsOn, command: 'touch made' }),
      );
    const cycle = await edit(first.id, [third.id]);
    expect(cycle).toMatchObject({ code: 1, error: { code: 'dependency-cycle' } });
    expect(cycle.error.message).toContain(`${first.id} → ${third.id} → ${second.id} → ${first.id}`);
    expectActionable(cycle.error);
    expect((await edit(first.id, [first.id])).error.message).toContain(`${first.id} → ${first.id}`);
    expect((await desk.show(first.id)).title).toBe('First');
  });
});
