import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { addBrand, held, makePlace } from '../support/workspace.ts';
import type { InProcessCore, TestPlace, TestRepository } from '../support/workspace.ts';
import { laySiege, type Siege } from './siege.ts';

/** What candidates carry to the gate, and what is planted on the way. The branch must stay what the operator approved. */

let place: TestPlace;
let core: InProcessCore;
let siege: Siege;
let shop: TestRepository;
const marker = () => path.join(place.around, 'ran-on-the-host');

beforeAll(async () => {
  place = makePlace();
  shop = place.repository('shop', {
    'src/a.txt': 'one\n',
    'src/b.txt': 'b\n',
    'outside.txt': 'outside\n',
    'test.sh': 'grep -q one src/a.txt\n',
    'tickets.jsonl': '{}\n',
  });
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

describe('a candidate that changes what is not its own', () => {
  test.each<[string, string]>([
    ['a file outside, by a shell', `echo more >> outside.txt; ${commit}`],
    ['the tickets, by a shell [B2]', `echo '{"state":"merged"}' > tickets.jsonl; ${commit}`],
    ['a new file outside beside an honest change', `echo two >> src/a.txt; echo x > new.txt; ${commit}`],
    ['a file outside that it takes away', `rm outside.txt; ${commit}`],
    ['a file that it moves out', `git mv src/b.txt b.txt; ${commit}`],
    ['a file that it moves in', `git mv outside.txt src/outside.txt; ${commit}`],
    [
      'the mode of a file outside',
      `chmod +x outside.txt; git update-index --chmod=+x outside.txt; ${commit}`,
    ],
    ['a file outside that becomes a link', `ln -sf src/a.txt outside.txt; ${commit}`],
    ['its folder, which becomes a link', `cp -r src other; rm -rf src; ln -s other src; ${commit}`],
    [
      'a path that only looks like its own',
      `mkdir -p 'src.bak' SRC; echo x > src.bak/x; echo x > SRC/x; ${commit}`,
    ],
    [
      'a file outside in a merge of two branches',
      `git checkout -qb side; echo x > side.txt; ${commit}; git checkout -q -; echo y >> src/b.txt; ${commit}; git merge -q --no-ff -m both side`,
    ],
    [
      'a submodule',
      `git update-index --add --cacheinfo 160000,$(git rev-parse HEAD),src/module; git commit -qm module`,
    ],
    ['the whole tree, with a commit of nothing', `git rm -rqf . ; git commit -qm nothing`],
    ['nothing', `git commit -q --allow-empty -m empty`],
  ])('%s: it fails, and the branch stays', async (_name, run) => {
    const head = shop.git('rev-parse', 'main');
    const { ticket } = await attack('Outside', run);
    expect(ticket.attemptList[0]).toMatchObject({ state: 'failed' });
    expect(ticket.attemptList[0]?.reason).toMatch(/outside the ticket|submodule|changes nothing/);
    expect(shop.git('rev-parse', 'main')).toBe(head);
  });

  test('the same change with the path among its own merges, so that it is the path that stops it', async () => {
    const { ticket } = await attack('Inside', `echo more >> outside.txt; ${commit}`, ['outside.txt']);
    expect(ticket.state).toBe('merged');
  });

  test.each<[string, string]>([
    ['a history of its own', `git checkout -q --orphan o; ${commit}`],
    [
      'a tree with git’s own folder in it',
      'x=$(echo evil | git hash-object -w --stdin); d=$(printf "100644 blob $x\\tconfig\\n" | git mktree); t=$( (git ls-tree HEAD; printf "040000 tree $d\\t.GIT\\n") | git mktree); git update-ref HEAD $(git commit-tree $t -p HEAD -m x)',
    ],
    [
      'a tree with git’s own folder in it, as another system reads names',
      'x=$(echo evil | git hash-object -w --stdin); t=$( (git ls-tree HEAD; printf "100644 blob $x\\tgit~1\\n") | git mktree); git update-ref HEAD $(git commit-tree $t -p HEAD -m x)',
    ],
    [
      'a tree that leads upward',
      'x=$(echo evil | git hash-object -w --stdin); d=$(printf "100644 blob $x\\tevil\\n" | git mktree); printf "40000 ..\\0" > /tmp/t; printf $(echo $d | sed "s/../\\\\\\\\x&/g") >> /tmp/t; t=$(git hash-object -w -t tree --literally /tmp/t); git update-ref HEAD $(git commit-tree $t -p HEAD -m x)',
    ],
    ['a link in place of its .git', 'mv .git /tmp/moved; ln -s /tmp/moved .git'],
    ['a .git that points elsewhere', 'mv .git moved; echo "gitdir: /work/moved/../../opt/atrium" > .git'],
    ['no .git', 'rm -rf .git'],
    [
      'objects that it borrowed elsewhere',
      `echo two >> src/b.txt; ${commit}; mkdir /tmp/o; cp -r .git/objects/?? /tmp/o; find .git/objects -type f -path "*/??/*" -delete; echo /tmp/o >> .git/objects/info/alternates`,
    ],
    [
      'a replaced object',
      `echo two >> src/b.txt; ${commit}; git replace HEAD $(git commit-tree HEAD~^{tree} -m other); git pack-refs --all; git update-ref HEAD $(git commit-tree HEAD^{tree} -m orphan)`,
    ],
  ])('%s does not reach the branch', async (_name, run) => {
    const head = shop.git('rev-parse', 'main');
    const { ticket } = await attack('Malformed', run, ['**']);
    expect(ticket.attemptList[0]?.state).toMatch(/^(failed|unverified)$/);
    expect(shop.git('rev-parse', 'main')).toBe(head);
    expect(shop.git('fsck', '--strict')).not.toMatch(/error|missing/);
  });
});

describe('what an agent plants in its checkout', () => {
  const EVIL =
    () => `printf '#!/bin/sh\\ntouch ${marker()} /work/ran-inside 2>/dev/null; cat\\n' > .git/evil; chmod +x .git/evil
    git config core.fsmonitor "$PWD/.git/evil"; git config core.hooksPath "$PWD/.git/hooks"; git config core.sshCommand "$PWD/.git/evil"
    mkdir -p .git/hooks; for hook in post-checkout post-index-change reference-transaction pre-commit post-merge; do cp .git/evil .git/hooks/$hook; done
    git config filter.x.clean "$PWD/.git/evil"; git config filter.x.smudge "$PWD/.git/evil"; git config diff.x.textconv "$PWD/.git/evil"
    git config merge.x.driver "$PWD/.git/evil"; git config diff.external "$PWD/.git/evil"; git config core.pager "$PWD/.git/evil"
    git config uploadpack.packObjectsHook "$PWD/.git/evil"; git config gc.recentObjectsHook "$PWD/.git/evil"
    git config extensions.worktreeConfig true; git config --worktree core.fsmonitor "$PWD/.git/evil"; git config alias.status '!touch ${marker()}'
    git config remote.origin.url 'ext::touch ${marker()}'; git config core.alternateRefsCommand "$PWD/.git/evil"`;

  test('runs nowhere on the host on its way through the gate, though it works in a folder where git is asked as usual', async () => {
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

  test('hooks and filters that the operator keeps in the repository are not run with what an agent changed in them', async () => {
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

  test('a push, from inside, goes nowhere [F6]', async () => {
    const refs = shop.git('for-each-ref', 'refs/heads', 'refs/tags');
    const { output } = await siege.attack('acme', {
      title: 'Push',
      paths: ['src/**'],
      command: `git push 2>&1; git push ${shop.path} HEAD:refs/heads/evil 2>&1; git push file:///opt/atrium/base/.. HEAD:refs/heads/evil 2>&1
        git fetch ${shop.path} 2>&1; echo "END $?"; exit 1`,
    });
    expect(output).toMatch(/^END [^0]/m);
    expect(shop.git('for-each-ref', 'refs/heads', 'refs/tags')).toBe(refs);
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

  test('a thousand files are merged; a name that is not text is not', async () => {
    const many = await attack(
      'Many files',
      `mkdir -p src/many; i=0; while [ $i -lt 1000 ]; do echo $i > src/many/$i; i=$((i+1)); done; ${commit}`,
    );
    expect(many.ticket.state).toBe('merged');
    const head = shop.git('rev-parse', 'main');
    const bytes = await attack('No text', `printf x > "$(printf 'src/\\377')"; ${commit}`);
    expect(bytes.ticket.attemptList[0]?.state).toBe('failed');
    expect(shop.git('rev-parse', 'main')).toBe(head);
  });

  test('a link to what lies outside is merged as a link, and nothing is read or written through it', async () => {
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
  });

  test('a folder named like a wildcard does not widen the ticket’s paths', async () => {
    const head = shop.git('rev-parse', 'main');
    const { ticket } = await attack('A star', `mkdir -p 'src/*/deep'; echo x > 'src/*/deep/x'; ${commit}`, [
      'src/*',
    ]);
    expect(ticket.attemptList[0]).toMatchObject({ state: 'failed' });
    expect(shop.git('rev-parse', 'main')).toBe(head);
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
