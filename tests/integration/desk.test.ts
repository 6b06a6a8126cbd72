import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { BrandId, RunId } from '../../src-main/contract/ids.ts';
import { whenEnded } from '../support/feed.ts';
import { viewTerminal, type TerminalViewer } from '../support/terminal-viewer.ts';
import { addBrand, held, makePlace, type InProcessCore, type TestPlace } from '../support/workspace.ts';

const label = 'label' as BrandId;
const size = { columns: 100, rows: 30 };

describe('a brand’s desk', () => {
  let place: TestPlace;
  let core: InProcessCore;
  let repository: ReturnType<TestPlace['repository']>;

  beforeEach(async () => {
    place = makePlace();
    repository = place.repository('catalogue', { 'releases.txt': 'one\n' });
    core = await place.open();
    await addBrand(core.client, 'label', repository.path);
  });
  afterEach(async () => {
    await core.close();
    place.remove();
  });

  const open = async (): Promise<{ id: RunId; viewer: TerminalViewer }> => {
    const { id } = held(await core.client.terminal.open({ brand: label, ...size }));
    const viewer = viewTerminal(id, core.viewTerminal);
    await viewer.shows('label /work $');
    return { id, viewer };
  };
  const deskFolder = () => path.join(place.workspace, 'checkouts/label/desk-catalogue');

  test('[C18] is where a person works behind the brand’s walls, with its agents: the same one after a restart', async () => {
    const first = await open();
    first.viewer.type('echo second > notes.txt; echo "alias hail=\'echo it is me\'" > ~/.bashrc\r');
    first.viewer.type('git config user.name; stty size; echo $TERM; ls /home; type -t atrium\r');
    await first.viewer.shows('30 100\nxterm-256color');
    // Of the machine nothing but the desk: neither the operator's repository nor Atrium's own state, and no way out.
    first.viewer.type(
      `ls -d ${repository.path} ${place.workspace} /root 2>&1 | grep -c "No such\\|denied"; echo loo""ked\r`,
    );
    expect(await first.viewer.shows('looked')).toMatch(/\n3\nlooked/);
    first.viewer.type('env | cut -d= -f1 | sort | tr "\\n" " "; echo li""sted\r');
    const names = /\n([A-Za-z_ ]+) listed/.exec(
      (await first.viewer.shows(' listed')).replace(/\n(?=[A-Za-z_ ]+ )/g, '\n'),
    );
    expect(names?.[1] ?? '').not.toMatch(/SSH|npm_config_user|GIT_CONFIG|VITEST/);
    first.viewer.type('login; login gemini; echo gui""ded\r');
    const guided = await first.viewer.shows('\nguided');
    expect(guided).toContain('Logs an agent program in by your browser, for this brand alone: login ');
    expect(guided.replaceAll('\n', '')).toContain(
      'Gemini CLI needs hosts that this desk may not reach: accounts.google.com',
    );
    expect(held(await core.client.run.list({ brand: label }))).toMatchObject([
      { id: first.id, role: 'desk', state: 'running', ticket: null },
    ]);
    expect(held(await core.client.terminal.list({ brand: label }))).toMatchObject([
      { id: first.id, brand: 'label', repository: 'catalogue', ...size },
    ]);

    await core.close();
    core = await place.open();
    expect(held(await core.client.terminal.list({}))).toEqual([]);
    expect(held(await core.client.run.show({ id: first.id }))).toMatchObject({
      state: 'stopped',
      reason: 'the core was stopped',
    });
    const second = await open();
    second.viewer.type('cat notes.txt; hail\r');
    await second.viewer.shows('\nsecond\nit is me');
    expect(readFileSync(path.join(deskFolder(), 'notes.txt'), 'utf8')).toBe('second\n');
    expect(core.faults).toEqual([]);
  });

  test('[C18] a viewer that comes again sees everything; the shell’s end and the operator’s are told', async () => {
    const { id, viewer } = await open();
    viewer.type(`sh -c 'echo asl""eep; exec sleep 1000'\r`);
    await viewer.shows('asleep');
    viewer.type('\x03');
    await viewer.shows('^C\nlabel /work $');
    viewer.leave();
    const again = viewTerminal(id, core.viewTerminal);
    await again.shows('^C\nlabel /work $');
    again.resize(132, 43);
    again.type('stty size\r');
    await again.shows('43 132');
    again.type('exit 7\r');
    expect(await again.ended).toEqual({ type: 'ended', code: 7, signal: 0 });
    const late = viewTerminal(id, core.viewTerminal);
    expect(await late.ended).toMatchObject({ type: 'refused' });

    const other = await open();
    other.viewer.type('setsid nohup sleep 100000 & echo st""arted\r');
    await other.viewer.shows('started');
    held(await core.client.terminal.close({ id: other.id }));
    expect((await other.viewer.ended).type).toBe('ended');
    expect(held(await core.client.run.show({ id: other.id }))).toMatchObject({
      state: 'stopped',
      reason: 'closed by the operator (cli)',
    });
    expect(await core.client.terminal.close({ id: other.id })).toMatchObject({
      ok: false,
      failure: { code: 'not-found' },
    });
    expect(core.faults).toEqual([]);
  });

  test('[C18] is brought to the branch by the first terminal where all of it is committed; else it says how far behind it is', async () => {
    const first = await open();
    repository.commit({ 'releases.txt': 'one\nby hand\n' });
    const beside = held(await core.client.terminal.open({ brand: label, ...size }));
    expect(beside.notes.join(' ')).toContain(
      'main is 1 commit ahead of this desk, which is brought to it by',
    );
    for (const { id } of [first, beside]) held(await core.client.terminal.close({ id }));

    const second = held(await core.client.terminal.open({ brand: label, ...size }));
    expect(second.notes.join(' ')).toContain('This desk was brought to main: 1 commit.');
    const viewer = viewTerminal(second.id, core.viewTerminal);
    viewer.type(
      'cat releases.txt; git status --porcelain | wc -l; git log --oneline | wc -l; echo loo""ked\r',
    );
    expect(await viewer.shows('looked')).toMatch(/one\nby hand\n0\n[12]\nlooked/);
    viewer.type('echo mine > mine.txt; echo do""ne\r');
    await viewer.shows('done');
    held(await core.client.terminal.close({ id: second.id }));

    repository.commit({ 'releases.txt': 'one\ntwice\n' });
    const third = held(await core.client.terminal.open({ brand: label, ...size }));
    expect(third.notes.join(' ')).toContain('stays where it is: what is here is not all on it');
    expect(readFileSync(path.join(deskFolder(), 'mine.txt'), 'utf8')).toBe('mine\n');
    expect(readFileSync(path.join(deskFolder(), 'releases.txt'), 'utf8')).toBe('one\nby hand\n');
    expect(core.faults).toEqual([]);
  });

  test('[F6] what is there becomes a ticket with that commit as its candidate; nothing of it can be pushed from there', async () => {
    const nothing = await core.client.desk.propose({ brand: label, title: 'Nothing' });
    expect(nothing).toMatchObject({ ok: false, failure: { code: 'refused-transition' } });

    const { viewer } = await open();
    viewer.type('echo two >> releases.txt; git commit -qam "Two"; echo three > more.txt\r');
    viewer.type(`git push ${repository.path} HEAD:main; git remote | wc -l; echo pu""shed\r`);
    expect(await viewer.shows('pushed')).toMatch(/(does not appear to be a git|not found)[\s\S]*\n0\n/);
    expect(held(await core.client.desk.show({ brand: label }))).toMatchObject([
      { made: true, ahead: 1, dirty: ['more.txt'], folder: deskFolder() },
    ]);

    const drafted = held(
      await core.client.desk.propose({
        brand: label,
        title: 'Two more releases',
        acceptance: ['grep -q two releases.txt'],
      }),
    );
    expect(drafted).toMatchObject({
      state: 'draft',
      paths: ['more.txt', 'releases.txt'],
      runtime: 'command',
      command: null,
    });
    const desk = held(await core.client.desk.show({ brand: label }))[0];
    expect(desk).toMatchObject({ ahead: 2, dirty: [], head: drafted.commit });
    expect(repository.git('rev-list', '--count', 'main')).toBe('1');

    // The approval covers the commit: another one is another text.
    const edited = held(
      await core.client.ticket.edit({
        id: drafted.id,
        draft: { title: drafted.title, acceptance: drafted.acceptance, commit: desk?.base ?? '' },
      }),
    );
    expect(edited.hash).not.toBe(drafted.hash);
    const back = held(
      await core.client.ticket.edit({
        id: drafted.id,
        draft: {
          title: drafted.title,
          acceptance: drafted.acceptance,
          paths: drafted.paths,
          ...(drafted.commit === null ? {} : { commit: drafted.commit }),
        },
      }),
    );
    held(await core.client.ticket.approve({ id: back.id, hash: back.hash }));
    const merged = await whenEnded(core.client, back.id);
    expect(merged).toMatchObject({ state: 'merged', attempts: 1 });
    expect(repository.git('show', 'main:more.txt')).toBe('three');
    expect(repository.git('show', 'main:releases.txt')).toBe('one\ntwo');
    // No agent ran for it: the desk's own terminal and the verifier are all there is.
    expect(held(await core.client.run.list({ brand: label })).map((run) => run.role)).toEqual([
      'desk',
      'verifier',
    ]);

    expect(await core.client.desk.propose({ brand: label, title: 'Again' })).toMatchObject({
      ok: false,
      failure: { code: 'refused-transition' },
    });
    viewer.type('echo four > more.txt; echo do""ne\r');
    await viewer.shows('done');
    const next = held(
      await core.client.desk.propose({ brand: label, title: 'Four', acceptance: ['grep -q five more.txt'] }),
    );
    expect(next.paths).toEqual(['more.txt']);
    held(await core.client.ticket.approve({ id: next.id, hash: next.hash }));
    // A proposal that fails is not tried again as it is: it goes back to the desk.
    expect(await whenEnded(core.client, next.id)).toMatchObject({
      state: 'blocked',
      attempts: 1,
      blockedReason: expect.stringContaining('propose again from the desk') as string,
    });
    expect(existsSync(deskFolder())).toBe(true);
    expect(core.faults).toEqual([]);
  });
});
