import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { TicketDetail } from '../../src-main/contract/tickets.ts';
import { addBrand, held, makePlace } from '../support/workspace.ts';
import type { InProcessCore, TestPlace, TestRepository } from '../support/workspace.ts';
import { GATE_ATTACKS } from './gate.ts';
import { laySiege, type Siege } from './siege.ts';

/** What candidates carry to the gate, and what is planted on the way. The branch must stay what the operator approved. */

const FILES = {
  'src/a.txt': 'one\n',
  'src/b.txt': 'b\n',
  'outside.txt': 'outside\n',
  'test.sh': 'grep -q one src/a.txt\n',
  'tickets.jsonl': '{}\n',
};
/** Git as somebody uses it who has no walls. */
const HOST_GIT = {
  PATH: process.env['PATH'] ?? '',
  HOME: '/nonexistent',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_AUTHOR_NAME: 'Agent',
  GIT_AUTHOR_EMAIL: 'agent@example.org',
  GIT_COMMITTER_NAME: 'Agent',
  GIT_COMMITTER_EMAIL: 'agent@example.org',
};

let place: TestPlace;
let core: InProcessCore;
let siege: Siege;
let shop: TestRepository;
const marker = () => path.join(place.around, 'ran-on-the-host');

beforeAll(async () => {
  place = makePlace();
  shop = place.repository('shop', FILES);
  core = await place.open();
  siege = laySiege(core);
  await addBrand(core.client, 'acme', shop.path, { test: 'sh test.sh' });
});
afterAll(async () => {
  await siege.end();
  await core.close();
  place.remove();
});
afterEach(() => {
  expect(existsSync(marker())).toBe(false);
  // The branch works after whatever was merged, and the operator's working tree is the branch.
  execFileSync('sh', ['test.sh'], { cwd: shop.path });
  expect(shop.git('status', '--porcelain')).toBe('');
});

const scripted = (run: string) => ({
  runtime: 'scripted' as const,
  command: JSON.stringify([{ run }, { submit: 'honest' }]),
});
const attack = (title: string, run: string, paths = ['src/**']) =>
  siege.attack('acme', { title, paths, acceptance: ['true'], ...scripted(run) });
const commit = 'git add -A && git commit -qm change';

describe('a candidate that ordinary git would take', () => {
  /** Three repositories alike, so that attacks need not wait for each other; main of each must stay. */
  const rows: { repository: TestRepository; head: string }[] = [];
  const ended = new Map<string, TicketDetail>();

  beforeAll(async () => {
    for (const name of ['row-1', 'row-2', 'row-3']) {
      const repository = place.repository(name, FILES);
      rows.push({ repository, head: repository.git('rev-parse', 'main') });
    }
    await addBrand(
      core.client,
      'rows',
      rows.map(({ repository }) => repository.path),
      { test: 'sh test.sh' },
    );
    const queue = [...GATE_ATTACKS];
    const work = async (repository: string): Promise<void> => {
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
        const { id, run, paths } = next;
        const draft = { title: id, repository, paths, acceptance: ['true'], ...scripted(run) };
        ended.set(id, (await siege.attack('rows', draft)).ticket);
      }
    };
    await Promise.all(['row-1', 'row-2', 'row-3'].map(work));
  }, 300_000);

  test.each(GATE_ATTACKS.map((attack) => [attack.id, attack.tries, attack] as const))(
    '%s: to %s fails at the gate',
    (id, _tries, { refused }) => {
      const [attempt] = ended.get(id)?.attemptList ?? [];
      expect([attempt?.state, attempt?.reason]).toEqual([
        expect.stringMatching(/^(failed|unverified)$/),
        expect.stringMatching(refused),
      ]);
    },
  );

  test('and every branch stays as it was', () => {
    for (const { repository, head } of rows) {
      expect(repository.git('rev-parse', 'main')).toBe(head);
      expect(repository.git('fsck', '--strict')).not.toMatch(/error|missing/);
    }
  });

  test.each(GATE_ATTACKS.map((attack) => [attack.id, attack] as const))(
    '%s: fetched by ordinary git, it moves the branch',
    (_id, { run, carries }) => {
      const [row] = rows;
      if (row === undefined) throw new Error('there is no repository');
      expect(takenByOrdinaryGit(row.repository, run)).toMatch(carries);
    },
  );

  test('the change of a file that is among its own merges, so that it is the path that stops it', async () => {
    const { ticket } = await attack('Inside', `echo more >> outside.txt; ${commit}`, ['outside.txt']);
    expect(ticket.state).toBe('merged');
  });

  test('nothing at all is no candidate', async () => {
    const { ticket } = await attack('Nothing', 'git commit -q --allow-empty -m empty');
    expect(ticket.attemptList[0]).toMatchObject({
      state: 'failed',
      reason: expect.stringMatching(/changes nothing/) as string,
    });
  });
});

/** The control: the same in a plain clone, then fetched into a plain copy. What came with it, in words. */
function takenByOrdinaryGit(repository: TestRepository, run: string): string {
  const folder = path.join(place.around, 'ordinary');
  const [clone, bare] = [path.join(folder, 'clone'), path.join(folder, 'bare.git')];
  rmSync(folder, { recursive: true, force: true });
  const git = (...args: string[]): string =>
    execFileSync('git', args, {
      encoding: 'utf8',
      env: HOST_GIT,
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  git('clone', '-q', '--bare', repository.path, bare);
  git('clone', '-q', repository.path, clone);
  const before = git('-C', bare, 'rev-parse', 'main');
  execFileSync('sh', ['-c', run], { cwd: clone, env: HOST_GIT, stdio: 'ignore' });
  git('-C', bare, 'fetch', '-q', clone, '+HEAD:refs/heads/main');
  expect(git('-C', bare, 'rev-parse', 'main')).not.toBe(before);
  const lines = [git('-C', bare, 'diff-tree', '-r', '--raw', '--no-renames', before, 'main')];
  const roots = git('-C', bare, 'rev-list', '--max-parents=0', 'main').split('\n');
  if (roots[0] !== git('-C', bare, 'rev-list', '--max-parents=0', before))
    lines.push(`roots: ${roots.length}, not those of main`);
  const onTheWay = git('-C', bare, 'log', '--format=', '--name-only', '--diff-filter=D', `${before}..main`);
  if (onTheWay !== '') lines.push(`in a commit on the way: ${onTheWay}`);
  return lines.join('\n');
}

describe('a checkout that leads git elsewhere', () => {
  test.each<[string, string]>([
    ['a link in place of its .git (git.folder-elsewhere)', 'mv .git /tmp/moved; ln -s /tmp/moved .git'],
    [
      'a .git that points elsewhere (git.folder-elsewhere)',
      'mv .git moved; echo "gitdir: /work/moved/../../opt/atrium" > .git',
    ],
    ['no .git', 'rm -rf .git'],
    [
      'objects that it borrowed elsewhere (git.borrowed-objects)',
      `echo two >> src/b.txt; ${commit}; mkdir /tmp/o; cp -r .git/objects/?? /tmp/o; find .git/objects -type f -path "*/??/*" -delete; echo /tmp/o >> .git/objects/info/alternates`,
    ],
    [
      'a replaced object (git.replaced-object)',
      `echo two >> src/b.txt; ${commit}; git replace HEAD $(git commit-tree HEAD~^{tree} -m other); git pack-refs --all; git update-ref HEAD $(git commit-tree HEAD^{tree} -m orphan)`,
    ],
  ])('%s does not reach the branch', async (_name, run) => {
    const head = shop.git('rev-parse', 'main');
    const { ticket } = await attack('Malformed', run, ['**']);
    expect(ticket.attemptList[0]?.state).toMatch(/^(failed|unverified)$/);
    expect(shop.git('rev-parse', 'main')).toBe(head);
    expect(shop.git('fsck', '--strict')).not.toMatch(/error|missing/);
  });

  test('ordinary git follows each of them', () => {
    const folder = path.join(place.around, 'led');
    const git = (...args: string[]): string =>
      execFileSync('git', ['-C', folder, ...args], { encoding: 'utf8', env: HOST_GIT }).trim();
    execFileSync('git', ['clone', '-q', shop.path, folder], { env: HOST_GIT });
    const elsewhere = path.join(place.around, 'elsewhere');
    execFileSync('sh', ['-c', `mv .git ${elsewhere}; echo "gitdir: ${elsewhere}" > .git`], { cwd: folder });
    expect(git('rev-parse', '--absolute-git-dir')).toBe(elsewhere);
    execFileSync('sh', ['-c', `rm .git; ln -s ${elsewhere} .git`], { cwd: folder });
    expect(git('log', '-1', '--format=%s')).not.toBe('');
    const objects = path.join(place.around, 'objects');
    execFileSync('sh', [
      '-c',
      `mv ${elsewhere}/objects ${objects}; mkdir -p ${elsewhere}/objects/info; echo ${objects} > ${elsewhere}/objects/info/alternates`,
    ]);
    expect(git('cat-file', '-t', 'HEAD')).toBe('commit');
    git('replace', 'HEAD', git('commit-tree', 'HEAD^{tree}', '-m', 'other'));
    expect(git('log', '-1', '--format=%s')).toBe('other');
  });
});

test('trailers that name other tickets move none of them (forged.trailer)', async () => {
  const drafted = held(
    await core.client.ticket.draft({
      brand: 'acme',
      draft: { title: 'Not approved', command: 'true', acceptance: ['true'] },
    }),
  );
  const words = `Done\n\nAtrium-Ticket: ${drafted.id}\nAtrium-Approval: ${drafted.hash}\nAtrium-Attempt: ${drafted.id}.1`;
  const { ticket } = await attack(
    'Forge',
    `echo forged > src/forged.txt; git add -A; printf '${words}' | git commit -qF -`,
  );
  expect(ticket.state).toBe('merged');
  expect(held(await core.client.ticket.show({ id: drafted.id }))).toMatchObject({
    state: 'draft',
    attemptList: [],
  });
  // The control: whoever reads trailers would believe it.
  expect(shop.git('log', '-1', '--no-merges', '--format=%(trailers:key=Atrium-Ticket,valueonly)')).toContain(
    drafted.id,
  );
  held(await core.client.ticket.block({ id: drafted.id, reason: 'it was bait' }));
});

describe('what an agent plants in its checkout', () => {
  const EVIL =
    () => `printf '#!/bin/sh\\ntouch ${marker()} 2>/dev/null; cat\\n' > .git/evil; chmod +x .git/evil
    git config core.fsmonitor "$PWD/.git/evil"; git config core.hooksPath "$PWD/.git/hooks"; git config core.sshCommand "$PWD/.git/evil"
    mkdir -p .git/hooks; for hook in post-checkout post-index-change reference-transaction pre-commit post-merge; do cp .git/evil .git/hooks/$hook; done
    git config filter.x.clean "$PWD/.git/evil"; git config filter.x.smudge "$PWD/.git/evil"; git config diff.x.textconv "$PWD/.git/evil"
    git config merge.x.driver "$PWD/.git/evil"; git config diff.external "$PWD/.git/evil"; git config core.pager "$PWD/.git/evil"
    git config uploadpack.packObjectsHook "$PWD/.git/evil"; git config gc.recentObjectsHook "$PWD/.git/evil"
    git config extensions.worktreeConfig true; git config --worktree core.fsmonitor "$PWD/.git/evil"; git config alias.status '!touch ${marker()}'
    git config remote.origin.url 'ext::touch ${marker()}'; git config core.alternateRefsCommand "$PWD/.git/evil"`;

  test('runs nowhere on the host on its way through the gate, though it works in a folder where git is asked as usual (git.configuration)', async () => {
    const { ticket } = await attack(
      'Plant configuration',
      `${EVIL()}; echo '* filter=x diff=x merge=x' > src/.gitattributes; echo planted >> src/b.txt; git -c core.hooksPath=/dev/null -c core.fsmonitor=false add -A && git -c core.hooksPath=/dev/null commit -qm plant`,
    );
    expect(ticket.state).toBe('merged');
    expect(shop.git('show', 'main:src/.gitattributes')).toContain('filter=x');

    // The control: the same in a folder of the host where ordinary git is run.
    const folder = path.join(place.around, 'control');
    execFileSync('git', ['clone', '-q', shop.path, folder]);
    execFileSync('sh', ['-c', EVIL()], { cwd: folder });
    execFileSync('git', ['-c', 'status.short=true', 'diff'], { cwd: folder });
    expect(existsSync(marker())).toBe(true);
    execFileSync('rm', [marker()]);
  });

  test('hooks and filters that the operator keeps in the repository are not run with what an agent changed in them (git.attributes)', async () => {
    shop.git('config', 'core.hooksPath', '.husky');
    shop.git('config', 'filter.tool.smudge', './tools/filter.sh');
    shop.git('config', 'filter.tool.clean', './tools/filter.sh');
    shop.git('config', 'core.fsmonitor', './tools/filter.sh');
    try {
      const evil = `#!/bin/sh\ntouch ${marker()}\ncat\n`;
      const names = [
        '.husky/post-index-change',
        '.husky/reference-transaction',
        '.husky/post-checkout',
        '.husky/pre-push',
        'tools/filter.sh',
      ];
      const write = names
        .map((name) => `mkdir -p $(dirname ${name}); cat > ${name} <<'END'\n${evil}END\nchmod +x ${name}`)
        .join('\n');
      const first = await attack('Hooks', `${write}\necho '*.txt filter=tool' > .gitattributes; ${commit}`, [
        '.husky/**',
        'tools/**',
        '.gitattributes',
      ]);
      expect(first.ticket.state).toBe('merged');
      const second = await attack(
        'The next merge meets them',
        `echo again >> src/b.txt; git -c core.hooksPath=/dev/null commit -qam again`,
      );
      expect(second.ticket.state).toBe('merged');
      expect(existsSync(marker())).toBe(false);
      expect(readFileSync(path.join(shop.path, 'src', 'b.txt'), 'utf8')).toContain('again');
    } finally {
      for (const key of ['core.hooksPath', 'filter.tool.smudge', 'filter.tool.clean', 'core.fsmonitor'])
        shop.git('config', '--unset', key);
    }
  });

  test('a push, from inside, goes nowhere [F6] (git.push)', async () => {
    const refs = shop.git('for-each-ref', 'refs/heads', 'refs/tags');
    const { output } = await siege.attack('acme', {
      title: 'Push',
      paths: ['src/**'],
      command: `git push 2>&1; git push ${shop.path} HEAD:refs/heads/evil 2>&1; git push file:///opt/atrium/base/.. HEAD:refs/heads/evil 2>&1
        git fetch ${shop.path} 2>&1; echo "END $?"; exit 1`,
    });
    expect(output).toMatch(/^END [^0]/m);
    expect(shop.git('for-each-ref', 'refs/heads', 'refs/tags')).toBe(refs);
    // The control: who can see the folder pushes.
    const clone = path.join(place.around, 'pushing');
    execFileSync('git', ['clone', '-q', shop.path, clone], { env: HOST_GIT });
    execFileSync('git', ['-C', clone, 'push', '-q', shop.path, 'HEAD:refs/heads/evil'], { env: HOST_GIT });
    expect(shop.git('for-each-ref', 'refs/heads')).toContain('refs/heads/evil');
    shop.git('branch', '-D', 'evil');
  });
});

describe('names that an agent chooses', () => {
  test('odd names are merged as they are', async () => {
    const names = [
      "a b's",
      '-rf',
      '--help',
      '$(touch x)',
      '"quoted"',
      'ünïcode-名前',
      'new\nline',
      'tab\there',
      '*',
      'a;b',
      '.gitignore.d',
      'CON',
      '%2e%2e',
    ];
    const program = `const { mkdirSync, writeFileSync } = require('node:fs'); for (const name of ${JSON.stringify(names)}) { mkdirSync('src/odd', { recursive: true }); writeFileSync('src/odd/' + name, name); }`;
    const { ticket } = await attack('Odd names', `node -e ${quoted(program)}; ${commit}`);
    expect([ticket.state, ticket.attemptList[0]?.reason]).toEqual(['merged', expect.anything()]);
    expect(readdirSync(path.join(shop.path, 'src', 'odd')).sort()).toEqual([...names].sort());
    expect(
      shop.git('ls-tree', '-r', '-z', '--name-only', 'main', 'src/odd').split('\0').filter(Boolean),
    ).toHaveLength(names.length);
  });

  test('a thousand files are merged', async () => {
    const many = await attack(
      'Many files',
      `mkdir -p src/many; i=0; while [ $i -lt 1000 ]; do echo $i > src/many/$i; i=$((i+1)); done; ${commit}`,
    );
    expect(many.ticket.state).toBe('merged');
  });

  test('a link to what lies outside is merged as a link, and nothing is read or written through it (link.then-through)', async () => {
    const secret = path.join(place.around, 'secret.txt');
    writeFileSync(secret, 'secret');
    const linked = await attack(
      'A link',
      `ln -s ${secret} src/link; ln -s ${place.around} src/folder; ${commit}`,
    );
    expect(linked.ticket.state).toBe('merged');
    const through = await attack(
      'Through the link',
      `rm src/folder; mkdir src/folder; echo evil > src/folder/planted.txt; rm src/link; echo evil > src/link; ${commit}`,
    );
    expect(through.ticket.state).toBe('merged');
    expect(readFileSync(secret, 'utf8')).toBe('secret');
    expect(existsSync(path.join(place.around, 'planted.txt'))).toBe(false);
    expect(readFileSync(path.join(shop.path, 'src', 'folder', 'planted.txt'), 'utf8')).toBe('evil\n');
    // The control: a copy of the tree as programs make it writes through.
    const copy = path.join(place.around, 'copied');
    mkdirSync(copy);
    symlinkSync(secret, path.join(copy, 'link'));
    writeFileSync(path.join(copy, 'link'), 'evil');
    expect(readFileSync(secret, 'utf8')).toBe('evil');
  });
});

test('what the operator has not committed is never written over', async () => {
  const own = path.join(shop.path, 'src', 'b.txt');
  const text = readFileSync(own, 'utf8');
  writeFileSync(own, 'mine, not committed\n');
  mkdirSync(path.join(shop.path, 'src', 'mine'), { recursive: true });
  const { id } = await siege.order('acme', {
    title: 'Over it',
    paths: ['src/**'],
    acceptance: ['true'],
    ...scripted(`echo theirs > src/b.txt; ${commit}`),
  });
  const waiting = await siege.until(id, (ticket) => ticket.reason.startsWith('waits for'));
  expect(waiting.state).toBe('verifying');
  expect(readFileSync(own, 'utf8')).toBe('mine, not committed\n');
  writeFileSync(own, text);
  await siege.until(id, (ticket) => ticket.state === 'merged');
  expect(readFileSync(own, 'utf8')).toBe('theirs\n');
});

test('a ticket that the operator blocks while its candidate is judged is not merged', async () => {
  const { id } = await siege.order('acme', {
    title: 'Blocked at the gate',
    paths: ['src/**'],
    acceptance: ['sleep 3'],
    ...scripted(`echo blocked > src/blocked.txt; ${commit}`),
  });
  await siege.until(id, (ticket) => ticket.state === 'verifying');
  held(await core.client.ticket.block({ id, reason: 'not this' }));
  await siege.untilRun(id, (run) => run.role === 'verifier' && run.state !== 'running');
  const next = await attack('The next one', `echo next > src/next.txt; ${commit}`);
  expect(next.ticket.state).toBe('merged');
  expect(shop.git('ls-tree', '-r', '--name-only', 'main')).not.toContain('src/blocked.txt');
});

test('a ticket that the operator blocks before its run was launched is not launched', async () => {
  const { id } = await siege.order('acme', {
    title: 'Blocked early',
    paths: ['src/**'],
    command: 'echo launched > src/launched.txt',
  });
  await siege.until(id, (ticket) => ticket.attemptList.length > 0);
  held(await core.client.ticket.block({ id, reason: 'not this' }));
  const next = await attack('And the next one', `echo again >> src/next.txt; ${commit}`);
  expect(next.ticket.state).toBe('merged');
  expect(held(await core.client.run.list({ ticket: id }))).toEqual([]);
});

test('[F16] after all that, the branch passes its tests in a fresh clone', () => {
  const folder = path.join(place.around, 'fresh');
  execFileSync('git', ['clone', '-q', shop.path, folder]);
  execFileSync('sh', ['test.sh'], { cwd: folder });
});

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
