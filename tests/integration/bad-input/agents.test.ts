import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { TicketDetail } from '../../../src-main/contract/tickets.ts';
import { openDesk, processesAt, SHELL_CHECKS } from '../../support/desk.ts';
import type { Desk, Started } from '../../support/desk.ts';
import { git, makeShellRepository } from '../../support/fixture-repository.ts';

/** A workspace with agents at work in it, and what they left. */
interface Shop {
  desk: Desk;
  repository: string;
  before: string;
  started: Started;
}

const shops: Shop[] = [];
const tickets = new Map<string, TicketDetail>();

const scripted = (...steps: object[]): object => ({ runtime: 'scripted', command: JSON.stringify(steps) });

/** Agents that go on until they are ended. */
const endless: Record<string, object> = {
  hangs: scripted({ say: 'I am thinking.' }, { hang: true }),
  sleeps: { command: 'trap "" TERM INT; while :; do sleep 60; done' },
  floods: { command: 'yes flooding the transcript' },
};

/** Agents that end by themselves, and did not do what they should. */
const ending: Record<string, object> = {
  absent: { runtime: 'gemini' },
  exits: scripted({ exit: 0 }),
  crashes: scripted({ exit: 139 }),
  fails: { command: 'echo before; echo the reason is here >&2; exit 7' },
  boasts: scripted({ say: 'Done. All 214 tests pass and everything is merged.' }),
  idles: { command: 'true' },
  misspells: { command: 'nonesuch --do' },
  lies: scripted(
    { write: { path: 'lies.txt', content: 'x' } },
    { commit: 'x' },
    { submit: { commit: 'f'.repeat(40) } },
  ),
  claims: scripted({ submit: { commit: 'f'.repeat(40) } }),
  'is-no-script': { runtime: 'scripted', command: 'not json' },
};

/** Lets agents loose, all at once, each on a file of its own; comes back when the last has ended. */
async function letLoose(
  brand: string,
  agents: Record<string, object>,
  config: Record<string, unknown>,
): Promise<void> {
  const desk = await openDesk({ config: { dispatch: 'on-start', maxRuns: 6, ...config } });
  const repository = await makeShellRepository(path.join(desk.workspace.around, 'shop'));
  const before = await git(repository, 'rev-parse', 'main');
  await desk.addBrand(brand, repository, ...SHELL_CHECKS);
  const ordered = new Map<string, string>();
  for (const [name, agent] of Object.entries(agents)) {
    const ticket = await desk.order(brand, { title: name, paths: [`${name}.txt`], ...agent });
    ordered.set(name, ticket.id);
  }
  const started = await desk.start();
  for (const [name, id] of ordered) tickets.set(name, await desk.show(id));
  shops.push({ desk, repository, before, started });
}

beforeAll(async () => {
  // Only those that would never end get little time: on a slow machine the others need theirs.
  await Promise.all([
    letLoose('endless', endless, { attemptMinutes: 0.1 }),
    letLoose('ending', ending, { programs: { gemini: '/nowhere/gemini.js' } }),
  ]);
}, 240_000);
afterAll(async () => {
  for (const { desk } of shops) await desk.remove();
});

const reasonOf = (name: string): string => tickets.get(name)?.blockedReason ?? '';

describe('an agent program that does not do what it should', () => {
  test.each([
    ['hangs', /took longer than 6 s/],
    ['sleeps', /took longer than 6 s/],
    ['floods', /output|longer than 6 s/],
    ['exits', /exit|ended/i],
    ['crashes', /139|exit|ended/i],
    ['fails', /exit code 7.*the reason is here/s],
    ['boasts', /submitted no result/],
    ['idles', /changed nothing/],
    ['misspells', /exit code 127/],
    ['lies', /f{40}, which is no commit of this attempt/],
    ['claims', /holds no commit beyond/],
  ])('%s: three failed attempts with the reason, then a dead letter', (name, reason) => {
    expect(tickets.get(name)).toMatchObject({ state: 'blocked', attempts: 3 });
    expect(reasonOf(name)).toMatch(/^dead-letter: /);
    for (const attempt of tickets.get(name)?.attemptList ?? [])
      expect(attempt).toMatchObject({
        state: 'failed',
        counts: true,
        reason: expect.stringMatching(reason) as string,
      });
  });

  test('absent: said once with what to install, and not tried again', () => {
    expect(tickets.get('absent')).toMatchObject({ state: 'blocked', attempts: 1 });
    expect(reasonOf('absent')).toMatch(
      /Gemini CLI was not found at \/nowhere\/gemini\.js.*install @google\/gemini-cli/,
    );
  });

  test('a script that is none: said once with an example', () => {
    expect(tickets.get('is-no-script')).toMatchObject({ state: 'blocked', attempts: 1 });
    expect(reasonOf('is-no-script')).toMatch(/not a JSON array of steps/);
  });

  test('start ends and tells of each, main stays as it was, and no process is left', async () => {
    expect(shops.flatMap(({ started }) => started.blocked.map((each) => each.id)).toSorted()).toEqual(
      [...tickets.values()].map((ticket) => ticket.id).toSorted(),
    );
    for (const { desk, repository, before, started } of shops) {
      expect(started.merged).toEqual([]);
      expect(await git(repository, 'rev-parse', 'main')).toBe(before);
      expect(await git(repository, 'status', '--porcelain')).toBe('');
      await desk.stopCore();
      expect(await processesAt(desk.workspace.path)).toEqual([]);
    }
  });
});
